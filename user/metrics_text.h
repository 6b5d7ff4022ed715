/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The page that Prometheus reads. Which metrics there are is the table in metrics_text.c; a new one
 * is a row there and, where the meter knows the number, a member of struct metrics_snapshot.
 */
#ifndef USER_METRICS_TEXT_H
#define USER_METRICS_TEXT_H

#include "counters.h"
#include "metrics_totals.h"
#include "output_status.h"
#include "process_stats.h"
#include "text_buffer.h"
#include "weir/weir.h"

/* What the meter knew at one moment. */
struct metrics_snapshot {
	uint64_t time_ns; /* monotonic; 0 = not begun yet */
	struct ledger ledger;
	struct weir_status status;
	struct output_statuses outputs;
	struct metrics_totals totals;
};

/* What does not change while the program runs. */
struct metrics_build {
	const char *version, *libbpf, *ndpi;
	double start_s; /* of the process, since the epoch; 0 = not known */
};

/* All that a page is made from. */
struct metrics_view {
	const struct metrics_snapshot *meter;
	const struct metrics_build *build;
	struct process_stats process;
	uint64_t now_ns; /* monotonic */
};

void metrics_text(struct text_buffer *b, const struct metrics_view *v);

#endif
