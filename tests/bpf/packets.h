/* SPDX-License-Identifier: BSD-2-Clause */
/* The Ethernet packets of many captures, in memory, to be looked at many times. */
#ifndef TESTS_BPF_PACKETS_H
#define TESTS_BPF_PACKETS_H

#include <stddef.h>

#include "capture.h"

struct packets {
	struct packet_copy {
		const char *capture;
		uint32_t number; /* in the capture, from 1 */
		uint32_t captured, wire_len;
		uint8_t *bytes;
	} * list;
	size_t count, room;
};

/* Adds a capture's packets; false when it is not an Ethernet capture. */
bool packets_read(struct packets *p, const char *path);
void packets_add(struct packets *p, const char *capture, const uint8_t *bytes, uint32_t length);
void packets_free(struct packets *p);

#endif
