/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Joins what the kernel program says about flows: copies of their first packets, packets that
 * found no entry, and the numbers of closed entries. Flows that are in the kernel's map are lent
 * to it in the host meter; those that found no room there the host meter counts by itself.
 */
#ifndef USER_KERNEL_FLOWS_H
#define USER_KERNEL_FLOWS_H

#include <stddef.h>

#include "host_meter.h"
#include "meter/event.h"
#include "meter/probe.h"

/* What is asked of the kernel program. */
struct kernel_port {
	void *context;
	/* A kept entry goes on with these numbers, or is dropped. 0, or negative: it is gone. */
	int (*reopen)(void *context, struct reopen_args *args);
	/* Copies of these flows' packets are no longer needed. count <= SATED_FLOWS. */
	void (*sate)(void *context, const struct sated_flow *flows, uint32_t count);
};

struct kernel_flows;

/* NULL when memory is short. port is copied, the rest borrowed. */
struct kernel_flows *kernel_flows_new(const struct meter_config *config,
				      const struct kernel_port *port, struct host_meter *meter,
				      struct flow_table *flows, struct ledger *ledger);
void kernel_flows_free(struct kernel_flows *k);

/* One event of the ring. */
void kernel_flows_event(struct kernel_flows *k, const void *event, size_t size);
/* The packets whose numbers an event carries; 0 for copies. */
uint64_t kernel_flows_packets(const void *event, size_t size);

/* Sends what the kernel should know: call it when the ring is empty. */
void kernel_flows_flush(struct kernel_flows *k);

/*
 * Keys of flows whose entries packets have closed: the kernel should send them soon. Written to
 * keys, max at most; returns how many.
 */
uint32_t kernel_flows_closed(struct kernel_flows *k, struct flow_key *keys, uint32_t max);
/* The first count of them were sent, and the ring was read since: who did not come has no entry. */
void kernel_flows_collected(struct kernel_flows *k, uint32_t count);

#endif
