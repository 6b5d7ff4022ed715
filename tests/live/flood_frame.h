/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The frames of flood: a UDP packet over IPv4, of which flow packet number n is, and how a flow's
 * packets differ from another's. The same for the host and for BPF, so that every mode sends the
 * same packets.
 */
#ifndef TESTS_LIVE_FLOOD_FRAME_H
#define TESTS_LIVE_FLOOD_FRAME_H

#include "meter/port.h"

#define FLOOD_MAX_FLOWS (1u << 24) /* a flow's number is the host part of 10.0.0.0/8 */
#define FLOOD_MIN_SIZE  60u        /* bytes of a frame, without checksum */
#define FLOOD_MAX_SIZE  1514u

/* Everything in network byte order. Laid over bytes. */
struct flood_frame {
	__u8 dst_mac[6], src_mac[6];
	__be16 ethertype;
	__u8 version_ihl, tos;
	__be16 ip_len, ip_id, fragment;
	__u8 ttl, protocol;
	__u16 ip_checksum;
	__be16 src[2], dst[2]; /* addresses, in halves: an IPv4 header in a frame is 2-aligned */
	__be16 src_port, dst_port, udp_len;
	__u16 udp_checksum; /* 0: none */
} __attribute__((may_alias));
_Static_assert(sizeof(struct flood_frame) == 42, "flood_frame has no padding");

struct flood_plan {
	__u64 seed;
	__u32 flows;
	__u32 random;       /* 0: packet n is of flow n modulo flows */
	__u32 checksum_sum; /* of the IP header's halves but for checksum and source */
};

/* splitmix64: packet n's place in the random order needs none of its predecessors. */
static __always_inline __u64 flood_mix(__u64 x)
{
	x = (x ^ x >> 30) * 0xbf58476d1ce4e5b9ull;
	x = (x ^ x >> 27) * 0x94d049bb133111ebull;
	return x ^ x >> 31;
}

static __always_inline __u32 flood_flow_of(const struct flood_plan *plan, __u64 n)
{
	if (!plan->random)
		return n % plan->flows;
	return (flood_mix(plan->seed + n * 0x9e3779b97f4a7c15ull) >> 32) * plan->flows >> 32;
}

/* Flow i sends from 10.0.0.0 + i, port 1024 + i modulo 60000. */
static __always_inline void flood_frame_address(struct flood_frame *f,
						const struct flood_plan *plan, __u32 flow)
{
	__u32 sum = plan->checksum_sum;

	f->src[0] = meter_be16(0x0a00 | flow >> 16);
	f->src[1] = meter_be16(flow & 0xffff);
	f->src_port = meter_be16(1024 + flow % 60000);
	sum += f->src[0];
	sum += f->src[1];
	sum = (sum & 0xffff) + (sum >> 16);
	f->ip_checksum = ~(sum + (sum >> 16));
}

#endif
