/* SPDX-License-Identifier: BSD-2-Clause */
/* The addresses of this host, in the namespace of the process. */
#ifndef USER_LOCAL_ADDRESSES_H
#define USER_LOCAL_ADDRESSES_H

#include <stdbool.h>
#include <stdint.h>

struct local_addresses {
	uint8_t (*items)[16]; /* network order, IPv4 mapped */
	uint32_t count, room;
	uint64_t read_ns; /* monotonic; 0 = never */
};

/* Reads them anew once a second at most, and only when it knows none. */
bool local_addresses_have(struct local_addresses *l, const uint8_t addr[16]);
void local_addresses_free(struct local_addresses *l);

#endif
