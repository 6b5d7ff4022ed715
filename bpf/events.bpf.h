/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Packets on their way to the agent. Numbers go before bytes: the fuller the ring, the less an
 * event carries, and its last quarter is for what would be lost otherwise.
 */
#ifndef BPF_EVENTS_H
#define BPF_EVENTS_H

#include "frame.bpf.h"

/*
 * The agent looks at the ring by a clock of its own: it is woken only where the ring gets half
 * full, because a wake-up costs more than 6 us.
 */
static __always_inline __u64 event_wakeup(__u64 fill, __u64 size)
{
	__u64 half = config.ring_bytes / 2;

	return fill < half && fill + size >= half ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP;
}

static __always_inline void event_fill_head(struct scratch *s, const struct frame *f,
					    enum hook hook)
{
	struct event_packet *e = &s->event;

	e->has_mac = hook != HOOK_TC_L3 && !frame_load(f, hook, 0, e->mac, MAC_PAIR_LEN);
	e->packet = s->parser.pkt;
	e->captured = 0;
	/* On veth and lo the sender's socket is there at ingress too. */
	e->socket = config.sockets && hook != HOOK_XDP ? bpf_get_socket_cookie(f->ctx) : 0;
}

/* The packet from its innermost IP header on. */
static __always_inline void event_fill_bytes(struct scratch *s, const struct frame *f,
					     enum hook hook)
{
	__u32 off = s->parser.pkt.ip_offset - frame_tag_len(f, hook);
	__u32 len = config.snaplen;

	if (off >= f->data_len)
		return;
	if (len > f->data_len - off)
		len = f->data_len - off;
	if (len && !frame_load(f, hook, off, s->bytes, frame_bounded(len, EVENT_BYTES_POWER)))
		s->event.captured = len;
}

static __always_inline long event_output(struct scratch *s, __u64 fill, int wake)
{
	__u64 size = s->event.captured, flags;

	size = sizeof(s->event) + (size ? frame_bounded(size, EVENT_BYTES_POWER) : 0);
	flags = wake ? BPF_RB_FORCE_WAKEUP : event_wakeup(fill, size);
	return bpf_ringbuf_output(&events, &s->event, size, flags);
}

/* 0, or negative when the ring has no room for it. s->parser.pkt is the packet. */
static __always_inline long event_send_first(struct scratch *s, const struct frame *f,
					     enum hook hook, const struct flow_counters *c,
					     __u32 index)
{
	__u64 fill = bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA);

	if (fill >= config.ring_bytes / 4 * 3)
		return -1;
	event_fill_head(s, f, hook);
	s->event.type = EVENT_PACKET;
	s->event.index = index;
	s->event.initiator = c->initiator;
	s->event.reason = 0;
	s->event.missed = c->missed;
	if (c->appetite == APPETITE_BYTES)
		event_fill_bytes(s, f, hook);
	return event_output(s, fill, 0);
}

/* wake: the sooner the agent knows, the fewer packets go this way. */
static __always_inline long event_send_overflow(struct scratch *s, const struct frame *f,
						enum hook hook, enum overflow_reason reason,
						int wake)
{
	__u64 fill = bpf_ringbuf_query(&events, BPF_RB_AVAIL_DATA);

	event_fill_head(s, f, hook);
	s->event.type = EVENT_OVERFLOW;
	s->event.index = 0;
	s->event.initiator = s->parser.pkt.dir;
	s->event.reason = reason;
	s->event.missed = 0;
	if (fill < config.ring_bytes / 4)
		event_fill_bytes(s, f, hook);
	return event_output(s, fill, wake);
}

#endif
