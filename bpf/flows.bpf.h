/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The flow map: find, insert, close. What makes it exact:
 *
 * - A packet adds to an entry only where its state is the open word of the packet's own key. The
 *   tag in that word tells a reused element from the flow that was looked up.
 * - An entry is closed by one store; its numbers are read only after an RCU grace period, when no
 *   program that saw it open still runs. Packets that meet it meanwhile go to the agent.
 * - An entry is inserted with state 0 and opened ("born") through a pointer found by a second
 *   look-up, because the kernel may write a value into an element that another CPU holds.
 * - No insert above config.max_live, so that the LRU never evicts.
 */
#ifndef BPF_FLOWS_H
#define BPF_FLOWS_H

#include <asm-generic/errno.h>

#include "maps.bpf.h"
#include "meter/key.h"
#include "meter/meter.h"

static __always_inline __u64 flow_open_word(const struct flow_key *key)
{
	const struct key_words *w = (const struct key_words *)key;
	__u64 h = w->word[5];

	for (int i = 0; i < 5; i++) {
		h = (h ^ w->word[i]) * 0x9e3779b97f4a7c15ull;
		h ^= h >> 32;
	}
	return (h | 1ull << 32) & ~FLOW_CLOSING; /* never 0 */
}

static __always_inline __u64 flow_state(const struct flow_counters *c)
{
	return *(const volatile __u64 *)&c->state;
}

static __always_inline struct flow_stats *flow_stats_of(struct flow_counters *c)
{
	return config.meter.stats ? (struct flow_stats *)(c + 1) : 0;
}

static __always_inline struct flow_tcp *flow_tcp_of(struct flow_counters *c)
{
	if (!config.meter.tcp)
		return 0;
	if (config.meter.stats)
		return (struct flow_tcp *)((struct flow_stats *)(c + 1) + 1);
	return (struct flow_tcp *)(c + 1);
}

static __always_inline void flow_add(struct flow_counters *c, struct packet *p)
{
	struct meter_config cfg;

	/* Read once: config is volatile, and the meter takes a plain pointer. */
	cfg.accounting = config.meter.accounting;
	meter_update(c, flow_stats_of(c), flow_tcp_of(c), p, &cfg);
}

static __always_inline enum flow_end_reason flow_expired(const struct flow_counters *c,
							 const struct packet *p)
{
	struct meter_config cfg;

	cfg.idle_ns = config.meter.idle_ns;
	cfg.active_ns = config.meter.active_ns;
	cfg.tcp_end = config.meter.tcp_end;
	return meter_expired(c, p, &cfg);
}

/* By the packet that found it timed out, or by the sweep. */
static __always_inline int flow_close(struct flow_counters *c, __u64 open, __u32 by)
{
	struct control *ctl = control_get();
	__u64 epoch;

	if (!ctl)
		return 0;
	epoch = *(volatile __u64 *)&ctl->epoch & FLOW_EPOCH;
	return __sync_val_compare_and_swap(&c->state, open, open | epoch | by) == open;
}

/* Whether this packet is the first to close an entry in this epoch. */
static __always_inline int flow_first_closed(void)
{
	struct control *ctl = control_get();
	__u64 epoch, woken;

	if (!ctl)
		return 0;
	epoch = *(volatile __u64 *)&ctl->epoch;
	woken = *(volatile __u64 *)&ctl->woken;
	return woken != epoch && __sync_val_compare_and_swap(&ctl->woken, woken, epoch) == woken;
}

static __always_inline int flow_admit(struct control *ctl)
{
	/* Read first: with a full map nobody fights for the line. */
	if (*(volatile __u64 *)&ctl->live >= config.max_live)
		return 0;
	if (__sync_fetch_and_add(&ctl->live, 1) < config.max_live)
		return 1;
	__sync_fetch_and_add(&ctl->live, -1ull);
	return 0;
}

/*
 * A new entry that already holds the packet's numbers. 0, -EEXIST when another CPU was first, or
 * another negative errno when there is no room.
 */
static __always_inline long flow_insert(struct scratch *s, __u64 open, __u32 emitted)
{
	struct packet *p = &s->parser.pkt;
	struct control *ctl = control_get();
	struct flow_counters *c = &s->fresh.counters;
	long err;

	if (!ctl || !flow_admit(ctl))
		return -ENOSPC;
	__builtin_memset(&s->fresh, 0, sizeof(s->fresh));
	meter_open(c, p);
	flow_add(c, p);
	c->emitted = emitted;
	err = bpf_map_update_elem(&flows, &p->key, &s->fresh, BPF_NOEXIST);
	if (err) {
		__sync_fetch_and_add(&ctl->live, -1ull);
		return err;
	}
	c = bpf_map_lookup_elem(&flows, &p->key);
	if (c)
		__sync_val_compare_and_swap(&c->state, 0, open);
	return 0;
}

#endif
