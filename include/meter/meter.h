/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The whole definition of accounting: when a flow has ended and what a packet adds to it.
 * Packet time decides, never the wall clock, so a capture and a live run split alike. A packet
 * older than its flow's last one adds a gap of zero and never ends anything.
 */
#ifndef METER_METER_H
#define METER_METER_H

#include "types.h"
#include "wire.h"

/* A connection that said goodbye lingers this long for stray segments before its flow ends. */
#define METER_LINGER_NS 1000000000ull

static __always_inline __u64 meter_last_ns(const struct flow_counters *c)
{
	__u64 a = c->dir[0].last_ns, b = c->dir[1].last_ns;

	return a > b ? a : b;
}

/* After an active cut the first packet may be the destination's. */
static __always_inline __u64 meter_first_ns(const struct flow_counters *c)
{
	const struct flow_dir *a = &c->dir[0], *b = &c->dir[1];

	if (!a->packets || !b->packets)
		return a->packets ? a->first_ns : b->first_ns;
	return a->first_ns < b->first_ns ? a->first_ns : b->first_ns;
}

/* How many first packets of a flow the agent is handed. */
static __always_inline __u32 meter_first_packets(const struct meter_config *cfg, __u8 protocol)
{
	if (protocol == PROTO_TCP)
		return cfg->first_tcp;
	return protocol == PROTO_UDP ? cfg->first_udp : cfg->first_other;
}

static __always_inline int meter_is_empty(const struct flow_counters *c)
{
	return !c->dir[0].packets && !c->dir[1].packets;
}

/* TCP said goodbye: RST, or FIN from both sides. */
static __always_inline int meter_finished(const struct flow_counters *c,
					  const struct meter_config *cfg)
{
	__u32 any = c->dir[0].tcp_flags | c->dir[1].tcp_flags;
	__u32 both = c->dir[0].tcp_flags & c->dir[1].tcp_flags;

	return cfg->tcp_end && ((any & TCP_FLAG_RST) || (both & TCP_FLAG_FIN));
}

/* How long the flow may be silent; the reason is meter_silence_reason(). */
static __always_inline __u64 meter_patience_ns(const struct flow_counters *c,
					       const struct meter_config *cfg)
{
	if (meter_finished(c, cfg) && cfg->idle_ns > METER_LINGER_NS)
		return METER_LINGER_NS;
	return cfg->idle_ns;
}

static __always_inline enum flow_end_reason meter_silence_reason(const struct flow_counters *c,
								 const struct meter_config *cfg)
{
	return meter_finished(c, cfg) ? FLOW_END_DETECTED : FLOW_END_IDLE;
}

#define METER_MS 1000000ull

/*
 * Whether limit_ns or more lies between two packet times, in whole milliseconds of each: the
 * resolution of timeouts, and NFStream's arithmetic, whose users expect the same cuts. The times
 * are divided only where that decides.
 */
static __always_inline int meter_has_passed(__u64 from_ns, __u64 to_ns, __u64 limit_ns)
{
	__u64 elapsed = to_ns - from_ns;

	if (elapsed >= limit_ns)
		return 1;
	if (limit_ns - elapsed > METER_MS)
		return 0;
	return (to_ns / METER_MS - from_ns / METER_MS) * METER_MS >= limit_ns;
}

/* Whether packet p finds its flow ended, and why. A limit of 0 ns ends the flow at every packet. */
static __always_inline enum flow_end_reason
meter_expired(const struct flow_counters *c, const struct packet *p, const struct meter_config *cfg)
{
	__u64 last = meter_last_ns(c), first = meter_first_ns(c);
	__u64 now = p->time_ns > last ? p->time_ns : last;

	if (meter_has_passed(last, now, meter_patience_ns(c, cfg)))
		return meter_silence_reason(c, cfg);
	if (meter_has_passed(first, now, cfg->active_ns))
		return FLOW_END_ACTIVE;
	if (meter_finished(c, cfg) && p->time_ns >= last &&
	    (p->tcp_flags & (TCP_FLAG_SYN | TCP_FLAG_ACK)) == TCP_FLAG_SYN)
		return FLOW_END_DETECTED;
	return FLOW_END_NONE;
}

static __always_inline void meter_add128(struct sum128 *sum, __u64 hi, __u64 lo)
{
	hi += meter_fetch_add(&sum->lo, lo) + lo < lo;
	if (hi)
		meter_add(&sum->hi, hi);
}

/* sum += x * x, exactly; one multiplication while x fits 32 bits. */
static __always_inline void meter_add_square(struct sum128 *sum, __u64 x)
{
	__u64 high = x >> 32, low = (__u32)x;
	__u64 lo = low * low, hi = 0;

	if (high) {
		__u64 cross = high * low; /* counts twice, at 2^32 */
		__u64 shifted = cross << 33;

		hi = high * high + (cross >> 31);
		lo += shifted;
		hi += lo < shifted;
	}
	meter_add128(sum, hi, lo);
}

