/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Every map of the program. Sizes that options decide are set by the agent before load. */
#ifndef BPF_MAPS_H
#define BPF_MAPS_H

#include "meter/dedup.h"
#include "meter/event.h"
#include "meter/fragment.h"
#include "meter/parse.h"
#include "meter/probe.h"

const volatile struct probe_config config = {};

/* Test clock and wire length of the next frame; see probe_config.test_clock. */
__u64 test_now_ns;
__u32 test_wire_len;

/* An entry with all that can be counted; with less, the map's values are shorter. */
struct flow_value {
	struct flow_counters counters;
	struct flow_stats stats;
	struct flow_tcp tcp;
	__u8 rest[FLOW_VALUE_MAX - FLOW_COUNTED_MAX];
};

/* Never full: the program stops inserting in time, so that the LRU itself never ends a flow. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__uint(key_size, sizeof(struct flow_key));
	__uint(value_size, sizeof(struct flow_value));
} flows SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 1 << 25);
} events SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct control);
} control SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct kernel_ledger);
} ledger SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, WATCHED_INTERFACES);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, struct interface_key);
	__type(value, struct interface_value);
} interfaces SEC(".maps");

/* Numbers whose interfaces are watched, a bit each; written by the agent. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, DEDUP_SET_WORDS);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, __u64);
} watched SEC(".maps");

struct fragment_entry {
	struct bpf_spin_lock lock; /* a slot is more than a word */
	__u32 zero;
	struct fragment_slot slot;
};

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, FRAGMENT_SLOTS);
	__type(key, __u32);
	__type(value, struct fragment_entry);
} fragments SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, CLOSING_KEYS);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct flow_key);
} closing SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, SATED_FLOWS);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, struct sated_flow);
} sated SEC(".maps");

/*
 * Updating a slot of an array of maps returns after an RCU grace period (synchronize_rcu() in
 * bpf_map_fd_put_ptr()'s callers, kernel commit 1ae80cf31938): the agent's way to wait for every
 * packet in flight. The programs never look into it.
 */
struct grace_token {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u32);
} grace_token SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 1);
	__type(key, __u32);
	__array(values, struct grace_token);
} grace SEC(".maps") = { .values = { &grace_token } };

/* What the verifier takes EVENT_MAX_BYTES for. */
#define EVENT_BYTES_POWER 16384u

/* What does not fit the stack. A program runs to its end before another begins on its CPU. */
struct scratch {
	struct window window;
	struct parser parser;
	__u32 next; /* enum parse_status */
	__u32 frame_len;
	struct flow_value fresh;
	struct event_packet event;
	__u8 bytes[EVENT_BYTES_POWER]; /* right behind the event */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct scratch);
} scratch SEC(".maps");

static __always_inline struct scratch *scratch_get(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&scratch, &zero);
}

static __always_inline struct control *control_get(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&control, &zero);
}

static __always_inline struct kernel_ledger *ledger_get(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&ledger, &zero);
}

#endif
