/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The least that a flow probe has to do for a packet, in steps, at XDP and at TC: nothing, the
 * prelude alone, the parser that weir has for such packets, and (the floor) that parser, clock,
 * look-up in an LRU and six atomic additions. Entries are made but never end, and nobody is told
 * about them.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_helpers.h>

#include "meter/key.h"
#include "meter/plain.h"
#include "meter/probe.h"
#include "prelude.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct state {
	struct packet packet;
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

/* As weir parses such a packet: in place. data and data_end are the context's. */
static __always_inline struct state *parse(__u32 data, __u32 data_end, __u32 wire_len)
{
	struct plain_frame frame = { (const __u8 *)(long)data, (const __u8 *)(long)data_end,
				     wire_len };
	__u32 zero = 0;
	struct state *s = bpf_map_lookup_elem(&state, &zero);

	return s && plain_parse(&frame, &s->packet, PARSE_LINK) ? s : 0;
}

static __always_inline void account(struct state *s)
{
	struct packet *p = &s->packet;
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
	if (!next_flow_xdp(ctx) || !parse(ctx->data, ctx->data_end, ctx->data_end - ctx->data))
		return XDP_ABORTED;
	return XDP_PASS;
}

SEC("tc") int parse_tc(struct __sk_buff *ctx)
{
	if (!next_flow_tc(ctx) || !parse(ctx->data, ctx->data_end, ctx->len))
		return TC_ACT_SHOT;
	return TC_ACT_OK;
}

SEC("xdp") int floor_xdp(struct xdp_md *ctx)
{
	struct state *s =
		next_flow_xdp(ctx) ? parse(ctx->data, ctx->data_end, ctx->data_end - ctx->data) : 0;

	if (!s)
		return XDP_ABORTED;
	account(s);
	return XDP_PASS;
}

SEC("tc") int floor_tc(struct __sk_buff *ctx)
{
	struct state *s = next_flow_tc(ctx) ? parse(ctx->data, ctx->data_end, ctx->len) : 0;

	if (!s)
		return TC_ACT_SHOT;
	account(s);
	return TC_ACT_OK;
}

/* On an interface: packets as they come. */
SEC("tc") int wire_floor_tc(struct __sk_buff *ctx)
{
	struct state *s = parse(ctx->data, ctx->data_end, ctx->len);

	if (s)
		account(s);
	return TC_ACT_OK;
}
