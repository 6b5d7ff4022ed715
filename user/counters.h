/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ledger: where every packet went. At any moment
 *   seen = metered + filtered + sum(ignored) + sum(lost)
 * and at the end the packets of all records plus the unexported ones are metered. Each counter is
 * counted where it happens, none by subtraction; all packet counters count wire segments.
 */
#ifndef USER_COUNTERS_H
#define USER_COUNTERS_H

#include <stddef.h>
#include <stdint.h>

#include "meter/parse.h"
#include "meter/probe.h"

enum counter {
	COUNTER_SEEN,
	COUNTER_METERED,
	COUNTER_FILTERED,
	COUNTER_IGNORED_NOT_IP,
	COUNTER_IGNORED_TRUNCATED,
	COUNTER_IGNORED_MALFORMED,
	COUNTER_IGNORED_TOO_DEEP,
	COUNTER_IGNORED_WLAN,
	COUNTER_IGNORED_DUPLICATE,
	COUNTER_LOST_NO_MEMORY,
	COUNTER_LOST_CAPTURE_BUFFER,
	COUNTER_LOST_RING_FULL,
	COUNTER_LOST_AGENT_RESTART,
	COUNTER_MISSED_COPIES,
	COUNTER_UNEXPORTED,
	COUNTER_OVERFLOW,
	COUNTER_BYTES,
	COUNTER_FLOWS,
	COUNTER_ENDED_IDLE,
	COUNTER_ENDED_ACTIVE,
	COUNTER_ENDED_DETECTED,
	COUNTER_ENDED_FORCED,
	COUNTER_ENDED_NO_RESOURCES,
	COUNTER_PLUGIN_ERRORS,
	COUNTER_EXPORT_SENT,
	COUNTER_EXPORT_RETRIED,
	COUNTER_EXPORT_DROPPED,
	COUNTER_EXPORT_FAILED,
	COUNTER_GEOIP_ERRORS,
	COUNTER_ATTRIBUTION_KNOWN,
	COUNTER_ATTRIBUTION_UNKNOWN,
	COUNTER_ATTRIBUTION_LOST,
	COUNTER_WATCH_FAILED,
	COUNTERS,
};

/* A row of the counter table: "group.name" is its path; group "" is the top level. */
struct counter_info {
	const char *group, *name, *path, *help;
};

extern const struct counter_info counter_table[COUNTERS];

struct ledger {
	uint64_t value[COUNTERS];
};

static inline void ledger_add(struct ledger *l, enum counter c, uint64_t add)
{
	l->value[c] += add;
}

/* Who knows all of it, what the kernel counted too. */
struct ledger_source {
	struct ledger (*read)(const void *context);
	const void *context;
};

/* What the kernel program counted, in its places. */
void ledger_add_kernel(struct ledger *l, const struct kernel_ledger *kernel);

/* Lost packets, whatever the reason. */
uint64_t ledger_lost(const struct ledger *l);
/* Ignored packets, whatever the reason. */
uint64_t ledger_ignored(const struct ledger *l);

/* The counter of a packet that the parser refused. */
enum counter counter_of_refusal(enum parse_status status);

#endif
