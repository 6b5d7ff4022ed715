/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the kernel program and the agent share besides events: configuration, the control block,
 * the kernel's part of the ledger, and the arguments of the programs that the agent calls.
 */
#ifndef METER_PROBE_H
#define METER_PROBE_H

#include "types.h"

/* Set before load; the verifier drops what is off. */
struct probe_config {
	struct meter_config meter;
	__u32 max_live;      /* flows that the map may hold */
	__u32 snaplen;       /* bytes of a packet that an event carries, EVENT_MAX_BYTES at most */
	__u32 ring_bytes;    /* size of the ring buffer */
	__u32 flow_end_size; /* bytes of an EVENT_FLOW_END, with what is counted */
	__u8 filter;         /* call the capture filter */
	__u8 many;           /* more than one interface: its number is part of the key, unless */
	__u8 dedup;          /* a packet is counted at one of the interfaces that it crosses */
	__u8 test_clock;     /* tests: time and frame length come from variables */
	__u8 sockets;        /* events name the sender's socket */
	__u8 zero[3];
	__u32 test_spin; /* tests: some packets wait so many turns between look and add */
	__u16 interface; /* number of the one that there is, unless many */
	__u16 zero2;
	__u64 netns; /* cookie of the namespace that this copy of the program is for */
};

/* Interfaces by the kernel's index, when there is more than one. */
struct interface_key {
	__u64 netns; /* cookie of its network namespace: indexes are of one namespace each */
	__u32 index;
	__u32 zero;
};

struct interface_value {
	__u16 number;  /* the agent's, from 1 */
	__u16 vlan_id; /* with dedup: of packets without a tag */
	char name[16]; /* for agents to come */
};

/* Interfaces that are watched at the same time. */
#define WATCHED_INTERFACES 65535u

/*
 * The word that guards an entry, flow_counters.state: tag << 32 | closing. The tag is a hash of the
 * key, so that a pointer to an element that was deleted and used again for another flow shows.
 * closing 0: open, and only then a packet may add. Otherwise nobody begins to add any more, and
 * once an RCU grace period is over nobody does. The whole word 0: not yet born.
 */
#define FLOW_CLOSING   0xffffffffull
#define FLOW_EPOCH     0x7fffffffu /* the epoch in which the entry was closed, from 1 */
#define FLOW_BY_PACKET 0x80000000u /* closed by a packet that found it timed out */
#define FLOW_KEPT      0xffffffffu /* its numbers went to the agent, whose the entry is now */

/*
 * The size of the map's values, given how much is counted of a flow. The kernel lays out elements
 * one behind the other, each a head (struct htab_elem: hash chain, LRU node, hash), key and value.
 * Elements of whole cache lines keep what a packet needs in the fewest of them: see types.h.
 */
#define FLOW_ELEMENT_HEAD 48u
#define FLOW_CACHE_LINE   64u
#define FLOW_BEFORE_VALUE (FLOW_ELEMENT_HEAD + sizeof(struct flow_key))
#define FLOW_VALUE_SIZE(counted)                                                   \
	((FLOW_BEFORE_VALUE + (counted) + FLOW_CACHE_LINE - 1) / FLOW_CACHE_LINE * \
		 FLOW_CACHE_LINE -                                                 \
	 FLOW_BEFORE_VALUE)
#define FLOW_COUNTED_MAX \
	(sizeof(struct flow_counters) + sizeof(struct flow_stats) + sizeof(struct flow_tcp))
#define FLOW_VALUE_MAX FLOW_VALUE_SIZE(FLOW_COUNTED_MAX)
_Static_assert(FLOW_BEFORE_VALUE + __builtin_offsetof(struct flow_counters, previous_ns) ==
		       3 * FLOW_CACHE_LINE,
	       "what every packet needs ends with a cache line");
_Static_assert((FLOW_BEFORE_VALUE + sizeof(struct flow_counters) +
		__builtin_offsetof(struct flow_stats, dir)) %
			       FLOW_CACHE_LINE ==
		       0,
	       "the directions begin one");

