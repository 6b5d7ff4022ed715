/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The vocabulary of the meter: flow key, packet, counters, configuration. Kernel and agent read
 * these structs byte for byte, so there is no implicit padding and every size is asserted.
 */
#ifndef METER_TYPES_H
#define METER_TYPES_H

#include "port.h"

/* Tunnel of a flow. 1-5 are NFStream's tunnel_id values (nDPI's ndpi_packet_tunnel). */
enum tunnel_type {
	TUNNEL_NONE = 0,
	TUNNEL_GTP = 1,
	TUNNEL_CAPWAP = 2,
	TUNNEL_TZSP = 3,
	TUNNEL_VXLAN = 5,
	TUNNEL_GENEVE = 6,
	TUNNEL_GRE = 7,
	TUNNEL_IPIP = 8, /* IP in IP of either version: 4in4, 6in4, 4in6, 6in6 */
	TUNNEL_TYPES = 9,
};

/* Bits of all of them; 4 is nDPI's L2TP, which is not looked into. */
#define TUNNEL_SET_ALL                                                                     \
	(1u << TUNNEL_GTP | 1u << TUNNEL_CAPWAP | 1u << TUNNEL_TZSP | 1u << TUNNEL_VXLAN | \
	 1u << TUNNEL_GENEVE | 1u << TUNNEL_GRE | 1u << TUNNEL_IPIP)

/* Which size of a packet is counted as its bytes; NFStream's accounting_mode numbers. */
enum accounting {
	ACCOUNT_LINK = 0,      /* whole frame on the wire, tunnel headers and padding included */
	ACCOUNT_IP = 1,        /* innermost IP datagram, header included (IPv6 too) */
	ACCOUNT_TRANSPORT = 2, /* what the innermost IP header carries */
	ACCOUNT_PAYLOAD = 3,   /* what TCP, UDP, SCTP, DCCP or ICMP carries; 0 for the rest */
	ACCOUNT_MODES = 4,
};

/* IPFIX flowEndReason, RFC 5102 section 5.11.3. */
enum flow_end_reason {
	FLOW_END_NONE = 0,
	FLOW_END_IDLE = 1,
	FLOW_END_ACTIVE = 2,
	FLOW_END_DETECTED = 3, /* TCP FIN in both directions or RST, with --tcp-end */
	FLOW_END_FORCED = 4,   /* end of input, shutdown, a plugin */
	FLOW_END_NO_RESOURCES = 5,
};

enum tcp_flag {
	TCP_FLAG_FIN = 0x01,
	TCP_FLAG_SYN = 0x02,
	TCP_FLAG_RST = 0x04,
	TCP_FLAG_PSH = 0x08,
	TCP_FLAG_ACK = 0x10,
	TCP_FLAG_URG = 0x20,
	TCP_FLAG_ECE = 0x40,
	TCP_FLAG_CWR = 0x80,
	TCP_FLAG_BITS = 8,
	TCP_BIT_PSH = 3,
	TCP_BIT_ACK = 4,
};

/*
 * What identifies a flow, the same for both directions: key_canonicalize() puts the lower
 * endpoint first. Comparable by bytes.
 */
struct flow_key {
	__u8 addr[2][16]; /* network order; IPv4 as ::ffff:a.b.c.d */
	__be16 port[2];   /* network order; 0 for protocols without ports */
	__u16 vlan_id;    /* host order, innermost 802.1Q/802.1ad tag; 0 = none */
	__u8 protocol;    /* IANA protocol number; for IPv6 the last header's */
	__u8 ip_version;  /* 4 or 6 */
	__u32 tunnel_id;  /* host order: VNI of VXLAN and Geneve, key of GRE; else 0 */
	__u16 interface;  /* the agent's number of the watched interface; 0 offline */
	__u8 tunnel;      /* enum tunnel_type of the innermost tunnel */
	__u8 zero;
} __attribute__((aligned(8)));
_Static_assert(sizeof(struct flow_key) == 48, "flow_key is hashed and compared by words");

