/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The host's stand-in for the kernel program: flows by key, counted by the shared meter, ended by
 * packet time. It hands each flow's first packets and its end to the flow table.
 */
#ifndef USER_HOST_METER_H
#define USER_HOST_METER_H

#include <stdbool.h>
#include <stdint.h>

#include "counters.h"
#include "flow_table.h"
#include "meter/types.h"

struct host_meter;

struct host_meter *host_meter_new(const struct meter_config *config, uint64_t max_flows,
				  struct flow_table *flows, struct ledger *ledger);
void host_meter_free(struct host_meter *m);

/* Counts a parsed packet into its flow; may end other flows. frame: see flow_table.h. */
void host_meter_packet(struct host_meter *m, struct packet *p, const struct frame *frame);

/* Ends the flows that are idle at packet time now_ns: for when no packet comes to say so. */
void host_meter_look(struct host_meter *m, uint64_t now_ns);

/* Ends every flow, oldest first: what fell silent before the last packet as such, others so. */
void host_meter_end_all(struct host_meter *m, enum flow_end_reason reason);

/* Live flows. */
uint64_t host_meter_flows(const struct host_meter *m);

#endif
