/* SPDX-License-Identifier: BSD-2-Clause */
#include "output_name.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Behind "FORMAT:SCHEME://" or "FORMAT:http:"; NULL: it is no URL. */
static const char *authority_of(const char *text)
{
	const char *target = strchr(text, ':'), *slashes = strstr(text, "://");

	if (slashes)
		return slashes + strlen("://");
	if (!target)
		return NULL;
	target++;
	if (strncmp(target, "http:", 5) && strncmp(target, "https:", 6))
		return NULL;
	return strchr(target, ':') + 1;
}

/* Behind the name of a user that has a password, which ends at *end; NULL: there is none. */
static const char *password_of(const char *authority, const char **end)
{
	const char *colon;

	*end = memrchr(authority, '@', strcspn(authority, "/?#"));
	colon = *end ? memchr(authority, ':', (size_t)(*end - authority)) : NULL;
	return colon ? colon + 1 : NULL;
}

char *output_name(const char *text)
{
	const char *authority = authority_of(text), *password, *rest;
	char *name;
	int head, length;

	if (!authority)
		return strdup(text);
	password = password_of(authority, &rest);
	if (!password)
		rest = authority;
	head = (int)((password ? password : authority) - text);
	length = (int)strcspn(rest, "?");
	return asprintf(&name, "%.*s%s%.*s%s", head, text, password ? "***" : "", length, rest,
			rest[length] ? "?..." : "") < 0
		       ? NULL
		       : name;
}
