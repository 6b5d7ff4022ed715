/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Between exactness.c and storm.bpf.c: which flows, and how many packets each of them had. */
#ifndef TESTS_BPF_STORM_H
#define TESTS_BPF_STORM_H

#include <linux/types.h>

#define STORM_FLOWS (1u << 20)

struct storm_params {
	__u32 flows; /* STORM_FLOWS at most */
	__u32 zero;
};

/* Flow i is that of source address 10.0.0.0 + i. */
#define STORM_BASE 0x0a000000u

#endif
