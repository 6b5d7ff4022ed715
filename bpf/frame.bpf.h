/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What differs between the hooks: where a packet's bytes, length, segments and interface are.
 * hook is a constant wherever these are called, so that each program keeps one branch.
 */
#ifndef BPF_FRAME_H
#define BPF_FRAME_H

#include "maps.bpf.h"
#include "meter/plain.h"

enum hook {
	HOOK_XDP,   /* Ethernet frames as they came from the wire */
	HOOK_TC,    /* Ethernet, perhaps super-packets, a VLAN tag perhaps in metadata */
	HOOK_TC_L3, /* interfaces without link header: IP comes first */
};

/* Which way a packet goes through the interface that it is met on. */
enum way { WAY_IN, WAY_OUT };

#define VLAN_TAG_LEN 4
#define MAC_PAIR_LEN 12

struct frame {
	void *ctx;
	__u32 len;      /* bytes on the wire, a tag in metadata included */
	__u32 data_len; /* bytes that can be read from ctx */
	__u32 gso_size; /* payload of a segment; 0 = not a super-packet */
	__u32 gso_segs;
	struct interface_key interface;
};

/*
 * The key stands in the frame, whose address goes to a helper: so the frame stays in memory, where
 * the verifier follows half as many paths as with its members in registers.
 */
static __always_inline void frame_set_interface(struct frame *f, __u32 index)
{
	f->interface.netns = config.netns;
	f->interface.index = index;
	f->interface.zero = 0;
}

static __always_inline void frame_open_xdp(struct frame *f, struct xdp_md *ctx)
{
	f->ctx = ctx;
	f->len = f->data_len = bpf_xdp_get_buff_len(ctx);
	f->gso_size = 0;
	f->gso_segs = 1;
	frame_set_interface(f, config.many ? ctx->ingress_ifindex : 0);
}

static __always_inline void frame_open_tc(struct frame *f, struct __sk_buff *ctx, enum hook hook)
{
	f->ctx = ctx;
	f->len = f->data_len = ctx->len;
	f->gso_size = ctx->gso_size;
	f->gso_segs = ctx->gso_segs;
	frame_set_interface(f, config.many ? ctx->ifindex : 0);
	if (hook == HOOK_TC && ctx->vlan_present)
		f->len += VLAN_TAG_LEN;
}

/* Bytes on the wire. */
static __always_inline __u32 frame_wire_len(const struct frame *f)
{
	return config.test_clock ? test_wire_len : f->len;
}

/* What of it lies in one piece: headers do, with nearly all drivers. */
static __always_inline struct plain_frame frame_in_place(const struct frame *f, enum hook hook)
{
	struct plain_frame in_place = { .wire_len = frame_wire_len(f) };

	if (hook == HOOK_XDP) {
		struct xdp_md *ctx = f->ctx;

		in_place.bytes = (const __u8 *)(long)ctx->data;
		in_place.end = (const __u8 *)(long)ctx->data_end;
	} else {
		struct __sk_buff *ctx = f->ctx;

		in_place.bytes = (const __u8 *)(long)ctx->data;
		in_place.end = (const __u8 *)(long)ctx->data_end;
	}
	return in_place;
}

/* Bytes of a VLAN tag that the skb holds aside. */
static __always_inline __u32 frame_tag_len(const struct frame *f, enum hook hook)
{
	return hook == HOOK_TC ? f->len - f->data_len : 0;
}

static __always_inline long frame_load(const struct frame *f, enum hook hook, __u32 off, void *to,
				       __u32 len)
{
	if (hook == HOOK_XDP)
		return bpf_xdp_load_bytes(f->ctx, off, to, len);
	return bpf_skb_load_bytes(f->ctx, off, to, len);
}

/*
 * len, which the caller knows to be from 1 to power, told to the verifier: before Linux 6.8 it
 * learns nothing from len != 0. power is a power of two.
 */
static __always_inline __u32 frame_bounded(__u32 len, __u32 power)
{
	len--;
	asm volatile("" : "+r"(len)); /* keep clang from folding the mask away */
	return (len & (power - 1)) + 1;
}

/* The window of a frame whose tag is in metadata, with the tag back in its place. */
static __always_inline void frame_load_tagged(const struct frame *f, struct window *w)
{
	struct __sk_buff *ctx = f->ctx;
	__u32 rest = f->data_len - MAC_PAIR_LEN;
	__be16 *tag = (__be16 *)(w->bytes + MAC_PAIR_LEN);

	w->len = 0;
	w->inserted = VLAN_TAG_LEN;
	if (f->data_len <= MAC_PAIR_LEN)
		return;
	if (rest > METER_WINDOW - MAC_PAIR_LEN - VLAN_TAG_LEN)
		rest = METER_WINDOW - MAC_PAIR_LEN - VLAN_TAG_LEN;
	if (bpf_skb_load_bytes(ctx, 0, w->bytes, MAC_PAIR_LEN) ||
	    bpf_skb_load_bytes(ctx, MAC_PAIR_LEN, w->bytes + MAC_PAIR_LEN + VLAN_TAG_LEN,
			       frame_bounded(rest, METER_WINDOW)))
		return;
	tag[0] = ctx->vlan_proto;
	tag[1] = meter_be16(ctx->vlan_tci);
	w->len = MAC_PAIR_LEN + VLAN_TAG_LEN + rest;
}

static __always_inline void frame_load_window(const struct frame *f, enum hook hook,
					      struct window *w)
{
	__u32 len = f->data_len < METER_WINDOW ? f->data_len : METER_WINDOW;

	if (frame_tag_len(f, hook)) {
		frame_load_tagged(f, w);
		return;
	}
	w->inserted = 0;
	w->len = 0;
	if (len && !frame_load(f, hook, 0, w->bytes, frame_bounded(len, METER_WINDOW)))
		w->len = len;
}

#endif
