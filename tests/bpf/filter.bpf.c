/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Programs that build the window of a packet, as the kernel program does, and ask filters: the
 * three of bpf/filter.bpf.h, and batches of them with smaller rooms.
 */
#include "../../bpf/filter.bpf.h"

#include "filter.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct exchange);
} exchanges SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct window);
} windows SEC(".maps");

#define BATCH_FUNCTIONS(n)                                                      \
	FILTER_FUNCTION(batch_xdp_##n, xdp_md, BATCH_MARK_XDP + n, BATCH_SLED)  \
	FILTER_FUNCTION(batch_tc_##n, __sk_buff, BATCH_MARK_TC + n, BATCH_SLED) \
	FILTER_FUNCTION(batch_ip_##n, __sk_buff, BATCH_MARK_IP + n, BATCH_SLED)

EACH_OF_BATCH(BATCH_FUNCTIONS)

/* At most METER_WINDOW. Before 6.8 the verifier learns nothing from len != 0, but from the mask. */
static __always_inline __u64 window_length(__u64 len, __u64 most)
{
	if (len > most)
		len = most;
	len--;
	asm volatile("" : "+r"(len)); /* keep clang from folding the mask away */
	return (len & (METER_WINDOW - 1)) + 1;
}

static __always_inline struct window *window_of_xdp(struct xdp_md *ctx)
{
	__u32 zero = 0;
	struct window *w = bpf_map_lookup_elem(&windows, &zero);
	__u64 len = bpf_xdp_get_buff_len(ctx);

	if (!w || !len)
		return 0;
	len = window_length(len, METER_WINDOW);
	if (bpf_xdp_load_bytes(ctx, 0, w->bytes, len))
		return 0;
	w->len = len;
	w->inserted = 0;
	return w;
}

static __always_inline struct window *window_of_skb(struct __sk_buff *ctx)
{
	__u32 zero = 0;
	struct window *w = bpf_map_lookup_elem(&windows, &zero);
	__u64 len = ctx->len;

	if (!w || !len)
		return 0;
	len = window_length(len, METER_WINDOW);
	if (bpf_skb_load_bytes(ctx, 0, w->bytes, len))
		return 0;
	w->len = len;
	w->inserted = 0;
	return w;
}

/* The tag of an Ethernet frame from the skb's metadata back to its place. */
static __always_inline struct window *window_with_tag(struct __sk_buff *ctx)
{
	struct window *w = window_of_skb(ctx);
	__u64 rest = ctx->len;

	if (!w || !ctx->vlan_present)
		return w;
	*(__u16 *)(w->bytes + 12) = ctx->vlan_proto;
	*(__u16 *)(w->bytes + 14) = meter_be16(ctx->vlan_tci);
	if (rest <= 12)
		return 0;
	rest = window_length(rest - 12, METER_WINDOW - 16);
	if (bpf_skb_load_bytes(ctx, 12, w->bytes + 16, rest))
		return 0;
	w->len = rest + 16;
	w->inserted = 4;
	return w;
}

static __always_inline struct exchange *exchange(void)
{
	__u32 zero = 0;

	return bpf_map_lookup_elem(&exchanges, &zero);
}

static __always_inline int answer(struct exchange *e, struct window *w, __u32 verdicts)
{
	e->verdicts = verdicts;
	e->inserted = w->inserted;
	e->answered = 1;
	return 0;
}

#define ASK_XDP(n) verdicts |= batch_xdp_##n(ctx, w, e->wire_len) ? 1u << n : 0;
#define ASK_TC(n)  verdicts |= batch_tc_##n(ctx, w, e->wire_len) ? 1u << n : 0;
#define ASK_IP(n)  verdicts |= batch_ip_##n(ctx, w, e->wire_len) ? 1u << n : 0;

SEC("xdp.frags") int batch_xdp(struct xdp_md *ctx)
{
	struct window *w = window_of_xdp(ctx);
	struct exchange *e = exchange();
	__u32 verdicts = 0;

	if (!w || !e)
		return 0;
	EACH_OF_BATCH(ASK_XDP)
	return answer(e, w, verdicts);
}

SEC("tc") int batch_tc(struct __sk_buff *ctx)
{
	struct window *w = window_with_tag(ctx);
	struct exchange *e = exchange();
	__u32 verdicts = 0;

	if (!w || !e)
		return 0;
	EACH_OF_BATCH(ASK_TC)
	return answer(e, w, verdicts);
}

static __always_inline int move_tag_aside(struct __sk_buff *ctx)
{
	__u16 tag[2];

	return bpf_skb_load_bytes(ctx, 12, tag, 4) || bpf_skb_vlan_pop(ctx) ||
	       bpf_skb_vlan_push(ctx, tag[0], meter_be16(tag[1]));
}

/* As at ingress: the outer tag is in the skb's metadata, an inner one stays in the data. */
SEC("tc") int batch_tagged(struct __sk_buff *ctx)
{
	struct exchange *e = exchange();
	__u32 verdicts = 0;
	struct window *w;

	if (!e || move_tag_aside(ctx))
		return 0;
	w = window_with_tag(ctx);
	if (!w)
		return 0;
	EACH_OF_BATCH(ASK_TC)
	return answer(e, w, verdicts);
}

/* Programs of this type get their packets without the Ethernet header. */
SEC("lwt_xmit") int batch_ip(struct __sk_buff *ctx)
{
	struct window *w = window_of_skb(ctx);
	struct exchange *e = exchange();
	__u32 verdicts = 0;

	if (!w || !e)
		return 0;
	EACH_OF_BATCH(ASK_IP)
	return answer(e, w, verdicts);
}

SEC("xdp.frags") int single_xdp(struct xdp_md *ctx)
{
	struct window *w = window_of_xdp(ctx);
	struct exchange *e = exchange();

	return !w || !e ? 0 : answer(e, w, filter_xdp(ctx, w, e->wire_len) ? 1 : 0);
}

SEC("tc") int single_tc(struct __sk_buff *ctx)
{
	struct window *w = window_with_tag(ctx);
	struct exchange *e = exchange();

	return !w || !e ? 0 : answer(e, w, filter_tc(ctx, w, e->wire_len) ? 1 : 0);
}

SEC("tc") int single_tagged(struct __sk_buff *ctx)
{
	struct exchange *e = exchange();
	struct window *w;

	if (!e || move_tag_aside(ctx))
		return 0;
	w = window_with_tag(ctx);
	return w ? answer(e, w, filter_tc(ctx, w, e->wire_len) ? 1 : 0) : 0;
}

SEC("lwt_xmit") int single_ip(struct __sk_buff *ctx)
{
	struct window *w = window_of_skb(ctx);
	struct exchange *e = exchange();

	return !w || !e ? 0 : answer(e, w, filter_tc_l3(ctx, w, e->wire_len) ? 1 : 0);
}
