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

/* A flow of the meter. struct flow_stats and struct flow_tcp follow it, if counted. */
struct host_flow {
	struct flow_key key;
	uint32_t flow; /* the flow table's number */
	uint32_t hash;
	uint32_t list;
	uint32_t waiting; /* kernel_flows.c: packets that wait for the kernel's numbers, 0 = none */
	struct flow_counters counters;
};

struct host_meter *host_meter_new(const struct meter_config *config, uint64_t max_flows,
				  struct flow_table *flows, struct ledger *ledger);
void host_meter_free(struct host_meter *m);

struct watch_list;
/* From here on a packet is counted at one of the interfaces that it crosses: meter/dedup.h. */
void host_meter_set_dedup(struct host_meter *m, const struct watch_list *watched);
/* Whether it was counted elsewhere; else this is the place where the flow's direction counts. */
bool host_meter_is_duplicate(const struct host_meter *m, struct host_flow *f,
			     const struct packet *p);

/* Counts a parsed packet into its flow; may end other flows. frame: see flow_table.h. */
void host_meter_packet(struct host_meter *m, struct packet *p, const struct frame *frame);

/*
 * Ends the flows that are idle at packet time now_ns: for when no packet comes to say so. What the
 * flow table pauses for is left to the next call.
 */
void host_meter_look(struct host_meter *m, uint64_t now_ns);

/* Ends every flow, oldest first: what fell silent before the last packet as such, others so. */
void host_meter_end_all(struct host_meter *m, enum flow_end_reason reason);
/* The same for a number of them. True: there are more. */
bool host_meter_end_some(struct host_meter *m, enum flow_end_reason reason, uint32_t most);
/* Drops every flow without a record. */
void host_meter_forget_all(struct host_meter *m);

/* Live flows. */
uint64_t host_meter_flows(const struct host_meter *m);

/*
 * For kernel_flows.c: flows that the kernel counts are lent to it. A lent flow has here only what
 * was counted besides; it neither times out here nor makes room for others.
 */

/* The number of a canonical key's flow; 0: there is none. */
uint32_t host_meter_find(const struct host_meter *m, const struct flow_key *key);
/* The number of a canonical key's flow, perhaps a new, empty one. 0: no room or no memory. */
uint32_t host_meter_flow(struct host_meter *m, const struct flow_key *key, uint8_t initiator);
/* Stays where it is until the flow ends. */
struct host_flow *host_meter_at(const struct host_meter *m, uint32_t number);
struct flow_stats *host_meter_stats(const struct host_meter *m, struct host_flow *f);
struct flow_tcp *host_meter_tcp(const struct host_meter *m, struct host_flow *f);
void host_meter_lend(struct host_meter *m, uint32_t number);
void host_meter_take_back(struct host_meter *m, uint32_t number);
bool host_meter_is_lent(const struct host_flow *f);
/* Counts p as host_meter_packet() does, but for the ledger; the flow may end and begin anew. */
void host_meter_count(struct host_meter *m, uint32_t number, struct packet *p,
		      const struct frame *frame);
/* The same for a lent flow, which ends only when the kernel says so. */
void host_meter_count_lent(struct host_meter *m, uint32_t number, struct packet *p,
			   const struct frame *frame);
/* The flow has ended; its number is free. */
void host_meter_end(struct host_meter *m, uint32_t number, enum flow_end_reason reason);

#endif
