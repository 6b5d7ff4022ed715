// SPDX-License-Identifier: BSD-2-Clause
/*
 * When packets are due. A rate is kept on the average: slices of equal time, and a sender that
 * fell behind catches up, but never with more than a few slices at once, which the queues behind
 * it would not take.
 */
#include <errno.h>
#include <time.h>

#include "flood.h"

#define NS_PER_S    1000000000ull
#define MAX_SLICES  4
#define REST_NS     50000
#define PATIENCE_NS (5 * NS_PER_S)

uint64_t flood_now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

static void sleep_until(uint64_t when_ns)
{
	struct timespec at = { .tv_sec = when_ns / NS_PER_S, .tv_nsec = when_ns % NS_PER_S };

	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL) == EINTR)
		;
}

void flood_pace_begin(struct flood_pace *pace)
{
	pace->began_ns = pace->moved_ns = flood_now_ns();
	pace->moved = 0;
}

static uint64_t due(const struct flood_pace *pace)
{
	return (unsigned __int128)(flood_now_ns() - pace->began_ns) * pace->rate / NS_PER_S;
}

static uint64_t due_at_ns(const struct flood_pace *pace, uint64_t packets)
{
	return pace->began_ns + (unsigned __int128)packets * NS_PER_S / pace->rate;
}

uint64_t flood_pace_take(struct flood_pace *pace, uint64_t sent, uint64_t most)
{
	uint64_t slice = pace->rate * pace->slice_ns / NS_PER_S, may;

	if (!pace->rate)
		return most;
	if (!slice)
		slice = 1;
	if (slice > most)
		slice = most;
	if (due(pace) < sent + slice)
		sleep_until(due_at_ns(pace, sent + slice) + 1);
	may = due(pace) - sent;
	if (may > MAX_SLICES * slice)
		may = MAX_SLICES * slice;
	return may < most ? may : most;
}

int flood_pace_rest(struct flood_pace *pace, uint64_t sent)
{
	uint64_t now = flood_now_ns();

	if (sent != pace->moved) {
		pace->moved = sent;
		pace->moved_ns = now;
	}
	if (now - pace->moved_ns > PATIENCE_NS)
		return -ETIMEDOUT;
	sleep_until(now + REST_NS);
	return 0;
}
