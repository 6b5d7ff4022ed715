/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the kernel program tells the agent, through one ring buffer: records of a type, a fixed
 * header and data. In host byte order but where struct packet and struct flow_key say otherwise.
 */
#ifndef METER_EVENT_H
#define METER_EVENT_H

#include "types.h"

/* Most bytes of one packet that an event carries; nDPI needs 600 for TLS, 1,300 for QUIC. */
#define EVENT_MAX_BYTES 9216u

enum event_type {
	EVENT_PACKET = 1, /* one of a flow's first packets; its numbers are in the flow's entry */
	EVENT_OVERFLOW,   /* a packet whose numbers are in no entry: they are here alone */
	EVENT_FLOW_END,   /* final counters of a closed entry */
};

/* Why a packet could not go into an entry. */
enum overflow_reason {
	OVERFLOW_FULL = 1, /* no room for one more flow */
	OVERFLOW_CLOSED,   /* it found its flow timed out and closed it, or found it closed */
	OVERFLOW_RACE,     /* another CPU was making the entry */
};

struct event_packet {
	__u32 type;     /* EVENT_PACKET or EVENT_OVERFLOW */
	__u32 captured; /* bytes behind this struct: from the innermost IP header on */
	__u32 index;    /* EVENT_PACKET: packets of the entry that were handed over before */
	__u8 initiator; /* the packet.dir that is the entry's source; OVERFLOW: packet.dir */
	__u8 reason;    /* EVENT_OVERFLOW: enum overflow_reason */
	__u8 has_mac;   /* the link has addresses */
	__u8 missed;    /* an earlier one of the entry's first packets found no room */
	__u8 mac[12];   /* destination, then source */
	__u32 zero2;
	__u64 socket; /* cookie of the sender's, with --attribute; 0 = not on this host */
	struct packet packet;
};
_Static_assert(sizeof(struct event_packet) == 200, "event_packet has no padding");

struct event_flow_end {
	__u32 type;  /* EVENT_FLOW_END */
	__u8 reason; /* enum flow_end_reason; FLOW_END_NONE: a packet found it timed out */
	__u8 kept;   /* the closed entry is still there: the agent opens or drops it */
	__u8 zero[2];
	struct flow_key key;
	struct flow_counters counters;
	/* then struct flow_stats and struct flow_tcp, where counted */
};
_Static_assert(sizeof(struct event_flow_end) == 176, "event_flow_end has no padding");

#endif