/*
 * Where packets are met: the agent's number of the interface, from 1, and whether they leave it or
 * come in. 0: in a capture.
 */
#define METER_PLACE(interface, out)    ((__u32)(interface) << 1 | (out))
#define METER_PLACE_INTERFACE(place)   ((__u16)((place) >> 1))
#define METER_PLACE_IS_OUTWARDS(place) ((place)&1)

enum fragment_bits {
	FRAGMENT_FIRST = 1, /* the outermost fragmented header starts its datagram */
	FRAGMENT_LATER = 2, /* the headers are in an earlier packet */
};

/* Identity of a fragmented datagram: RFC 791 section 3.2, RFC 8200 section 4.5. */
struct fragment_id {
	__u8 addr[2][16]; /* source, destination; network order, IPv4 as in flow_key */
	__u32 id;         /* network order */
	__u16 vlan_id;
	__u8 protocol; /* 0 for IPv6, whose identity has none */
	__u8 ip_version;
} __attribute__((aligned(8)));
_Static_assert(sizeof(struct fragment_id) == 40, "fragment_id has no padding");

/*
 * Facts about one packet. The parser fills it, the meter counts it, events carry it.
 * A super-packet (GRO/GSO) stands for its segments: sizes are those of the last one, and every
 * earlier one is segment_extra bytes longer (a size of 0 is 0 for all). See segments.h.
 */
struct packet {
	struct flow_key key;
	__u64 time_ns;             /* since the epoch offline, CLOCK_MONOTONIC in the kernel */
	__u64 gap_ns;              /* since the flow's packet before; set by meter_update() */
	__u32 size[ACCOUNT_MODES]; /* bytes by enum accounting, from the headers, not the capture */
	__u32 segments;            /* packets on the wire; 1 but for super-packets */
	__u32 segment_extra;       /* bytes */
	__u32 tcp_seq;             /* host order */
	__u32 teid;           /* host order, tunnel endpoint id of GTP-U; differs by direction */
	__u16 tcp_window;     /* host order, unscaled */
	__u16 ip_offset;      /* of the innermost IP header, from the window's start */
	__u16 l4_offset;      /* of the transport header */
	__u16 payload_offset; /* of what the transport carries */
	__u8 dir;             /* 0: sent by key.addr[0], 1: by key.addr[1] */
	__u8 tcp_flags;       /* enum tcp_flag; 0 for other protocols */
	__u8 ttl;             /* hop limit */
	__u8 tos;             /* type of service, traffic class */
	__u8 icmp_type, icmp_code;
	__u8 fragment;                  /* enum fragment_bits */
	__u8 has_l4;                    /* the transport header was there and sane */
	struct fragment_id fragment_id; /* valid when fragment is not 0 */
	__u32 place; /* where it was met: METER_PLACE() of a watched interface, else 0 */
	__u32 zero;
};
_Static_assert(sizeof(struct packet) == 160, "packet crosses from kernel to agent");

/* Counters of one direction. Times are packet times, in ns. */
struct flow_dir {
	__u64 packets;  /* wire segments */
	__u64 bytes;    /* by the configured accounting */
	__u64 first_ns; /* 0 packets: 0 */
	__u64 last_ns;
	__u32 tcp_flags; /* union over all packets; 32 bits for the kernel's atomic OR */
	__u8 ttl_max;
	__u8 ttl_inv_min; /* 255 - smallest TTL, so that zeroed memory means none seen */
	__u8 tos;         /* of the direction's first packet */
	__u8 zero;
};
_Static_assert(sizeof(struct flow_dir) == 40, "flow_dir has no padding");

/* What the agent still wants of a flow's first packets. */
enum appetite {
	APPETITE_BYTES = 0,
	APPETITE_METADATA = 1, /* struct packet alone: dissection is done */
	APPETITE_NOTHING = 2,
};

