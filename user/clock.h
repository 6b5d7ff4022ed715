/* SPDX-License-Identifier: BSD-2-Clause */
#ifndef USER_CLOCK_H
#define USER_CLOCK_H

#include <stdint.h>
#include <time.h>

/* Any of the kernel's clocks, in nanoseconds. */
static inline uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static inline uint64_t monotonic_ns(void)
{
	return clock_ns(CLOCK_MONOTONIC);
}

#endif
