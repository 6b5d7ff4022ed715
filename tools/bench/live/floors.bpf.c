/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The least that a flow probe has to do for a packet, in steps, at XDP and at TC: nothing, the
 * prelude alone, the shared parser, and (the floor) parser, clock, look-up in an LRU and six
 * atomic additions. Entries are made but never end, and nobody is told about them.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_helpers.h>

#include "meter/key.h"
#include "meter/parse.h"
#include "meter/probe.h"
#include "prelude.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct state {
	struct window window;
	struct parser parser;
	__u32 next, zero;
	__u8 fresh[FLOW_VALUE_MAX]; /* stays zero */
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct state);
} state SEC(".maps");

/* ns sets both sizes, the same as in weir's map. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__uint(key_size, sizeof(struct flow_key));
	__uint(value_size, FLOW_VALUE_MAX);
} flows SEC(".maps");

enum hook { HOOK_XDP, HOOK_TC };

/* Functions of their own: inlined together they are more than the verifier looks at. */
__noinline int link_level(struct state *s)
{
	if (!s)
		return PARSE_NOT_IP;
	return parse_link(&s->window, &s->parser, s->next);
}

__noinline int network_level(struct state *s)
{
	if (!s)
		return PARSE_NOT_IP;
	return parse_network(&s->window, &s->parser);
}

static __always_inline void run_level(struct state *s)
{
	if (s->next == PARSE_LINK || s->next == PARSE_TYPE)
		s->next = link_level(s);
	if (s->next == PARSE_NETWORK)
		s->next = network_level(s);
}

static __always_inline long load_window(struct window *w, void *ctx, enum hook hook, __u32 len)
{
	if (len > METER_WINDOW)
		len = METER_WINDOW;
	w->len = len--;
	asm volatile("" : "+r"(len)); /* keep clang from folding the mask away */
	len = (len & (METER_WINDOW - 1)) + 1;
	if (hook == HOOK_XDP)
		return bpf_xdp_load_bytes(ctx, 0, w->bytes, len);
	return bpf_skb_load_bytes(ctx, 0, w->bytes, len);
}

static __always_inline struct state *parse(void *ctx, enum hook hook, __u32 len)
{
	__u32 zero = 0;
	struct state *s = bpf_map_lookup_elem(&state, &zero);

	if (!s || load_window(&s->window, ctx, hook, len))
		return 0;
	parser_init(&s->parser, len, ~0u);
	s->next = PARSE_LINK;
	run_level(s);
	if (s->next != PARSE_DONE && s->next < PARSE_REFUSED)
		run_level(s);
	if (s->next != PARSE_DONE && s->next < PARSE_REFUSED)
		run_level(s);
	return parse_verdict(&s->parser, s->next) == PARSE_DONE ? s : 0;
}

static __always_inline void account(struct state *s)
{
	struct packet *p = &s->parser.pkt;
	__u64 *sums;

	p->time_ns = bpf_ktime_get_ns();
	key_canonicalize(p);
	sums = bpf_map_lookup_elem(&flows, &p->key);
	if (!sums) {
		bpf_map_update_elem(&flows, &p->key, s->fresh, BPF_NOEXIST);
		sums = bpf_map_lookup_elem(&flows, &p->key);
	}
	if (!sums)
		return;
	__sync_fetch_and_add(&sums[0], 1);
	__sync_fetch_and_add(&sums[1], p->size[ACCOUNT_LINK]);
	__sync_fetch_and_add(&sums[2], p->size[ACCOUNT_PAYLOAD]);
	__sync_fetch_and_add(&sums[3], p->time_ns);
	__sync_fetch_and_add(&sums[4], p->tcp_flags);
	__sync_fetch_and_add(&sums[5], p->ttl);
}

SEC("xdp") int empty_xdp(struct xdp_md *ctx)
{
	(void)ctx;
	return XDP_PASS;
}

SEC("tc") int empty_tc(struct __sk_buff *ctx)
{
	(void)ctx;
	return TC_ACT_OK;
}

SEC("xdp") int prelude_xdp(struct xdp_md *ctx)
{
	return next_flow_xdp(ctx) ? XDP_PASS : XDP_ABORTED;
}

SEC("tc") int prelude_tc(struct __sk_buff *ctx)
{
	return next_flow_tc(ctx) ? TC_ACT_OK : TC_ACT_SHOT;
}

SEC("xdp") int parse_xdp(struct xdp_md *ctx)
{
	if (!next_flow_xdp(ctx) || !parse(ctx, HOOK_XDP, ctx->data_end - ctx->data))
		return XDP_ABORTED;
	return XDP_PASS;
}

SEC("tc") int parse_tc(struct __sk_buff *ctx)
{
	if (!next_flow_tc(ctx) || !parse(ctx, HOOK_TC, ctx->len))
		return TC_ACT_SHOT;
	return TC_ACT_OK;
}

SEC("xdp") int floor_xdp(struct xdp_md *ctx)
{
	struct state *s = next_flow_xdp(ctx) ? parse(ctx, HOOK_XDP, ctx->data_end - ctx->data) : 0;

	if (!s)
		return XDP_ABORTED;
	account(s);
	return XDP_PASS;
}

SEC("tc") int floor_tc(struct __sk_buff *ctx)
{
	struct state *s = next_flow_tc(ctx) ? parse(ctx, HOOK_TC, ctx->len) : 0;

	if (!s)
		return TC_ACT_SHOT;
	account(s);
	return TC_ACT_OK;
}