/* Of every segment but the last, given the last one's. */
static __always_inline __u32 meter_full_size(const struct packet *p, __u32 size)
{
	return size ? size + p->segment_extra : 0;
}

/* Of all segments together. */
static __always_inline __u64 meter_bytes(const struct packet *p, __u32 size)
{
	if (p->segments == 1)
		return size;
	return size + (__u64)meter_full_size(p, size) * (p->segments - 1);
}

static __always_inline void meter_add_gap(struct flow_gaps *gaps, __u64 gap_ns)
{
	meter_raise(&gaps->inv_min_ns, ~gap_ns);
	meter_raise(&gaps->max_ns, gap_ns);
	meter_add_square(&gaps->squares, gap_ns);
}

static __always_inline void meter_add_size(struct flow_dir_stats *d, __u32 size)
{
	meter_raise32(&d->inv_min_size, ~size);
	meter_raise32(&d->max_size, size);
	meter_add_square(&d->size_squares, size);
}

/* Packets of a direction with a flag, by the flag's bit number. */
static __always_inline __u32 *meter_flag_count(const struct flow_stats *s, __u8 dir, int bit)
{
	if (bit == TCP_BIT_PSH)
		return (__u32 *)&s->dir[dir].psh;
	if (bit == TCP_BIT_ACK)
		return (__u32 *)&s->dir[dir].ack;
	return (__u32 *)&s->rare[dir].flags[bit < TCP_BIT_PSH ? bit : bit - 2];
}

/* Flags of a super-packet: CWR on its first segment, PSH and FIN on the last, the rest on all. */
static __always_inline void meter_add_flags(struct flow_stats *s, const struct packet *p)
{
	const __u8 once = TCP_FLAG_CWR | TCP_FLAG_PSH | TCP_FLAG_FIN;

	for (int bit = 0; bit < TCP_FLAG_BITS; bit++)
		if (p->tcp_flags & (1 << bit))
			meter_add32(meter_flag_count(s, p->dir & 1, bit),
				    once & (1 << bit) ? 1 : p->segments);
}

static __always_inline void meter_update_stats(struct flow_stats *s, const struct flow_counters *c,
					       const struct packet *p, __u64 dir_gap_ns, __u32 size)
{
	struct flow_dir_stats *d = &s->dir[p->dir & 1];
	const struct flow_dir *seen = &c->dir[p->dir & 1];

	meter_add_size(d, size);
	if (seen->packets)
		meter_add_gap(&d->gaps, dir_gap_ns);
	if (seen->packets || c->dir[!(p->dir & 1)].packets)
		meter_add_gap(&s->gaps, p->gap_ns);
	if (p->segments > 1) {
		__u32 full = meter_full_size(p, size);

		meter_raise32(&d->inv_min_size, ~full);
		meter_raise32(&d->max_size, full);
		meter_add128(&d->size_squares, 0, (__u64)full * full * (p->segments - 1));
		meter_raise(&d->gaps.inv_min_ns, ~0ull);
		meter_raise(&s->gaps.inv_min_ns, ~0ull);
	}
	if (p->tcp_flags)
		meter_add_flags(s, p);
}

/* Serial number arithmetic of RFC 1982: a sorts before b. */
static __always_inline int meter_seq_before(__u32 a, __u32 b)
{
	return (__s32)(a - b) < 0;
}

/* The sequence space of a packet: its segments lie in one piece. */
struct meter_span {
	__u32 seq, length;
	__u32 full; /* bytes of each segment but the last */
	__u32 segments;
};

/* Segments that end at or before a place in the sequence space. */
static __always_inline __u32 meter_ends_before(const struct meter_span *s, __u32 place)
{
	__u32 room = place - s->seq, whole;

	if (meter_seq_before(place, s->seq))
		return 0;
	if (room >= s->length)
		return s->segments;
	whole = room / s->full;
	return whole < s->segments ? whole : s->segments - 1; /* the last one's FIN */
}

/* Segments that start before it. */
static __always_inline __u32 meter_starts_before(const struct meter_span *s, __u32 place)
{
	__u32 count;

	if (!meter_seq_before(s->seq, place))
		return 0;
	count = (place - s->seq - 1) / s->full + 1;
	return count < s->segments ? count : s->segments;
}

/*
 * A super-packet that starts in old sequence space: what its segments would do in turn. Those that
 * lie in the gap follow each other, so they shrink it from its start, or the last one at its end.
 */
