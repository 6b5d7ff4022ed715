/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Interfaces watched by the kernel program: loads and attaches it, reads its events, ends what has
 * fallen silent, follows interfaces that go and come back, and leaves nothing behind.
 */
#ifndef USER_SOURCE_BPF_H
#define USER_SOURCE_BPF_H

#include <stdbool.h>

#include "source.h"

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
/* The interfaces behind the numbers of places; it lives as long as the source. */
const struct watch_list *source_bpf_watched(const struct source_bpf *s);
void source_bpf_close(struct source_bpf *s);
const char *source_bpf_reason(void);

int source_bpf_begin(struct source_bpf *s, const struct source_parts *parts);
int source_bpf_step(struct source_bpf *s, int timeout_ms);
/* Detaches, unless --pin is given, and hands on everything that the kernel holds. */
bool source_bpf_finish(struct source_bpf *s);
/* Notes what was written since as exported; the last thing of an agent with --pin. */
void source_bpf_settle(struct source_bpf *s);

/* *out = what the agent counted (own) + what the kernel counted + what agents before counted. */
void source_bpf_ledger(const struct source_bpf *s, const struct ledger *own, struct ledger *out);
/* Entries in the kernel's map and how many it may hold. */
void source_bpf_fill(const struct source_bpf *s, uint64_t *entries, uint64_t *max);
/* Bytes that wait in the ring of events, and its size. */
void source_bpf_ring(const struct source_bpf *s, uint64_t *used, uint64_t *size);
/* CPU time of the kernel program, ns; 0 unless kernel.bpf_stats_enabled. */
uint64_t source_bpf_run_time_ns(const struct source_bpf *s);

#endif
