/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kernel program: every packet is parsed, filtered and counted into its flow's entry, or its
 * numbers go to the agent. It never drops, alters or redirects a packet. The ledger counts each
 * packet once as seen and once by what became of it.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_helpers.h>

#include "closing.bpf.h"
#include "dedup.bpf.h"
#include "events.bpf.h"
#include "filter.bpf.h"
#include "flows.bpf.h"
#include "frame.bpf.h"
#include "maps.bpf.h"
#include "meter/segments.h"
#include "parse.bpf.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

#define TCX_NEXT (-1) /* the same as TC_ACT_UNSPEC: other programs have their turn */

static __always_inline void count(struct kernel_ledger *l, enum kernel_counter which, __u64 add)
{
	l->value[which] += add;
}

static __always_inline void count_metered(struct kernel_ledger *l, const struct packet *p)
{
	count(l, KERNEL_METERED, p->segments);
	count(l, KERNEL_BYTES, meter_counted_bytes(p, config.meter.accounting));
}

static __always_inline __u32 first_packets(__u8 protocol)
{
	struct meter_config cfg;

	cfg.first_tcp = config.meter.first_tcp;
	cfg.first_udp = config.meter.first_udp;
	cfg.first_other = config.meter.first_other;
	return meter_first_packets(&cfg, protocol);
}

static __always_inline void hand_over_first(struct scratch *s, const struct frame *f,
					    enum hook hook, struct kernel_ledger *l,
					    struct flow_counters *c, __u32 index)
{
	if (!event_send_first(s, f, hook, c, index))
		return;
	c->missed = 1;
	count(l, KERNEL_MISSED_COPIES, s->parser.pkt.segments);
}

static __always_inline void overflow(struct scratch *s, const struct frame *f, enum hook hook,
				     struct kernel_ledger *l, enum overflow_reason reason, int wake)
{
	const struct packet *p = &s->parser.pkt;

	if (event_send_overflow(s, f, hook, reason, wake)) {
		count(l, KERNEL_RING_FULL, p->segments);
		return;
	}
	count_metered(l, p);
	count(l, KERNEL_OVERFLOW, p->segments);
}

static long wait_a_turn(__u32 i, void *context)
{
	(void)i;
	(void)context;
	bpf_ktime_get_ns();
	return 0;
}

/* Tests only: on one CPU packets stay long between the look at the entry and the addition. */
static __always_inline void widen_race(const struct kernel_ledger *l)
{
	if (config.test_spin && !(l->value[KERNEL_SEEN] & 0xff) && !bpf_get_smp_processor_id())
		bpf_loop(config.test_spin, wait_a_turn, 0, 0);
}

static __always_inline void meter_entry(struct scratch *s, const struct frame *f, enum hook hook,
					struct kernel_ledger *l, struct flow_counters *c,
					__u64 open)
{
	struct packet *p = &s->parser.pkt;
	__u64 state = flow_state(c);
	__u32 index;

	if (config.dedup && flow_is_duplicate(c, p, state, open)) {
		count(l, KERNEL_DUPLICATE, p->segments);
		return;
	}
	if (state != open) {
		/* Of this flow, and closed; else not yet born, or the element of another flow. */
		overflow(s, f, hook, l,
			 (state & ~FLOW_CLOSING) == open ? OVERFLOW_CLOSED : OVERFLOW_RACE, 0);
		return;
	}
	if (flow_expired(c, p)) {
		overflow(s, f, hook, l, OVERFLOW_CLOSED,
			 flow_close(c, open, FLOW_BY_PACKET) && flow_first_closed());
		return;
	}
	widen_race(l);
	flow_add(c, p);
	count_metered(l, p);
	if (c->emitted >= first_packets(p->key.protocol) || c->appetite == APPETITE_NOTHING)
		return;
	index = __sync_fetch_and_add(&c->emitted, p->segments);
	hand_over_first(s, f, hook, l, c, index);
}

static __always_inline void meter_packet(struct scratch *s, const struct frame *f, enum hook hook,
					 struct kernel_ledger *l)
{
	struct packet *p = &s->parser.pkt;
	__u64 open = flow_open_word(&p->key);
	struct flow_counters *c = bpf_map_lookup_elem(&flows, &p->key);
	long err;

	if (!c) {
		err = flow_insert(s, open, p->segments);
		if (!err) {
			count_metered(l, p);
			hand_over_first(s, f, hook, l, &s->fresh.counters, 0);
			return;
		}
		if (err == -EEXIST)
			c = bpf_map_lookup_elem(&flows, &p->key);
		if (!c) {
			overflow(s, f, hook, l, err == -EEXIST ? OVERFLOW_RACE : OVERFLOW_FULL, 0);
			return;
		}
	}
	meter_entry(s, f, hook, l, c, open);
}

static __always_inline void resolve_fragment(struct scratch *s)
{
	struct packet *p = &s->parser.pkt;
	__u32 at = fragment_slot_of(p);
	struct fragment_entry *e = bpf_map_lookup_elem(&fragments, &at);

	if (!e)
		return;
	bpf_spin_lock(&e->lock);
	fragment_resolve(&e->slot, p);
	bpf_spin_unlock(&e->lock);
}

static __always_inline void count_refusal(struct kernel_ledger *l, enum parse_status status,
					  __u32 segments)
{
	switch (status) {
	case PARSE_TRUNCATED: count(l, KERNEL_TRUNCATED, segments); break;
	case PARSE_MALFORMED: count(l, KERNEL_MALFORMED, segments); break;
	case PARSE_TOO_DEEP: count(l, KERNEL_TOO_DEEP, segments); break;
	default: count(l, KERNEL_NOT_IP, segments); break;
	}
}

