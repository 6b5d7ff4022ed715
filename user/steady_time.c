/* SPDX-License-Identifier: BSD-2-Clause */
#include "steady_time.h"

#define STEP_NS    500000000ull   /* less is a clock that is slewed, or a late comparison */
#define BACKLOG_NS 10000000000ull /* no packet waits longer to be read */

static uint64_t distance(uint64_t a, uint64_t b)
{
	return (int64_t)(a - b) < 0 ? b - a : a - b;
}

void steady_time_begin(struct steady_time *t, uint64_t wall_ns, uint64_t monotonic_ns)
{
	*t = (struct steady_time){ .wall_ns = wall_ns, .offset_ns = wall_ns - monotonic_ns };
}

bool steady_time_compare(struct steady_time *t, uint64_t wall_ns, uint64_t monotonic_ns)
{
	uint64_t offset = wall_ns - monotonic_ns, by = offset - t->offset_ns;
	bool stepped = distance(offset, t->offset_ns) >= STEP_NS;

	t->wall_ns = wall_ns;
	t->offset_ns = offset;
	if (stepped) {
		t->before_ns = t->step_ns;
		t->step_ns += by;
		t->stepped_ns = monotonic_ns;
	} else if (monotonic_ns - t->stepped_ns > BACKLOG_NS) {
		t->before_ns = t->step_ns;
	}
	return stepped;
}

uint64_t steady_time_of(const struct steady_time *t, uint64_t stamp_ns)
{
	uint64_t now = t->wall_ns - t->step_ns;
	uint64_t after = stamp_ns - t->step_ns, before = stamp_ns - t->before_ns;

	return distance(after, now) <= distance(before, now) ? after : before;
}

bool steady_time_is_odd(const struct steady_time *t, uint64_t steady_ns)
{
	return distance(steady_ns, t->wall_ns - t->step_ns) >= STEP_NS;
}
