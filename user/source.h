/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A source of packets, taken a step at a time. Opened before the meter exists, so that what cannot
 * be read is said before outputs are opened; begun with what it feeds.
 */
#ifndef USER_SOURCE_H
#define USER_SOURCE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "config.h"
#include "counters.h"
#include "flow_table.h"
#include "host_meter.h"
#include "owners.h"

/* All borrowed. */
struct source_parts {
	const struct meter_config *meter_config;
	struct host_meter *meter;
	struct flow_table *flows;
	struct owners *owners; /* NULL = nobody asks whose flows are */
	struct ledger *ledger;
	const atomic_bool *stop; /* somebody asks for the end */
	/* Called before a step waits for longer than it was told to; NULL = nobody asks. */
	void (*waits)(void *context);
	void *waits_context;
};

/*
 * Kinds are source_pcap.h, source_live.h and source_bpf.h. Each has, after its open():
 *   begin(source, parts)       once; 0 or a negative errno after a message
 *   step(source, timeout_ms)   some packets, waiting for them that long at most where they are
 *                              live. 1: there may be more; 0: the end; or a negative errno after
 *                              a message, which is the end too. A step ends early when the flow
 *                              table is stopped.
 *   finish(source)             after the end: hands on what the source holds itself, a part at a
 *                              time. True: call it again.
 *   close(source)              at any time; NULL is allowed
 */

#endif