static __always_inline void meter_update_tcp_span(struct flow_tcp_dir *d, __u32 *next_seq,
						  const struct meter_span *s)
{
	__u32 from = meter_starts_before(s, d->hole_seq), to = meter_ends_before(s, d->hole_end);
	__u32 old = meter_ends_before(s, *next_seq);
	__u32 end = to == s->segments ? s->seq + s->length : s->seq + to * s->full;

	if (to > from) {
		meter_add32(&d->out_of_order, to - from);
		old = old > to - from ? old - (to - from) : 0;
		if (s->seq + from * s->full == d->hole_seq)
			d->hole_seq = end;
		else if (end == d->hole_end)
			d->hole_end = s->seq + (to - 1) * s->full;
	}
	meter_add32(&d->retransmitted, old);
	if (meter_seq_before(*next_seq, s->seq + s->length))
		*next_seq = s->seq + s->length;
}

/*
 * A segment that carries only sequence space seen before was retransmitted; one that lies in the
 * newest gap fills it and is out of order (whether the network or the sender was late cannot be
 * told here). Segments without data, SYN or FIN have no place in the sequence space.
 */
static __always_inline void meter_update_tcp(struct flow_counters *c, struct flow_tcp *t,
					     const struct packet *p, int first)
{
	struct flow_tcp_dir *d = &t->dir[p->dir & 1];
	__u32 *next_seq = &c->next_seq[p->dir & 1];
	__u32 payload = p->size[ACCOUNT_PAYLOAD];
	__u32 end = p->tcp_seq + meter_bytes(p, payload) + !!(p->tcp_flags & TCP_FLAG_SYN) +
		    !!(p->tcp_flags & TCP_FLAG_FIN);

	if (!p->tcp_window && !(p->tcp_flags & TCP_FLAG_RST))
		meter_add32(&d->zero_window, p->segments);
	if (end == p->tcp_seq)
		return;
	if (first || (!*next_seq && !d->hole_end)) {
		*next_seq = end;
		d->hole_seq = d->hole_end = 1; /* no gap, and not 0: next_seq may be 0 */
		return;
	}
	if (!meter_seq_before(p->tcp_seq, *next_seq)) {
		if (p->tcp_seq != *next_seq) {
			d->hole_seq = *next_seq;
			d->hole_end = p->tcp_seq;
		}
		*next_seq = end;
		return;
	}
	if (p->segments > 1 && payload) {
		struct meter_span span = { p->tcp_seq, end - p->tcp_seq,
					   meter_full_size(p, payload), p->segments };

		meter_update_tcp_span(d, next_seq, &span);
		return;
	}
	if (d->hole_seq != d->hole_end && !meter_seq_before(p->tcp_seq, d->hole_seq) &&
	    !meter_seq_before(d->hole_end, end)) {
		meter_add32(&d->out_of_order, 1);
		if (p->tcp_seq == d->hole_seq)
			d->hole_seq = end;
		else if (end == d->hole_end)
			d->hole_end = p->tcp_seq;
		return;
	}
	if (!meter_seq_before(*next_seq, end))
		meter_add32(&d->retransmitted, 1);
	else
		*next_seq = end;
}

/* Starts a flow: memory zeroed, initiator the sender of p unless a cut continues an older chunk. */
static __always_inline void meter_open(struct flow_counters *c, const struct packet *p)
{
	c->initiator = p->dir;
}

/* What a packet adds to its flow's bytes. */
static __always_inline __u64 meter_counted_bytes(const struct packet *p, __u8 accounting)
{
	return meter_bytes(p, p->size[accounting & (ACCOUNT_MODES - 1)]);
}

/*
 * Adds packet p to its flow and sets p->gap_ns. stats and tcp are NULL when not asked for.
 * On the host exact; in the kernel sums are exact, and gaps between packets that two CPUs handle
 * at the same moment are approximate.
 */
static __always_inline void meter_update(struct flow_counters *c, struct flow_stats *stats,
					 struct flow_tcp *tcp, struct packet *p,
					 const struct meter_config *cfg)
{
	struct flow_dir *d = &c->dir[p->dir & 1];
	__u64 last = meter_last_ns(c);
	__u64 now = p->time_ns > last ? p->time_ns : last;
	__u32 size = p->size[cfg->accounting & (ACCOUNT_MODES - 1)];
	int first = !d->packets;

	p->gap_ns = first && !c->dir[!(p->dir & 1)].packets ? 0 : now - last;
	if (stats)
		meter_update_stats(stats, c, p, now - d->last_ns, size);
	if (tcp && p->key.protocol == 6 && p->has_l4)
		meter_update_tcp(c, tcp, p, first);
	if (first) {
		d->first_ns = now;
		d->tos = p->tos;
		c->place[p->dir & 1] = p->place;
	}
	d->last_ns = now;
	meter_add(&d->packets, p->segments);
	meter_add(&d->bytes, meter_bytes(p, size));
	meter_or32(&d->tcp_flags, p->tcp_flags);
	if (p->ttl > d->ttl_max)
		d->ttl_max = p->ttl;
	if (255 - p->ttl > d->ttl_inv_min)
		d->ttl_inv_min = 255 - p->ttl;
}

#endif
