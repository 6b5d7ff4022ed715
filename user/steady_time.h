/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The time of captured packets without the steps of the wall clock that stamps them: set forward,
 * it would age every flow at once, set back, none for as long. Where it is slewed it is followed.
 */
#ifndef USER_STEADY_TIME_H
#define USER_STEADY_TIME_H

#include <stdbool.h>
#include <stdint.h>

struct steady_time {
	uint64_t wall_ns;    /* the clocks when they were last compared */
	uint64_t offset_ns;  /* wall clock - monotonic clock */
	uint64_t step_ns;    /* all steps together: wall time less this is steady */
	uint64_t before_ns;  /* the same for packets from before the newest step */
	uint64_t stepped_ns; /* when that was, monotonic */
};

void steady_time_begin(struct steady_time *t, uint64_t wall_ns, uint64_t monotonic_ns);
/* To be called a few times a second. True: the wall clock was set meanwhile. */
bool steady_time_compare(struct steady_time *t, uint64_t wall_ns, uint64_t monotonic_ns);
/* Of a packet that is read now. */
uint64_t steady_time_of(const struct steady_time *t, uint64_t stamp_ns);
/* Whether it is as far from the last comparison as a step: then compare, and ask again. */
bool steady_time_is_odd(const struct steady_time *t, uint64_t steady_ns);

#endif
