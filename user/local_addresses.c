/* SPDX-License-Identifier: BSD-2-Clause */
#include "local_addresses.h"

#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"

#define READ_NS 1000000000ull

/* All of 127.0.0.0/8 is here. */
static bool is_loopback(const uint8_t addr[16])
{
	return IN6_IS_ADDR_V4MAPPED((const struct in6_addr *)addr) && addr[12] == 127;
}

static bool is_listed(const struct local_addresses *l, const uint8_t addr[16])
{
	for (uint32_t i = 0; i < l->count; i++)
		if (!memcmp(l->items[i], addr, 16))
			return true;
	return false;
}

/* False: of another family, or no memory. */
static bool add(struct local_addresses *l, const struct sockaddr *from)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	uint32_t room = l->room ? l->room * 2 : 16;
	uint8_t(*grown)[16];

	if (!from || (from->sa_family != AF_INET && from->sa_family != AF_INET6))
		return false;
	if (l->count == l->room) {
		grown = reallocarray(l->items, room, sizeof(*grown));
		if (!grown)
			return false;
		l->items = grown;
		l->room = room;
	}
	if (from->sa_family == AF_INET6) {
		memcpy(l->items[l->count], &((const struct sockaddr_in6 *)from)->sin6_addr, 16);
	} else {
		memcpy(l->items[l->count], mapped, 12);
		memcpy(l->items[l->count] + 12, &((const struct sockaddr_in *)from)->sin_addr, 4);
	}
	l->count++;
	return true;
}

static void read_all(struct local_addresses *l)
{
	struct ifaddrs *all, *at;

	if (getifaddrs(&all))
		return;
	l->count = 0;
	for (at = all; at; at = at->ifa_next)
		add(l, at->ifa_addr);
	freeifaddrs(all);
}

bool local_addresses_have(struct local_addresses *l, const uint8_t addr[16])
{
	uint64_t now;

	if (is_loopback(addr) || is_listed(l, addr))
		return true;
	now = monotonic_ns();
	if (l->read_ns && now - l->read_ns < READ_NS)
		return false;
	l->read_ns = now;
	read_all(l);
	return is_listed(l, addr);
}

void local_addresses_free(struct local_addresses *l)
{
	free(l->items);
	*l = (struct local_addresses){ 0 };
}
