/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which flow the next run of a measured program meets; written by ns before it begins. */
#ifndef BENCH_LIVE_PRELUDE_H
#define BENCH_LIVE_PRELUDE_H

#include <linux/types.h>

struct prelude {
	__u32 flow; /* the next one */
	__u32 flows;
	__u32 stride;   /* from one flow to the next, without a divisor in common with flows */
	__u32 sequence; /* TCP sequence number of the flows whose turn is to come */
	__u32 payload;  /* bytes of a packet's payload */
	__u32 zero;
};

#endif
