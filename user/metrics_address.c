/* SPDX-License-Identifier: BSD-2-Clause */
#include "metrics_address.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>

#include "parse_value.h"

static void fill_ipv4(struct metrics_address *out, struct in_addr host, uint16_t port)
{
	struct sockaddr_in *to = (struct sockaddr_in *)&out->address;

	*to = (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr = host,
	};
	out->length = sizeof(*to);
}

static void fill_ipv6(struct metrics_address *out, const struct in6_addr *host, uint16_t port)
{
	struct sockaddr_in6 *to = (struct sockaddr_in6 *)&out->address;

	*to = (struct sockaddr_in6){
		.sin6_family = AF_INET6,
		.sin6_port = htons(port),
		.sin6_addr = *host,
	};
	out->length = sizeof(*to);
}

/* What stands before the port's colon. */
static int fill_host(struct metrics_address *out, const char *text, size_t length, uint16_t port)
{
	char host[INET6_ADDRSTRLEN + 1];
	bool brackets = length > 2 && text[0] == '[' && text[length - 1] == ']';
	struct in6_addr ipv6;
	struct in_addr ipv4;

	if (brackets) {
		text++;
		length -= 2;
	}
	if (length >= sizeof(host))
		return -EINVAL;
	memcpy(host, text, length);
	host[length] = '\0';
	if (brackets && inet_pton(AF_INET6, host, &ipv6) == 1)
		fill_ipv6(out, &ipv6, port);
	else if (!brackets && inet_pton(AF_INET, host, &ipv4) == 1)
		fill_ipv4(out, ipv4, port);
	else
		return -EINVAL;
	return 0;
}

int metrics_address_parse(const char *text, struct metrics_address *out)
{
	const struct in_addr loopback = { htonl(INADDR_LOOPBACK) };
	const char *colon = strrchr(text, ':');
	uint64_t port;

	*out = (struct metrics_address){ .length = 0 };
	if (parse_count(colon ? colon + 1 : text, 1, UINT16_MAX, &port))
		return -EINVAL;
	if (colon)
		return fill_host(out, text, colon - text, port);
	fill_ipv4(out, loopback, port);
	return 0;
}
