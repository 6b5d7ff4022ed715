/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packets from capture files, through libpcap (whose headers are included nowhere else but in
 * filter.c, for they clash with the kernel's BPF headers).
 */
#ifndef USER_SOURCE_PCAP_H
#define USER_SOURCE_PCAP_H

#include "config.h"
#include "counters.h"
#include "flow_table.h"
#include "host_meter.h"

/*
 * Whether the first file can be read and the filter makes sense for it: asked before outputs are
 * opened, so that a typing error empties no file. 0, or a negative errno after a message.
 */
int source_pcap_check(const struct config *config);

/*
 * Reads config->read_files in order; flows go on from one to the next. Stops early when the flow
 * table is done or has an error, or *stop becomes true. tick is called with context between
 * batches of packets. 0, or a negative errno after a message.
 */
int source_pcap_run(const struct config *config, const struct meter_config *meter_config,
		    struct host_meter *meter, struct flow_table *flows, struct ledger *ledger,
		    const volatile bool *stop, void (*tick)(void *), void *context);

/* libpcap's own version string. */
const char *source_pcap_version(void);

#endif
