/* SPDX-License-Identifier: BSD-2-Clause */
#include "transport.h"

#include <string.h>

static const struct transport_ops *const transports[] = {
	&transport_udp,    &transport_tcp,  &transport_unix,
	&transport_syslog, &transport_http, &transport_https,
};

const struct transport_ops *transport_of(const char *target, const char **address)
{
	for (size_t i = 0; i < sizeof(transports) / sizeof(transports[0]); i++) {
		size_t length = strlen(transports[i]->scheme);

		if (strncmp(target, transports[i]->scheme, length) || target[length] != ':')
			continue;
		*address = target + length + 1;
		if (!strncmp(*address, "//", 2))
			*address += 2;
		return transports[i];
	}
	return NULL;
}

void transport_words(char *to, size_t room, const char *text, size_t length)
{
	size_t n = 0;

	for (; n < length && n + 1 < room && text[n] != '\n' && text[n] != '\r'; n++)
		to[n] = text[n] >= ' ' && text[n] <= '~' ? text[n] : '.';
	to[n] = '\0';
}
