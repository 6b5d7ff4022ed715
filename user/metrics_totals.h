/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is summed over all records for metrics, in memory of a fixed size: flows, packets and bytes
 * by application, category and interface, and how flows are distributed by duration and size.
 */
#ifndef USER_METRICS_TOTALS_H
#define USER_METRICS_TOTALS_H

#include <stdbool.h>
#include <stdint.h>

#include "record.h"

/* Names of a kind that are told apart; more would make more time series than anybody reads. */
#define METRICS_NAMES 100

/* What stands for all names after those. */
#define METRICS_OTHER "other"

#define METRICS_NAME_SLOTS 256

struct metrics_sum {
	uint64_t flows, packets, bytes;
};

/* Sums by name: of the first METRICS_NAMES names to come, and of all others together. */
struct metrics_names {
	const char *name[METRICS_NAMES]; /* borrowed */
	struct metrics_sum sum[METRICS_NAMES];
	struct metrics_sum other;
	uint32_t count;
	uint8_t slots[METRICS_NAME_SLOTS]; /* by hash: place + 1, 0 = free */
};

#define METRICS_BUCKETS 12

/* The upper bounds, inclusive, in ns and in bytes. */
extern const uint64_t metrics_duration_bounds[METRICS_BUCKETS];
extern const uint64_t metrics_size_bounds[METRICS_BUCKETS];

struct metrics_histogram {
	uint64_t count[METRICS_BUCKETS + 1]; /* of each bucket alone; the last one has no bound */
	unsigned __int128 sum;               /* flow-seconds in ns pass 64 bits in a minute */
};

struct metrics_totals {
	struct metrics_names applications, categories, interfaces;
	char interface_text[METRICS_NAMES]
			   [INTERFACE_NAME_SIZE]; /* which go with their interfaces */
	struct metrics_histogram durations, sizes;
};

/* An interface is watched: its sums are told even while they are 0. */
void metrics_totals_expect(struct metrics_totals *t, const char *interface);

/*
 * Adds a record. interface: where its packets were met, NULL = in a file. Names of applications
 * are known only if dissected. Names of interfaces are copied, others borrowed for as long as the
 * totals or a copy of them are looked at.
 */
void metrics_totals_add(struct metrics_totals *t, const struct flow_record *r, bool dissected,
			const char *interface);

#endif
