/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * A super-packet (GRO/GSO) -> the segments that it stands for: how many there are, and how long.
 * What contradicts itself is left alone: one packet, as long as it says.
 */
#ifndef METER_SEGMENTS_H
#define METER_SEGMENTS_H

#include "types.h"

/* Linux' bounds: segments of a super-packet, and more bytes than any has (BIG TCP: 512 KiB). */
#define SEGMENTS_MAX       65535u
#define SEGMENTS_MAX_BYTES (1u << 24)

/* gso_size of a list of segments with sizes of their own: GSO_BY_FRAGS, for SCTP. */
#define SEGMENTS_BY_LIST 0xffffu

/*
 * Bytes of what is segmented. With an unknown header it is at least what the packet's own
 * transport carries; an encapsulation's inner headers may be in it.
 */
static __always_inline __u32 segments_payload(const struct packet *p, __u32 header_len)
{
	__u32 whole = p->size[ACCOUNT_LINK];

	if (header_len)
		return whole > header_len ? whole - header_len : 0;
	return p->size[ACCOUNT_PAYLOAD] ? p->size[ACCOUNT_PAYLOAD] : p->size[ACCOUNT_TRANSPORT];
}

/* x / y, rounded up; neither is 0. */
static __always_inline __u32 segments_divide(__u32 x, __u32 y)
{
	return (x - 1) / y + 1;
}

/*
 * count segments of full bytes, but for the last, which has the rest: at least 1 byte, and no more
 * than full, because what is beyond that are headers which every segment has.
 */
static __always_inline void segments_split(struct packet *p, __u32 payload, __u32 full, __u32 count)
{
	__u64 cut = (__u64)full * (count - 1);
	__u32 last;

	if (cut >= payload)
		cut = payload - 1;
	last = payload - cut;
	if (last > full)
		last = full;
	p->segments = count;
	p->segment_extra = full - last;
	for (int mode = 0; mode < ACCOUNT_MODES; mode++)
		p->size[mode] = p->size[mode] > cut ? p->size[mode] - cut : 0;
}

/*
 * p was parsed from a super-packet, and its sizes are those of the whole: afterwards it stands for
 * its segments. header_len: bytes that each of them has before its payload, from the link header
 * on, the encapsulation's included; 0 = it could not be told, then gso_segs counts. gso_size:
 * payload bytes of a full segment; 0 = an ordinary packet. gso_segs: 0 = not known.
 */
static __always_inline void meter_segment(struct packet *p, __u32 header_len, __u32 gso_size,
					  __u32 gso_segs)
{
	__u32 payload = segments_payload(p, header_len);
	__u32 full = gso_size, count = gso_segs;

	if (!gso_size || !payload || p->size[ACCOUNT_LINK] > SEGMENTS_MAX_BYTES)
		return;
	if (gso_size == SEGMENTS_BY_LIST)
		full = count ? segments_divide(payload, count) : payload;
	else if (header_len || !gso_segs)
		count = segments_divide(payload, full);
	if (full >= payload || count < 2 || count > SEGMENTS_MAX)
		return;
	segments_split(p, payload, full, count);
}

#endif
