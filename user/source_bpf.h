/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interfaces watched by the kernel program: loads and attaches it, reads its events, ends what has
 * fallen silent, follows interfaces that go and come back, and leaves nothing behind.
 */
#ifndef USER_SOURCE_BPF_H
#define USER_SOURCE_BPF_H

#include <stdbool.h>

#include "config.h"
#include "counters.h"
#include "flow_table.h"
#include "host_meter.h"

struct source_bpf;
struct bpf_probe;

/*
 * Loads the program and attaches it to config->interfaces. 0 or a negative errno; the message is
 * printed, but with --hook auto only that of -ENODEV: else source_bpf_reason() says why, for
 * another hook to be taken.
 */
int source_bpf_open(struct source_bpf **out, const struct config *config,
		    const struct meter_config *meter_config);
/* For tests: another object, attached to nothing. */
struct bpf_probe_test;
int source_bpf_open_test(struct source_bpf **out, const struct config *config,
			 const struct meter_config *meter_config,
			 const struct bpf_probe_test *test);
const struct bpf_probe *source_bpf_probe(const struct source_bpf *s);
void source_bpf_close(struct source_bpf *s);
const char *source_bpf_reason(void);

/*
 * Runs until *stop, --stop-after or an output's error; then everything the kernel holds has been
 * handed to the meter. tick is called some ten times a second. 0 or negative errno after a message.
 */
int source_bpf_run(struct source_bpf *s, struct host_meter *meter, struct flow_table *flows,
		   struct ledger *ledger, const volatile bool *stop, void (*tick)(void *),
		   void *context);

/* *out = what the agent counted (own) + what the kernel counted + what agents before counted. */
void source_bpf_ledger(const struct source_bpf *s, const struct ledger *own, struct ledger *out);
/* Entries in the kernel's map and how many it may hold. */
void source_bpf_fill(const struct source_bpf *s, uint64_t *entries, uint64_t *max);
/* CPU time of the kernel program, ns; 0 unless kernel.bpf_stats_enabled. */
uint64_t source_bpf_run_time_ns(const struct source_bpf *s);

#endif
