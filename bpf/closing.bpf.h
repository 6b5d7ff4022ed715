/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How entries leave the map, in programs that the agent calls, one at a time: sweep marks what has
 * ended, then the agent begins a new epoch and waits for an RCU grace period, then collect sends
 * the entries closed before it. A loop inside the kernel costs a third of one through system calls.
 */
#ifndef BPF_CLOSING_H
#define BPF_CLOSING_H

#include "events.bpf.h"
#include "flows.bpf.h"

static __always_inline int flow_is_due(const struct flow_counters *c, __u64 now_ns, __u64 idle_ns)
{
	__u64 last = meter_last_ns(c);
	struct meter_config cfg;

	cfg.idle_ns = idle_ns;
	cfg.tcp_end = config.meter.tcp_end;
	return last <= now_ns && meter_has_passed(last, now_ns, meter_patience_ns(c, &cfg));
}

static __always_inline void sweep_note_due(const struct flow_counters *c, struct sweep_args *a)
{
	struct meter_config cfg;
	__u64 due;

	cfg.idle_ns = a->idle_ns;
	cfg.tcp_end = config.meter.tcp_end;
	due = meter_last_ns(c) + meter_patience_ns(c, &cfg);
	if (!a->next_due_ns || due < a->next_due_ns)
		a->next_due_ns = due;
}

static long sweep_drop_orphan(const struct flow_key *key, struct sweep_args *a)
{
	struct control *ctl = control_get();

	if (!ctl || bpf_map_delete_elem(&flows, key))
		return 0;
	__sync_fetch_and_add(&ctl->live, -1ull);
	a->dropped++;
	return 0;
}

static long sweep_entry(void *map, const struct flow_key *key, struct flow_counters *c,
			struct sweep_args *a)
{
	__u64 state = flow_state(c);
	struct flow_key *slot;
	__u32 at = a->listed;

	(void)map;
	a->scanned++;
	if (!state)
		return 0;
	if ((__u32)state == FLOW_KEPT)
		return a->orphans ? sweep_drop_orphan(key, a) : 0;
	if (!(__u32)state) {
		if (!a->all && !flow_is_due(c, a->now_ns, a->idle_ns)) {
			sweep_note_due(c, a);
			return 0;
		}
		if (at < CLOSING_KEYS && flow_close(c, state, 0))
			a->marked++;
	}
	slot = bpf_map_lookup_elem(&closing, &at);
	if (!slot)
		return 1; /* the next pass goes on */
	*slot = *key;
	a->listed++;
	return 0;
}

SEC("syscall") int sweep(struct sweep_args *ctx)
{
	struct sweep_args a = *ctx;

	if (!a.now_ns)
		a.now_ns = bpf_ktime_get_ns();
	a.next_due_ns = a.scanned = a.marked = a.listed = a.dropped = 0;
	bpf_for_each_map_elem(&flows, sweep_entry, &a, 0);
	ctx->now_ns = a.now_ns;
	ctx->next_due_ns = a.next_due_ns;
	ctx->scanned = a.scanned;
	ctx->marked = a.marked;
	ctx->listed = a.listed;
	ctx->dropped = a.dropped;
	return 0;
}

static __always_inline enum flow_end_reason collect_reason(const struct flow_counters *c,
							   const struct collect_args *a)
{
	struct meter_config cfg;

	cfg.tcp_end = config.meter.tcp_end;
	if (flow_is_due(c, a->now_ns, config.meter.idle_ns))
		return meter_silence_reason(c, &cfg);
	if (flow_state(c) & FLOW_BY_PACKET)
		return FLOW_END_ACTIVE;
	return a->all ? FLOW_END_FORCED : FLOW_END_NO_RESOURCES;
}

static __always_inline void collect_fill(struct event_flow_end *e, const struct flow_key *key,
					 struct flow_counters *c, const struct collect_args *a,
					 int kept)
{
	struct flow_stats *stats = flow_stats_of(c);
	struct flow_tcp *tcp = flow_tcp_of(c);

	e->type = EVENT_FLOW_END;
	e->kept = kept;
	e->reason = collect_reason(c, a);
	e->zero[0] = e->zero[1] = 0;
	e->key = *key;
	e->counters = *c;
	if (stats)
		*flow_stats_of(&e->counters) = *stats;
	if (tcp)
		*flow_tcp_of(&e->counters) = *tcp;
}

