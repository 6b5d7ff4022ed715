/* SPDX-License-Identifier: BSD-2-Clause */
/* Captures as Ethernet frames that BPF_PROG_TEST_RUN takes. */
#ifndef TESTS_BPF_ETHERNET_H
#define TESTS_BPF_ETHERNET_H

#include <stdint.h>

struct ethernet_counts {
	uint64_t written;
	uint64_t refused;         /* by the link reader: no frame that a kernel program would see */
	uint64_t shorter, longer; /* than min, max */
	uint64_t raised;          /* written with the newest time so far, being much older */
};

/*
 * Writes the frames of capture from to capture to, which begin with an Ethernet header of their
 * own or, for other link types, a synthetic one. 0, or negative: not a capture, or no frames left.
 */
int ethernet_convert(const char *from, const char *to, uint32_t min, uint32_t max,
		     struct ethernet_counts *counts);

#endif
