/* SPDX-License-Identifier: BSD-2-Clause */
/* Messages in a file: bare, or as datagrams to a collector in a pcap capture. */
#ifndef TESTS_INTEROP_DATAGRAMS_H
#define TESTS_INTEROP_DATAGRAMS_H

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "wire.h"

#define COLLECTOR 2055

static inline void die(const char *what)
{
	fprintf(stderr, "%s: %s: %s\n", program_invocation_short_name, what, strerror(errno));
	exit(1);
}

static inline void write_all(FILE *to, const void *bytes, size_t length)
{
	if (fwrite(bytes, 1, length, to) != length)
		die("write");
}

static inline void pcap_begin(FILE *to)
{
	static const uint32_t head[] = { 0xa1b2c3d4, 2 | 4 << 16, 0, 0, 262144, 228 /* IPv4 */ };

	write_all(to, head, sizeof(head));
}

static inline void pcap_frame(FILE *to, const void *bytes, size_t length)
{
	uint32_t size = 28 + length, head[] = { 1700000000, 0, size, size };
	uint8_t packet[28] = { 0x45 }, *at = packet + 2;

	at = wire_u16(at, size);
	at = wire_u32(wire_u32(at, 0), 64 << 24 | 17 << 16);
	at = wire_u32(wire_u32(at, 0xc0000201), 0xc0000202);
	at = wire_u16(wire_u16(at, 40000), COLLECTOR);
	wire_u32(at, (8 + length) << 16);
	write_all(to, head, sizeof(head));
	write_all(to, packet, sizeof(packet));
	write_all(to, bytes, length);
}

#endif
