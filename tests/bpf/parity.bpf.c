/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The shared meter inside the kernel, driven packet by packet through BPF_PROG_TEST_RUN by
 * parity.c, which runs the same headers on the host and compares every byte.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "parity.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct parity);
} state SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, FRAGMENT_SLOTS);
	__type(key, __u32);
	__type(value, struct fragment_slot);
} fragments SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__uint(max_entries, 65536);
	__type(key, struct flow_key);
	__type(value, struct parity_flow);
} flows SEC(".maps");

/* Functions of their own: inlined together they are more than the verifier looks at. */
__noinline int link_level(struct parity *s)
{
	if (!s)
		return PARSE_NOT_IP;
	return parse_link(&s->window, &s->parser, s->next);
}

__noinline int network_level(struct parity *s)
{
	if (!s)
		return PARSE_NOT_IP;
	return parse_network(&s->window, &s->parser);
}

static __always_inline void run_level(struct parity *s)
{
	if (s->next == PARSE_LINK || s->next == PARSE_TYPE)
		s->next = link_level(s);
	if (s->next == PARSE_NETWORK)
		s->next = network_level(s);
}

static __always_inline void resolve_fragment(struct packet *p)
{
	__u32 slot = fragment_slot_of(p);
	struct fragment_slot *f = bpf_map_lookup_elem(&fragments, &slot);

	if (f)
		fragment_resolve(f, p);
}

static __always_inline struct parity_flow *find_flow(struct parity *s)
{
	struct packet *p = &s->parser.pkt;
	struct parity_flow *f = bpf_map_lookup_elem(&flows, &p->key);

	if (f)
		return f;
	__builtin_memset(&s->fresh, 0, sizeof(s->fresh));
	meter_open(&s->fresh.counters, p);
	bpf_map_update_elem(&flows, &p->key, &s->fresh, BPF_NOEXIST);
	return bpf_map_lookup_elem(&flows, &p->key);
}

static __always_inline void count(struct parity *s)
{
	struct packet *p = &s->parser.pkt;
	struct parity_flow *f;

	key_canonicalize(p);
	if (p->fragment)
		resolve_fragment(p);
	f = find_flow(s);
	if (!f)
		return;
	s->ended = meter_expired(&f->counters, p, &s->config);
	if (s->ended) {
		__builtin_memset(f, 0, sizeof(*f));
		meter_open(&f->counters, p);
	}
	meter_update(&f->counters, &f->stats, &f->tcp, p, &s->config);
}

static __always_inline int fill_window(struct xdp_md *ctx, struct parity *s)
{
	__u64 len = s->captured;

	if (!len)
		return -1;
	if (len > METER_WINDOW)
		len = METER_WINDOW;
	s->window.len = len;
	/* Before 6.8 the verifier learns nothing from len != 0; the mask tells it. */
	len--;
	asm volatile("" : "+r"(len)); /* keep clang from folding the mask away */
	len = (len & (METER_WINDOW - 1)) + 1;
	return bpf_xdp_load_bytes(ctx, 0, s->window.bytes, len);
}

SEC("xdp") int parity(struct xdp_md *ctx)
{
	__u32 zero = 0;
	struct parity *s = bpf_map_lookup_elem(&state, &zero);

	if (!s || fill_window(ctx, s))
		return XDP_ABORTED;
	parser_init(&s->parser, s->wire_len, s->config.tunnels);
	s->next = PARSE_LINK;
	run_level(s);
	run_level(s);
	run_level(s);
	s->status = parse_verdict(&s->parser, s->next);
	if (s->status == PARSE_DONE) {
		s->parser.pkt.time_ns = s->time_ns;
		meter_segment(&s->parser.pkt, s->parser.pkt.payload_offset, s->gso_size, 0);
		count(s);
	}
	return XDP_PASS;
}