/*
 * The agent's account of packets that are with it alone, in a map that outlives it. Events are
 * taken from the ring one by one; killed at any instruction, it leaves one of two consistent
 * versions behind. returned is the kernel's: it counts what reopen gave back to an entry.
 */
struct account_version {
	__u64 position; /* of the next event in the ring */
	__u64 taken;    /* packets in OVERFLOW and FLOW_END events taken */
};

struct account {
	struct account_version version[2];
	__u64 current;  /* which version holds: its lowest bit */
	__u64 exported; /* packets in records that were written, or counted as unexported or lost */
	__u64 returned;
	__u64 zero;
};

#define CONTROL_AGENT_COUNTERS 64

/* One writer a cache line. */
struct control {
	__u64 live; /* entries in the flow map; atomic */
	__u64 pad0[7];
	__u64 epoch;  /* written by the agent alone: a new one begins before each grace period */
	__u64 layout; /* what entries hold: meter_layout() */
	__u64 pad1[6];
	__u64 woken; /* the epoch for which a packet has woken the agent; atomic */
	__u64 pad2[7];
	struct account account;
	__u64 agent[CONTROL_AGENT_COUNTERS]; /* the agent's part of the ledger, its enum's order */
};
_Static_assert(sizeof(struct control) == 256 + 8 * CONTROL_AGENT_COUNTERS, "control's lines");

/* Entries that other settings made cannot be continued. */
static __always_inline __u64 meter_layout(const struct meter_config *m)
{
	return 3ull << 56 /* version of these structs */ | (__u64)m->tunnels << 8 |
	       m->accounting << 4 | m->tcp << 1 | m->stats;
}

/* The kernel's part of the ledger; packets are wire segments. Per CPU. */
enum kernel_counter {
	KERNEL_SEEN,
	/* where they went, which adds up to seen */
	KERNEL_METERED,
	KERNEL_FILTERED,
	KERNEL_NOT_IP,
	KERNEL_TRUNCATED,
	KERNEL_MALFORMED,
	KERNEL_TOO_DEEP,
	KERNEL_DUPLICATE,
	KERNEL_RING_FULL,
	/* and besides */
	KERNEL_MISSED_COPIES,
	KERNEL_BYTES,
	KERNEL_OVERFLOW, /* of the metered ones, those whose numbers went to the agent */
	KERNEL_COUNTERS,
};

struct kernel_ledger {
	__u64 value[KERNEL_COUNTERS];
};

/* Keys on their way out: the sweep and the agent write them, collect reads them. */
#define CLOSING_KEYS 65536u

/* SEC("syscall") sweep: marks what has ended and lists it with what packets have closed. */
struct sweep_args {
	__u64 now_ns;
	__u64 idle_ns; /* less than the timeout when the map is short of room */
	__u32 all;     /* end everything */
	__u32 orphans; /* drop the kept entries that a dead agent left */
	/* out */
	__u64 next_due_ns; /* before that no entry that it saw ends of silence; 0 = it saw none */
	__u64 scanned;
	__u64 marked;
	__u32 listed; /* keys in the closing list */
	__u32 dropped;
};

/* SEC("syscall") collect: sends and deletes the listed entries that were closed by epoch. */
struct collect_args {
	__u64 now_ns;
	__u32 count; /* keys in the closing list */
	__u32 epoch; /* the last one before the grace period */
	__u32 all;   /* at the end of a run: nothing is kept */
	/* out */
	__u32 ended;
	__u32 ring_full; /* the rest stays closed until the next pass */
	__u32 zero;
};

/* SEC("syscall") reopen: a kept entry goes on with these numbers, or is dropped. */
struct reopen_args {
	struct flow_key key;
	__u32 drop;
	__u32 done; /* out: 0 = there was no such entry */
	struct flow_counters counters;
	struct flow_stats stats;
	struct flow_tcp tcp;
};

/* SEC("syscall") sate: flows of which the agent wants less. */
#define SATED_FLOWS 1024u

struct sated_flow {
	struct flow_key key;
	__u32 emitted;  /* copies that the agent knows of: less says another entry */
	__u32 appetite; /* enum appetite */
};

struct sate_args {
	__u32 count;
	__u32 zero;
};

#endif
