/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Which flow the next run of a measured program meets; written by ns before it begins. */
#ifndef BENCH_LIVE_PRELUDE_H
#define BENCH_LIVE_PRELUDE_H

#include <linux/types.h>

struct prelude {
	__u64 turn;
	__u32 flows;
	__u32 zero;
};

#endif
