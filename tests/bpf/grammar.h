/* SPDX-License-Identifier: BSD-2-Clause */
/* Expressions of pcap-filter(7) by chance, the same for the same seed and packets. */
#ifndef TESTS_BPF_GRAMMAR_H
#define TESTS_BPF_GRAMMAR_H

#include <stdint.h>
#include <stdio.h>

struct grammar {
	uint64_t state; /* the seed; not 0 */
	/* Addresses, ports and values are often those of this packet, or nothing would match. */
	const uint8_t *packet;
	uint32_t length;
};

uint32_t grammar_pick(struct grammar *g, uint32_t below);

/* Not everything it writes compiles: "ip and ip6" rejects all packets, a division may be by 0. */
void grammar_write(struct grammar *g, FILE *out);

#endif
