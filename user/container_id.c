/* SPDX-License-Identifier: BSD-2-Clause */
#include "container_id.h"

#include <stdbool.h>
#include <string.h>

#define HEX       "0123456789abcdef"
#define ID_DIGITS (CONTAINER_ID_SIZE - 1)

#define UID_DIGITS    36
#define STATIC_DIGITS 32 /* of a static pod, whose UID is a hash */

/* A name of the path: from start, length bytes. */
struct name {
	const char *start;
	size_t length;
};

static bool ends_with(const struct name *n, const char *end)
{
	size_t length = strlen(end);

	return n->length >= length && !memcmp(n->start + n->length - length, end, length);
}

/* The name before n, towards the root. False: there is none. */
static bool name_before(const char *path, struct name *n)
{
	const char *end = n->start;

	while (end > path && end[-1] == '/')
		end--;
	n->start = end;
	while (n->start > path && n->start[-1] != '/')
		n->start--;
	n->length = end - n->start;
	return n->length > 0;
}

/* Cuts a unit's suffix, if there is one, and so many digits off the name's end. */
static bool cut_end(struct name *n, const char *suffix, size_t digits, char *out)
{
	if (ends_with(n, suffix))
		n->length -= strlen(suffix);
	if (n->length < digits)
		return false;
	n->length -= digits;
	memcpy(out, n->start + n->length, digits);
	out[digits] = '\0';
	return true;
}

/* "docker-ID", and an ID alone. conmon watches over a container and is not in it. */
static bool is_runtime(const struct name *prefix)
{
	if (!prefix->length)
		return true;
	return ends_with(prefix, "-") && !ends_with(prefix, "conmon-");
}

static bool id_in_name(struct name n, char id[CONTAINER_ID_SIZE])
{
	return cut_end(&n, ".scope", ID_DIGITS, id) && is_runtime(&n) &&
	       strspn(id, HEX) == ID_DIGITS;
}

void container_id(const char *path, char id[CONTAINER_ID_SIZE])
{
	struct name n = { .start = path + strlen(path) };

	while (name_before(path, &n))
		if (id_in_name(n, id))
			return;
	id[0] = '\0';
}

/* "pod0f3c...", "kubepods-burstable-pod0f3c_....slice": a name that ends with so many digits. */
static bool uid_in_name(struct name n, size_t digits, char uid[POD_UID_SIZE])
{
	if (!cut_end(&n, ".slice", digits, uid))
		return false;
	for (char *c = uid; *c; c++)
		if (*c == '_')
			*c = '-';
	if (strspn(uid, HEX "-") != digits || !ends_with(&n, "pod"))
		return false;
	return n.length == strlen("pod") || ends_with(&n, "-pod");
}

void container_pod_uid(const char *path, char uid[POD_UID_SIZE])
{
	struct name n = { .start = path + strlen(path) };

	if (strstr(path, "kubepods"))
		while (name_before(path, &n))
			if (uid_in_name(n, UID_DIGITS, uid) || uid_in_name(n, STATIC_DIGITS, uid))
				return;
	uid[0] = '\0';
}
