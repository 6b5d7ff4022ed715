/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The line of --stats-interval: rates between two moments. Moments are the caller's, with their
 * time, so that nothing here looks at a clock.
 */
#ifndef USER_STATS_LINE_H
#define USER_STATS_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STATS_LINE_SIZE 320

/* What only some sources can tell. */
struct stats_extras {
	uint64_t map_flows, map_max; /* flows in the kernel's map; max 0: there is no map */
	uint64_t bpf_ns;             /* CPU time of the kernel program so far; 0: not known */
};

struct stats_moment {
	uint64_t time_ns; /* monotonic */
	uint64_t packets; /* seen so far; the next three count up too */
	uint64_t bytes;
	uint64_t lost; /* packets */
	uint64_t cpu_ns;
	uint64_t flows; /* live */
	struct stats_extras extras;
};

/* When the next line is due and what it is compared with. */
struct stats_line {
	uint64_t interval_ns; /* 0: never */
	uint64_t due_ns;
	struct stats_moment last;
};

void stats_line_begin(struct stats_line *s, uint64_t interval_ns, const struct stats_moment *now);
bool stats_line_due(const struct stats_line *s, uint64_t now_ns);
/* Writes the line, without its end, and makes now what the next one is compared with. */
void stats_line_next(struct stats_line *s, const struct stats_moment *now,
		     char out[STATS_LINE_SIZE]);

#endif