/* Whether it is closed for good: marked before the grace period that has passed since. */
static __always_inline int collect_may(__u64 state, const struct collect_args *a)
{
	__u32 closed = state;

	return closed && closed != FLOW_KEPT && (closed & FLOW_EPOCH) <= a->epoch;
}

static long collect_entry(__u32 i, struct collect_args *a)
{
	struct flow_key *key = bpf_map_lookup_elem(&closing, &i);
	struct flow_counters *c = key ? bpf_map_lookup_elem(&flows, key) : 0;
	struct control *ctl = control_get();
	struct event_flow_end *e;
	__u64 state;
	int kept;

	if (!c || !ctl)
		return 0;
	state = flow_state(c);
	if (!collect_may(state, a))
		return 0;
	e = bpf_ringbuf_reserve(&events, config.flow_end_size, 0);
	if (!e) {
		a->ring_full = 1;
		return 1;
	}
	kept = !a->all && (state & FLOW_BY_PACKET);
	collect_fill(e, key, c, a, kept);
	if (kept) {
		*(volatile __u64 *)&c->state = (state & ~FLOW_CLOSING) | FLOW_KEPT;
	} else if (bpf_map_delete_elem(&flows, key)) {
		bpf_ringbuf_discard(e, BPF_RB_NO_WAKEUP);
		return 0;
	} else {
		__sync_fetch_and_add(&ctl->live, -1ull);
	}
	bpf_ringbuf_submit(e, BPF_RB_NO_WAKEUP);
	a->ended++;
	return 0;
}

SEC("syscall") int collect(struct collect_args *ctx)
{
	struct collect_args a = *ctx;
	__u32 count = ctx->count;

	a.ended = a.ring_full = 0;
	if (count > CLOSING_KEYS)
		count = CLOSING_KEYS;
	/* Kernels that inline bpf_loop() look at all 64 bits of its u32. */
	asm volatile("%0 = %0" : "+w"(count));
	bpf_loop(count, collect_entry, &a, 0);
	ctx->ended = a.ended;
	ctx->ring_full = a.ring_full;
	return 0;
}

/* Everything but the state, which opens the entry last. */
static __always_inline void reopen_fill(struct flow_counters *c, struct reopen_args *ctx)
{
	struct flow_stats *stats = flow_stats_of(c);
	struct flow_tcp *tcp = flow_tcp_of(c);

	c->dir[0] = ctx->counters.dir[0];
	c->dir[1] = ctx->counters.dir[1];
	c->previous_ns = ctx->counters.previous_ns;
	c->emitted = ctx->counters.emitted;
	c->initiator = ctx->counters.initiator;
	c->appetite = ctx->counters.appetite;
	c->missed = ctx->counters.missed;
	c->place[0] = ctx->counters.place[0];
	c->place[1] = ctx->counters.place[1];
	c->next_seq[0] = ctx->counters.next_seq[0];
	c->next_seq[1] = ctx->counters.next_seq[1];
	if (stats)
		*stats = ctx->stats;
	if (tcp)
		*tcp = ctx->tcp;
}

SEC("syscall") int reopen(struct reopen_args *ctx)
{
	struct flow_key key = ctx->key;
	struct flow_counters *c = bpf_map_lookup_elem(&flows, &key);
	struct control *ctl = control_get();
	__u64 state;

	ctx->done = 0;
	if (!c || !ctl)
		return 0;
	state = flow_state(c);
	if ((__u32)state != FLOW_KEPT)
		return 0;
	if (ctx->drop) {
		if (bpf_map_delete_elem(&flows, &key))
			return 0;
		__sync_fetch_and_add(&ctl->live, -1ull);
	} else {
		reopen_fill(c, ctx);
		__sync_val_compare_and_swap(&c->state, state, state & ~FLOW_CLOSING);
		__sync_fetch_and_add(&ctl->account.returned,
				     ctx->counters.dir[0].packets + ctx->counters.dir[1].packets);
	}
	ctx->done = 1;
	return 0;
}

static long sate_flow(__u32 i, void *context)
{
	const struct sated_flow *f = bpf_map_lookup_elem(&sated, &i);
	struct flow_counters *c = f ? bpf_map_lookup_elem(&flows, &f->key) : 0;

	(void)context;
	if (c && c->emitted >= f->emitted)
		c->appetite = f->appetite;
	return 0;
}

/* A hint: a flow that ended meanwhile is left alone. */
SEC("syscall") int sate(struct sate_args *ctx)
{
	bpf_loop(ctx->count, sate_flow, 0, 0);
	return 0;
}

#endif
