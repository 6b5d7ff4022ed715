/* SPDX-License-Identifier: BSD-2-Clause */
/* Ethernet captures for parity.c; apart, because libpcap's headers clash with the kernel's. */
#ifndef TESTS_BPF_CAPTURE_H
#define TESTS_BPF_CAPTURE_H

#include <stdbool.h>
#include <stdint.h>

struct capture_packet {
	const uint8_t *bytes;
	uint32_t captured, wire_len;
	uint64_t time_ns;
};

/* Calls on_packet until it returns false. False when the file is not an Ethernet capture. */
bool capture_read(const char *path, bool (*on_packet)(void *, const struct capture_packet *),
		  void *context);

#endif
