/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Headers as they are on the wire: all fields in network order, as far as the parser reads them.
 * Own definitions, because the kernel's carry bit fields whose layout depends on the host.
 */
#ifndef METER_WIRE_H
#define METER_WIRE_H

#include "port.h"

struct eth_header {
	__u8 dst[6], src[6];
	__be16 type;
} __wire;

struct llc_snap_header { /* IEEE 802.2 LLC + SNAP */
	__be16 saps;
	__u8 control, oui[3];
	__be16 type;
} __wire;

struct vlan_tag { /* IEEE 802.1Q, from behind the EtherType that announces it */
	__be16 tci, type;
} __wire;

struct pppoe_header { /* RFC 2516, with the PPP protocol behind it */
	__u8 version_type, code;
	__be16 session, length, protocol;
} __wire;

struct word {
	__be32 value;
} __wire;

struct half {
	__be16 value;
} __wire;

struct ipv4_header { /* RFC 791 */
	__u8 version_ihl, tos;
	__be16 length, id, fragment;
	__u8 ttl, protocol;
	__be16 checksum;
	__be32 src, dst;
} __wire;

struct ipv6_header { /* RFC 8200 */
	__be32 version_class_label;
	__be16 length;
	__u8 next, hop_limit;
	__u8 src[16], dst[16];
} __wire;

struct ipv6_extension { /* first 8 bytes of any extension header */
	__u8 next, length;
	__be16 fragment; /* fragment header only: offset, flags */
	__be32 id;       /* fragment header only */
} __wire;

struct port_pair { /* TCP, UDP, UDP-Lite, SCTP, DCCP start alike */
	__be16 src, dst;
} __wire;

struct udp_header { /* RFC 768 */
	__be16 src, dst, length, checksum;
} __wire;

struct tcp_header { /* RFC 9293 */
	__be16 src, dst;
	__be32 seq, ack;
	__u8 offset, flags;
	__be16 window, checksum, urgent;
} __wire;

struct gtp_header { /* 3GPP TS 29.281 section 5.1, version 1 */
	__u8 flags, type;
	__be16 length;
	__be32 teid;
} __wire;

struct vxlan_header { /* RFC 7348; next: draft-ietf-nvo3-vxlan-gpe */
	__u8 flags, reserved[2], next;
	__be32 vni; /* upper 24 bits */
} __wire;

struct geneve_header { /* RFC 8926 */
	__u8 version_length, flags;
	__be16 type;
	__be32 vni; /* upper 24 bits */
} __wire;

struct gre_header { /* RFC 2784, 2890 */
	__be16 flags, type;
} __wire;

struct tzsp_header { /* version 1; type 0 = received packet; encapsulated: 1 = Ethernet */
	__u8 version, type;
	__be16 encapsulated;
} __wire;

#define ETHERTYPE_MIN        0x0600 /* below: IEEE 802.3 length */
#define ETHERTYPE_IPV4       0x0800
#define ETHERTYPE_IPV6       0x86dd
#define ETHERTYPE_VLAN       0x8100
#define ETHERTYPE_QINQ       0x88a8
#define ETHERTYPE_QINQ_OLD   0x9100
#define ETHERTYPE_MPLS       0x8847
#define ETHERTYPE_MPLS_MULTI 0x8848
#define ETHERTYPE_PPPOE      0x8864
#define ETHERTYPE_BRIDGE     0x6558 /* transparent Ethernet bridging, in GRE and Geneve */
#define ETHERTYPE_ERSPAN2    0x88be
#define ETHERTYPE_ERSPAN3    0x22eb

#define PPP_IPV4 0x0021
#define PPP_IPV6 0x0057

enum ip_protocol {
	PROTO_HOP_BY_HOP = 0,
	PROTO_ICMP = 1,
	PROTO_IPV4 = 4,
	PROTO_TCP = 6,
	PROTO_UDP = 17,
	PROTO_DCCP = 33,
	PROTO_IPV6 = 41,
	PROTO_ROUTING = 43,
	PROTO_FRAGMENT = 44,
	PROTO_GRE = 47,
	PROTO_ICMPV6 = 58,
	PROTO_DEST_OPTIONS = 60,
	PROTO_SCTP = 132,
	PROTO_MOBILITY = 135,
	PROTO_UDPLITE = 136,
};

#define PORT_GTP_U       2152
#define PORT_VXLAN       4789
#define PORT_VXLAN_GPE   4790
#define PORT_VXLAN_LINUX 8472 /* Linux before RFC 7348, still its default */
#define PORT_CAPWAP_DATA 5247
#define PORT_GENEVE      6081
#define PORT_TZSP        37008

#endif