/* A copy of the packet's head, for the steps of parse.h and for the filter. */
static __always_inline void load_window(struct scratch *s, const struct frame *f, enum hook hook)
{
	frame_load_window(f, hook, &s->window);
	s->frame_len = frame_wire_len(f);
}

static __always_inline enum parse_status first_step(enum hook hook)
{
	return hook == HOOK_TC_L3 ? PARSE_NETWORK : PARSE_LINK;
}

static __always_inline int parse_in_place(struct scratch *s, const struct frame *f, enum hook hook)
{
	struct plain_frame in_place = frame_in_place(f, hook);

	return !frame_tag_len(f, hook) && plain_parse(&in_place, &s->parser.pkt, first_step(hook));
}

static __always_inline __u32 header_len(const struct scratch *s, enum parse_status status)
{
	return status == PARSE_DONE && s->parser.pkt.has_l4 ? s->parser.pkt.payload_offset : 0;
}

/*
 * Of a super-packet each segment carries all headers, those of tunnels that are not looked into as
 * well: *headers.
 */
static __always_inline enum parse_status parse_by_steps(struct scratch *s, const struct frame *f,
							enum hook hook, __u32 *headers)
{
	__u32 tunnels = config.meter.tunnels;
	enum parse_status status;

	*headers = 0;
	if (hook != HOOK_XDP && f->gso_size && (tunnels & TUNNEL_SET_ALL) != TUNNEL_SET_ALL) {
		status = parse_window(s, TUNNEL_SET_ALL, first_step(hook));
		*headers = header_len(s, status);
	}
	status = parse_window(s, tunnels, first_step(hook));
	if (!*headers)
		*headers = header_len(s, status);
	return status;
}

static __always_inline enum parse_status parse_frame(struct scratch *s, const struct frame *f,
						     enum hook hook)
{
	enum parse_status status = PARSE_DONE;
	__u32 headers;

	if (config.filter)
		load_window(s, f, hook);
	if (parse_in_place(s, f, hook)) {
		headers = s->parser.pkt.payload_offset;
	} else {
		if (!config.filter)
			load_window(s, f, hook);
		status = parse_by_steps(s, f, hook, &headers);
	}
	if (hook != HOOK_XDP && f->gso_size)
		meter_segment(&s->parser.pkt, headers, f->gso_size, f->gso_segs);
	return status;
}

static __always_inline int filter_matches(struct scratch *s, const struct frame *f, enum hook hook)
{
	__u32 len = s->frame_len;

	if (!config.filter)
		return 1;
	if (s->parser.pkt.segments > 1)
		len = s->parser.pkt.size[ACCOUNT_LINK] + s->parser.pkt.segment_extra;
	switch (hook) {
	case HOOK_XDP: return filter_xdp(f->ctx, &s->window, len);
	case HOOK_TC: return filter_tc(f->ctx, &s->window, len);
	default: return filter_tc_l3(f->ctx, &s->window, len);
	}
}

/* A VLAN's own interface has its packets without their tag. */
static __always_inline __u16 interface_number(const struct frame *f, struct packet *p)
{
	const struct interface_value *found;

	if (!config.many)
		return config.interface;
	found = bpf_map_lookup_elem(&interfaces, &f->interface);
	if (config.dedup && found && !p->key.vlan_id)
		p->key.vlan_id = found->vlan_id;
	return found ? found->number : 0;
}

static __always_inline void packet(const struct frame *f, enum hook hook, enum way way)
{
	struct kernel_ledger *l = ledger_get();
	struct scratch *s = scratch_get();
	enum parse_status status;
	struct packet *p;
	__u16 number;

	if (!s || !l)
		return;
	status = parse_frame(s, f, hook);
	p = &s->parser.pkt;
	count(l, KERNEL_SEEN, p->segments);
	if (!filter_matches(s, f, hook)) {
		count(l, KERNEL_FILTERED, p->segments);
		return;
	}
	if (status != PARSE_DONE) {
		count_refusal(l, status, p->segments);
		return;
	}
	number = interface_number(f, p);
	p->key.interface = config.many && !config.dedup ? number : 0;
	p->place = METER_PLACE(number, way);
	/* After the key's parts are stored: its words, loaded next, would have to wait for them. */
	p->time_ns = config.test_clock ? test_now_ns : bpf_ktime_get_ns();
	key_canonicalize(p);
	if (p->fragment)
		resolve_fragment(s);
	meter_packet(s, f, hook, l);
}

static __always_inline int xdp_packet(struct xdp_md *ctx)
{
	struct frame f;

	frame_open_xdp(&f, ctx);
	packet(&f, HOOK_XDP, WAY_IN);
	return XDP_PASS;
}

static __always_inline int tc_packet(struct __sk_buff *ctx, enum hook hook, enum way way)
{
	struct frame f;

	frame_open_tc(&f, ctx, hook);
	packet(&f, hook, way);
	return TCX_NEXT;
}

SEC("xdp.frags") int weir_xdp(struct xdp_md *ctx)
{
	return xdp_packet(ctx);
}

/* Nothing in a packet's context tells which way it goes: each way has a program of its own. */
SEC("tc") int weir_tc(struct __sk_buff *ctx)
{
	return tc_packet(ctx, HOOK_TC, WAY_IN);
}

SEC("tc") int weir_tc_out(struct __sk_buff *ctx)
{
	return tc_packet(ctx, HOOK_TC, WAY_OUT);
}

SEC("tc") int weir_tc_l3(struct __sk_buff *ctx)
{
	return tc_packet(ctx, HOOK_TC_L3, WAY_IN);
}

SEC("tc") int weir_tc_l3_out(struct __sk_buff *ctx)
{
	return tc_packet(ctx, HOOK_TC_L3, WAY_OUT);
}
