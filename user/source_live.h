/* SPDX-License-Identifier: BSD-2-Clause */
/* Packets from interfaces, through libpcap (TPACKET_V3 on Linux). */
#ifndef USER_SOURCE_LIVE_H
#define USER_SOURCE_LIVE_H

#include <stdbool.h>

#include "config.h"
#include "counters.h"
#include "flow_table.h"
#include "host_meter.h"

struct source_live;

/*
 * Opens config->interfaces, so that what cannot be watched is said before outputs are opened.
 * 0, or a negative errno after a message.
 */
int source_live_open(struct source_live **out, const struct config *config);
void source_live_close(struct source_live *s);

/*
 * Meters until *stop, or the flow table is done or has an error; an interface that goes away is
 * waited for. What the kernel dropped for want of buffer space is counted as lost. tick is called
 * with context some ten times a second. 0, or a negative errno.
 */
int source_live_run(struct source_live *s, const struct meter_config *meter_config,
		    struct host_meter *meter, struct flow_table *flows, struct ledger *ledger,
		    const volatile bool *stop, void (*tick)(void *), void *context);

#endif
