/* SPDX-License-Identifier: BSD-2-Clause */
#include "stats_line.h"

#include <inttypes.h>
#include <stdio.h>

#define NS_PER_S 1e9

void stats_line_begin(struct stats_line *s, uint64_t interval_ns, const struct stats_moment *now)
{
	*s = (struct stats_line){
		.interval_ns = interval_ns,
		.due_ns = now->time_ns + interval_ns,
		.last = *now,
	};
}

bool stats_line_due(const struct stats_line *s, uint64_t now_ns)
{
	return s->interval_ns && now_ns >= s->due_ns;
}

/* Lines keep their beat; one that comes a whole interval late (SIGSTOP) begins a new one. */
static void set_due(struct stats_line *s, uint64_t now_ns)
{
	s->due_ns += s->interval_ns;
	if (s->due_ns <= now_ns)
		s->due_ns = now_ns + s->interval_ns;
}

static double per_second(uint64_t more, double seconds)
{
	return seconds > 0 ? more / seconds : 0;
}

static double cpu_percent(uint64_t more_ns, double seconds)
{
	return per_second(more_ns, seconds) / NS_PER_S * 100;
}

static void format_map(const struct stats_extras *e, char *out, size_t size)
{
	*out = '\0';
	if (e->map_max)
		snprintf(out, size, "map %" PRIu64 "/%" PRIu64 " (%.0f %%), ", e->map_flows,
			 e->map_max, 100.0 * e->map_flows / e->map_max);
}

static void format_bpf(uint64_t before_ns, uint64_t now_ns, double seconds, char *out, size_t size)
{
	*out = '\0';
	if (now_ns)
		snprintf(out, size, ", bpf %.1f %%", cpu_percent(now_ns - before_ns, seconds));
}

static void format_line(const struct stats_moment *before, const struct stats_moment *now,
			char out[STATS_LINE_SIZE])
{
	double seconds = (now->time_ns - before->time_ns) / NS_PER_S;
	char map[80], bpf[40];

	format_map(&now->extras, map, sizeof(map));
	format_bpf(before->extras.bpf_ns, now->extras.bpf_ns, seconds, bpf, sizeof(bpf));
	snprintf(out, STATS_LINE_SIZE,
		 "%.0f pps, %.1f Mbit/s, flows %" PRIu64 ", %slost %" PRIu64 " (+%" PRIu64
		 "), cpu %.1f %%%s",
		 per_second(now->packets - before->packets, seconds),
		 per_second(now->bytes - before->bytes, seconds) * 8 / 1e6, now->flows, map,
		 now->lost, now->lost - before->lost,
		 cpu_percent(now->cpu_ns - before->cpu_ns, seconds), bpf);
}

void stats_line_next(struct stats_line *s, const struct stats_moment *now,
		     char out[STATS_LINE_SIZE])
{
	format_line(&s->last, now, out);
	s->last = *now;
	set_due(s, now->time_ns);
}