/*
 * What is counted of a flow: these, statistics and TCP, one behind the other, in the kernel's map
 * behind the key. There each cache line that a packet touches costs it 10 ns and more. So every
 * packet's part of the counters shares the key's second line and fills one more; with statistics
 * there is one for the flow and one for the packet's direction, and what few packets need is apart.
 */
struct flow_counters {
	__u64 state;    /* kernel: tag << 32 | closing epoch (see bpf/flows.bpf.h); host: 0 */
	__u32 emitted;  /* packets handed to the agent so far, in segments */
	__u8 initiator; /* the dir that is src2dst */
	__u8 appetite;  /* enum appetite: what the agent wants of further packets */
	__u8 missed;    /* a first packet found no room on its way to the agent */
	__u8 zero;
	struct flow_dir dir[2]; /* by packet.dir */
	/* not needed by every packet */
	__u64 previous_ns; /* last packet of the chunk before this one, 0 = none */
	__u32 place[2];    /* by packet.dir: where its first packet was met; kept over a cut */
	__u32 next_seq[2]; /* with flow_tcp: highest sequence number seen, plus one */
};
_Static_assert(sizeof(struct flow_counters) == 120, "flow_counters has no padding");

/* 128-bit sum. */
struct sum128 {
	__u64 lo, hi;
};

/* Gaps between packets: their number is packets - 1 and their sum last - first. */
struct flow_gaps {
	__u64 inv_min_ns; /* ~smallest gap, so that zeroed memory means none seen */
	__u64 max_ns;
	struct sum128 squares; /* ns^2 */
};

struct flow_dir_stats {
	__u32 inv_min_size; /* ~smallest size */
	__u32 max_size;
	struct sum128 size_squares; /* bytes^2 */
	struct flow_gaps gaps;      /* between packets of this direction */
	__u32 psh, ack;             /* packets with the flag; see meter_flag_count() */
};
_Static_assert(sizeof(struct flow_dir_stats) == 64, "flow_dir_stats has no padding");

/* Packets with the flags that few packets have: FIN, SYN, RST, URG, ECE, CWR. */
struct flow_rare_flags {
	__u32 flags[TCP_FLAG_BITS - 2];
};

/* Post-mortem statistics, counted when asked for. */
struct flow_stats {
	struct flow_gaps gaps; /* between packets of either direction */
	__u64 zero;            /* in the map the directions begin a cache line */
	struct flow_dir_stats dir[2];
	struct flow_rare_flags rare[2];
};
_Static_assert(sizeof(struct flow_stats) == 216, "flow_stats has no padding");

/* One direction of a TCP connection: what is seldom needed when packets come in order. */
struct flow_tcp_dir {
	__u32 retransmitted; /* packets that carry only what was seen before */
	__u32 hole_seq;      /* first byte of the newest gap in the sequence space */
	__u32 hole_end;      /* equal to hole_seq: no gap; 0, and next_seq 0: nothing seen yet */
	__u32 out_of_order;  /* packets that fill a gap */
	__u32 zero_window;   /* packets that announce a window of 0, RST excepted */
};

struct flow_tcp {
	struct flow_tcp_dir dir[2];
};
_Static_assert(sizeof(struct flow_tcp) == 40, "flow_tcp has no padding");

/* How packets are metered; rodata in the kernel program. */
struct meter_config {
	__u64 idle_ns;   /* a flow this long without a packet has ended */
	__u64 active_ns; /* a flow this old is cut at its next packet */
	__u32 tunnels;   /* bit per enum tunnel_type that is looked into */
	__u32 first_tcp; /* packets of a flow handed to the agent, by protocol */
	__u32 first_udp;
	__u32 first_other;
	__u8 accounting;    /* enum accounting */
	__u8 stats;         /* count flow_stats */
	__u8 tcp;           /* count flow_tcp */
	__u8 tcp_end;       /* FIN and RST end a flow */
	__u32 every_packet; /* the agent wants all of them: none is counted into the map */
};
_Static_assert(sizeof(struct meter_config) == 40, "meter_config has no padding");

#endif
