/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The table of columns. A row is a column: what it is called, where its value lies in struct
 * flow_record, what it means and which IPFIX element carries it. The three sides of a flow share
 * their rows through the macros below.
 */
#include "record.h"

#include <string.h>

#define AT(member) offsetof(struct flow_record, member)

/* clang-format off: tables */
/*
 * Numbers of our own elements: OWN(1..255), and 255 of each side. One is never given to another
 * column, whatever becomes of its own: collectors remember.
 */
#define OWN(id)          IPFIX_OWN(id)
#define OWN_SIDE(i, id)  IPFIX_OWN(256u * ((i) + 1) + (id))
#define OWN_FLAG(i, bit) OWN_SIDE(i, 32 + (bit))

/*
 * Rows of one side: prefix of the name, index, and IPFIX elements where not every side has one of
 * its own.
 */
#define SIDE_TIMES(prefix, i, words, first, last, duration)                                    \
	{ prefix "_first_seen_ms",                                                             \
	  "ms",                                                                                \
	  "first packet " words,                                                               \
	  FIELD_NS_AS_MS,                                                                      \
	  AT(side[i].first_ns),                                                                \
	  0,                                                                                   \
	  first },                                                                             \
		{ prefix "_last_seen_ms",                                                      \
		  "ms",                                                                        \
		  "last packet " words,                                                        \
		  FIELD_NS_AS_MS,                                                              \
		  AT(side[i].last_ns),                                                         \
		  0,                                                                           \
		  last },                                                                      \
	{                                                                                      \
		prefix "_duration_ms", "ms", "last minus first packet " words, FIELD_NS_AS_MS, \
			AT(side[i].duration_ns), 0, duration                                   \
	}

#define SIDE_COUNTS(prefix, i, words, packets_id, bytes_id)                              \
	{ prefix "_packets",   "packets", "packets " words, FIELD_U64,                   \
	  AT(side[i].packets), 0,         packets_id },                                  \
	{                                                                                \
		prefix "_bytes", "bytes", "bytes " words ", by --accounting", FIELD_U64, \
			AT(side[i].bytes), 0, bytes_id                                   \
	}

#define SIDE_SIZES(prefix, i, words)                                                               \
	{ prefix "_min_ps",   "bytes",    "smallest packet " words, FIELD_U32,                     \
	  AT(side[i].min_ps), NEED_STATS, OWN_SIDE(i, 16) },                                       \
		{ prefix "_mean_ps",                                                               \
		  "bytes",                                                                         \
		  "mean packet size " words,                                                       \
		  FIELD_F64,                                                                       \
		  AT(side[i].mean_ps),                                                             \
		  NEED_STATS,                                                                      \
		  OWN_SIDE(i, 17) },                                                               \
		{ prefix "_stddev_ps",                                                             \
		  "bytes",                                                                         \
		  "sample standard deviation of packet sizes " words,                              \
		  FIELD_F64,                                                                       \
		  AT(side[i].stddev_ps),                                                           \
		  NEED_STATS,                                                                      \
		  OWN_SIDE(i, 18) },                                                               \
	{                                                                                          \
		prefix "_max_ps", "bytes", "largest packet " words, FIELD_U32, AT(side[i].max_ps), \
			NEED_STATS, OWN_SIDE(i, 19)                                                \
	}

#define SIDE_GAPS(prefix, i, words)                                                          \
	{ prefix "_min_piat_ms",                                                             \
	  "ms",                                                                              \
	  "smallest packet inter-arrival time " words,                                       \
	  FIELD_NS_AS_MS,                                                                    \
	  AT(side[i].min_piat_ns),                                                           \
	  NEED_STATS,                                                                        \
	  OWN_SIDE(i, 24) },                                                                 \
		{ prefix "_mean_piat_ms",                                                    \
		  "ms",                                                                      \
		  "mean packet inter-arrival time " words,                                   \
		  FIELD_F64,                                                                 \
		  AT(side[i].mean_piat_ms),                                                  \
		  NEED_STATS,                                                                \
		  OWN_SIDE(i, 25) },                                                         \
		{ prefix "_stddev_piat_ms",                                                  \
		  "ms",                                                                      \
		  "sample standard deviation of packet inter-arrival times " words,          \
		  FIELD_F64,                                                                 \
		  AT(side[i].stddev_piat_ms),                                                \
		  NEED_STATS,                                                                \
		  OWN_SIDE(i, 26) },                                                         \
	{                                                                                    \
		prefix "_max_piat_ms", "ms", "largest packet inter-arrival time " words,     \
			FIELD_NS_AS_MS, AT(side[i].max_piat_ns), NEED_STATS, OWN_SIDE(i, 27) \
	}

#define SIDE_FLAG(prefix, i, words, flag, bit, id)                                         \
	{                                                                                  \
		prefix "_" flag "_packets", "packets", "TCP packets with " flag " " words, \
			FIELD_U32, AT(side[i].flags[bit]), NEED_STATS, id                  \
	}

#define SIDE_FLAGS(prefix, i, words, syn, cwr, ece, urg, ack, psh, rst, fin)                    \
	SIDE_FLAG(prefix, i, words, "syn", 1, syn), SIDE_FLAG(prefix, i, words, "cwr", 7, cwr), \
		SIDE_FLAG(prefix, i, words, "ece", 6, ece),                                     \
		SIDE_FLAG(prefix, i, words, "urg", 5, urg),                                     \
		SIDE_FLAG(prefix, i, words, "ack", 4, ack),                                     \
		SIDE_FLAG(prefix, i, words, "psh", 3, psh),                                     \
		SIDE_FLAG(prefix, i, words, "rst", 2, rst),                                     \
		SIDE_FLAG(prefix, i, words, "fin", 0, fin)

#define SIDE_HEADERS(prefix, i, words, flags_id, tos_id, dscp_id, min_id, max_id)       \
	{ prefix "_tcp_flags",                                                          \
	  "",                                                                           \
	  "union of the TCP flags " words,                                              \
	  FIELD_U8,                                                                     \
	  AT(side[i].tcp_flags),                                                        \
	  0,                                                                            \
	  flags_id },                                                                   \
		{ prefix "_tos",                                                        \
		  "",                                                                   \
		  "type of service or traffic class of the first packet " words,        \
		  FIELD_U8,                                                             \
		  AT(side[i].tos),                                                      \
		  0,                                                                    \
		  tos_id },                                                             \
		{ prefix "_dscp",                                                       \
		  "",                                                                   \
		  "DSCP of the first packet " words,                                    \
		  FIELD_U8,                                                             \
		  AT(side[i].dscp),                                                     \
		  0,                                                                    \
		  dscp_id },                                                            \
		{ prefix "_min_ttl",                                                    \
		  "hops",                                                               \
		  "smallest TTL or hop limit " words,                                   \
		  FIELD_U8,                                                             \
		  AT(side[i].min_ttl),                                                  \
		  0,                                                                    \
		  min_id },                                                             \
	{                                                                               \
		prefix "_max_ttl", "hops", "largest TTL or hop limit " words, FIELD_U8, \
			AT(side[i].max_ttl), 0, max_id                                  \
	}

#define SIDE_TCP(prefix, i, words)                                                            \
	{ prefix "_retransmitted_packets",                                                    \
	  "packets",                                                                          \
	  "TCP packets with only sequence numbers seen before " words,                        \
	  FIELD_U32,                                                                          \
	  AT(side[i].retransmitted),                                                          \
	  NEED_TCP,                                                                           \
	  OWN_SIDE(i, 48) },                                                                  \
		{ prefix "_out_of_order_packets",                                             \
		  "packets",                                                                  \
		  "TCP packets that fill a gap in the sequence numbers " words,               \
		  FIELD_U32,                                                                  \
		  AT(side[i].out_of_order),                                                   \
		  NEED_TCP,                                                                   \
		  OWN_SIDE(i, 49) },                                                          \
	{                                                                                     \
		prefix "_zero_window_packets", "packets", "TCP packets with window 0 " words, \
			FIELD_U32, AT(side[i].zero_window), NEED_TCP, OWN_SIDE(i, 50)         \
	}

#define SIDE_RATES(prefix, i, words)                                                          \
	{ prefix "_packets_per_second",                                                       \
	  "packets/s",                                                                        \
	  "packets by duration " words,                                                       \
	  FIELD_F64,                                                                          \
	  AT(side[i].packet_rate),                                                            \
	  NEED_RATES,                                                                         \
	  OWN_SIDE(i, 6) },                                                                   \
	{                                                                                     \
		prefix "_bytes_per_second", "bytes/s", "bytes by duration " words, FIELD_F64, \
			AT(side[i].byte_rate), NEED_RATES, OWN_SIDE(i, 7)                     \
	}

/* Rows of one end of a flow; first of the own numbers, which go in twos. */
#define END_PLACE(prefix, i, words, asn_id, first)                                          \
	{ prefix "_country",                                                                \
	  "",                                                                               \
	  "country of the " words ", two letters of ISO 3166-1",                            \
	  FIELD_TEXT,                                                                       \
	  AT(place[i].country),                                                             \
	  NEED_GEOIP,                                                                       \
	  OWN(first) },                                                                     \
		{ prefix "_city",    "",         "city of the " words, FIELD_TEXT,          \
		  AT(place[i].city), NEED_GEOIP, OWN((first) + 2) },                        \
		{ prefix "_asn",                                                            \
		  "",                                                                       \
		  "autonomous system of the " words ", 0 unknown",                          \
		  FIELD_U32,                                                                \
		  AT(place[i].asn),                                                         \
		  NEED_GEOIP,                                                               \
		  IPFIX_IANA(asn_id) },                                                     \
	{                                                                                   \
		prefix "_as_org", "", "organization of that autonomous system", FIELD_TEXT, \
			AT(place[i].as_org), NEED_GEOIP, OWN((first) + 4)                   \
	}

#define END_TEXT(name, help, member, i, bit, id)                              \
	{                                                                     \
		name, "", help, FIELD_TEXT, AT(owner[i].member), bit, OWN(id) \
	}

#define END_OWNER(prefix, i, words, first)                                                        \
	{ prefix "_pid",                                                                          \
	  "",                                                                                     \
	  "process of the " words " on this host, 0 unknown",                                     \
	  FIELD_U32,                                                                              \
	  AT(owner[i].pid),                                                                       \
	  NEED_PROCESS,                                                                           \
	  OWN(first) },                                                                           \
		END_TEXT(prefix "_process", "name of the process of the " words, process, i,      \
			 NEED_PROCESS, (first) + 2),                                              \
		END_TEXT(prefix "_cgroup", "path of the cgroup of the " words, cgroup, i,         \
			 NEED_CGROUP, (first) + 4),                                               \
		{ prefix "_cgroup_id",                                                            \
		  "",                                                                             \
		  "the kernel's number of that cgroup, 0 unknown",                                \
		  FIELD_U64,                                                                      \
		  AT(owner[i].cgroup_id),                                                         \
		  NEED_CGROUP,                                                                    \
		  OWN((first) + 6) },                                                             \
		END_TEXT(prefix "_container", "id of the container of the " words, container, i,  \
			 NEED_CGROUP, (first) + 8),                                               \
		END_TEXT(prefix "_pod_namespace", "Kubernetes namespace of the " words,           \
			 pod_namespace, i, NEED_POD, (first) + 10),                               \
		END_TEXT(prefix "_pod", "Kubernetes pod of the " words, pod, i, NEED_POD,         \
			 (first) + 12),                                                           \
		END_TEXT(prefix "_pod_container", "container's name in that pod", pod_container,  \
			 i, NEED_POD, (first) + 14),                                              \
		END_TEXT(prefix "_pod_labels", "labels of that pod, NAME=VALUE, comma separated", \
			 pod_labels, i, NEED_POD, (first) + 16)

#define BOTH "of either direction"
#define SRC  "from source to destination"
#define DST  "from destination to source"

const struct field record_fields[] = {
	/* identity */
	{ "flow_id", "", "number of the flow in order of creation; new after an active cut",
	  FIELD_U64, AT(flow_id), 0, IPFIX_IANA(148) },
	{ "id", "", "number of the record in order of export (NFStream's id)", FIELD_U64,
	  AT(export_id), 0, OWN(1) },
	{ "probe", "", "name of the probe: --probe-name, or the host's", FIELD_TEXT, AT(probe), 0,
	  OWN(2) },
	{ "run_id", "",
	  "64 random bits of this start of weir: probe, run_id and flow_id name a record in a "
	  "fleet; "
	  "in no profile",
	  FIELD_TEXT, AT(run_id), 0, OWN(40) },
	{ "expiration_id", "", "0 idle and every other end, 1 active cut, negative: a plugin's",
	  FIELD_I32, AT(expiration_id), 0, OWN(3) },
	{ "flow_end_reason", "",
	  "1 idle, 2 active cut, 3 end of flow seen, 4 forced end, 5 lack of resources", FIELD_U8,
	  AT(end_reason), 0, IPFIX_IANA(136) },
	{ "src_ip", "", "address of the sender of the flow's first packet", FIELD_ADDR,
	  AT(src_addr), 0, IPFIX_IANA(8) },
	{ "src_mac", "", "link address of the source in the first packet", FIELD_MAC, AT(src_mac),
	  0, IPFIX_IANA(56) },
	{ "src_oui", "", "first three bytes of src_mac", FIELD_OUI, AT(src_mac), 0, OWN(4) },
	{ "src_port", "", "TCP, UDP, UDP-Lite, SCTP or DCCP port of the source, else 0", FIELD_U16,
	  AT(src_port), 0, IPFIX_IANA(7) },
	{ "dst_ip", "", "address of the receiver of the flow's first packet", FIELD_ADDR,
	  AT(dst_addr), 0, IPFIX_IANA(12) },
	{ "dst_mac", "", "link address of the destination in the first packet", FIELD_MAC,
	  AT(dst_mac), 0, IPFIX_IANA(80) },
	{ "dst_oui", "", "first three bytes of dst_mac", FIELD_OUI, AT(dst_mac), 0, OWN(5) },
	{ "dst_port", "", "port of the destination, else 0", FIELD_U16, AT(dst_port), 0,
	  IPFIX_IANA(11) },
	{ "ip_src", "", "src_ip as an integer of 32 or 128 bits", FIELD_ADDR_NUMBER, AT(src_addr),
	  0, IPFIX_IANA(8) },
	{ "ip_dst", "", "dst_ip as an integer of 32 or 128 bits", FIELD_ADDR_NUMBER, AT(dst_addr),
	  0, IPFIX_IANA(12) },
	{ "protocol", "", "IP protocol number; for IPv6 that of the last header", FIELD_U8,
	  AT(protocol), 0, IPFIX_IANA(4) },
	{ "version", "", "IP version of the innermost header", FIELD_U8, AT(ip_version), 0,
	  IPFIX_IANA(60) },
	{ "ip_version", "", "the same under NFStream 6.5's name", FIELD_U8, AT(ip_version), 0,
	  IPFIX_IANA(60) },
	{ "vlan_id", "", "innermost 802.1Q or 802.1ad tag, 0 without one", FIELD_U16, AT(vlan_id),
	  0, IPFIX_IANA(58) },
	{ "tunnel_id", "",
	  "innermost tunnel: 0 none, 1 GTP, 2 CAPWAP, 3 TZSP, 5 VXLAN, 6 Geneve, 7 GRE, 8 IP in IP",
	  FIELD_U8, AT(tunnel), 0, OWN(6) },
	{ "tunnel_key", "", "VNI of VXLAN and Geneve, key of GRE, else 0", FIELD_U32,
	  AT(tunnel_key), 0, OWN(7) },
	{ "src_teid", "", "GTP-U tunnel endpoint id of the source's packets", FIELD_U32,
	  AT(src_teid), 0, OWN(8) },
	{ "dst_teid", "", "GTP-U tunnel endpoint id of the destination's packets", FIELD_U32,
	  AT(dst_teid), 0, OWN(9) },
	{ "nfhash", "",
	  "sum of both addresses, both ports, protocol and VLAN, modulo 2^64: the same for both "
	  "directions, not unique",
	  FIELD_U64, AT(nfhash), NEED_NFHASH, OWN(10) },
	{ "community_id", "", "Community ID version 1, seed 0", FIELD_CHARS, AT(community_id),
	  NEED_COMMUNITY_ID, OWN(11) },
	{ "ingress_interface", "",
	  "interface on which the source's first packet came in; of a watched flow one of this and "
	  "egress_interface",
	  FIELD_CHARS, AT(ingress_interface), NEED_WATCHED, OWN(120) },
	{ "egress_interface", "", "interface from which the source's first packet went out",
	  FIELD_CHARS, AT(egress_interface), NEED_WATCHED, OWN(121) },
	{ "ingress_ifindex", "", "the kernel's index of ingress_interface, else 0", FIELD_U32,
	  AT(ingress_index), NEED_WATCHED, IPFIX_IANA(10) },
	{ "egress_ifindex", "", "the kernel's index of egress_interface, else 0", FIELD_U32,
	  AT(egress_index), NEED_WATCHED, IPFIX_IANA(14) },
	{ "netns", "",
	  "network namespace that the flow was met in: its name in " NETNS_NAMES ", or its inode",
	  FIELD_CHARS, AT(netns), NEED_WATCHED, OWN(122) },

	/* what others know about the ends */
	END_PLACE("src", 0, "source", 16, 60),
	END_PLACE("dst", 1, "destination", 17, 61),
	{ "src_mac_vendor", "", "who made the interface of src_mac, by its first three bytes",
	  FIELD_TEXT, AT(mac_vendor[0]), NEED_MAC_VENDORS, OWN(66) },
	{ "dst_mac_vendor", "", "who made the interface of dst_mac, by its first three bytes",
	  FIELD_TEXT, AT(mac_vendor[1]), NEED_MAC_VENDORS, OWN(67) },

	/* whose the ends are */
	END_OWNER("src", 0, "source", 80),
	END_OWNER("dst", 1, "destination", 81),
	{ "system_process_pid", "",
	  "process of the source, if that is on this host and known, else of the destination; -1 "
	  "unknown",
	  FIELD_I32, AT(system_pid), NEED_PROCESS, OWN(98) },
	{ "system_process_name", "", "name of that process", FIELD_TEXT, AT(system_process),
	  NEED_PROCESS, OWN(99) },

	/* times and volumes under the documented names */
	{ "first_seen", "ms", "first packet, since the epoch", FIELD_NS_AS_MS,
	  AT(side[SIDE_BOTH].first_ns), 0, IPFIX_IANA(152) },
	{ "last_seen", "ms", "last packet, since the epoch", FIELD_NS_AS_MS,
	  AT(side[SIDE_BOTH].last_ns), 0, IPFIX_IANA(153) },
	{ "first_seen_ns", "ns", "first packet, since the epoch", FIELD_U64,
	  AT(side[SIDE_BOTH].first_ns), 0, IPFIX_IANA(156) },
	{ "last_seen_ns", "ns", "last packet, since the epoch", FIELD_U64,
	  AT(side[SIDE_BOTH].last_ns), 0, IPFIX_IANA(157) },
	{ "duration", "ms", "last minus first packet", FIELD_NS_AS_MS,
	  AT(side[SIDE_BOTH].duration_ns), 0, IPFIX_IANA(161) },
	{ "total_packets", "packets", "packets " BOTH, FIELD_U64, AT(side[SIDE_BOTH].packets), 0,
	  OWN_SIDE(SIDE_BOTH, 4) },
	{ "total_bytes", "bytes", "bytes " BOTH ", by --accounting", FIELD_U64,
	  AT(side[SIDE_BOTH].bytes), 0, OWN_SIDE(SIDE_BOTH, 5) },

	/* the same by side, under NFStream 6.5's names */
	SIDE_TIMES("bidirectional", SIDE_BOTH, BOTH, IPFIX_IANA(152), IPFIX_IANA(153),
		   IPFIX_IANA(161)),
	SIDE_COUNTS("bidirectional", SIDE_BOTH, BOTH, OWN_SIDE(SIDE_BOTH, 4),
		    OWN_SIDE(SIDE_BOTH, 5)),
	SIDE_TIMES("src2dst", SIDE_SRC2DST, SRC, OWN_SIDE(SIDE_SRC2DST, 1),
		   OWN_SIDE(SIDE_SRC2DST, 2), OWN_SIDE(SIDE_SRC2DST, 3)),
	SIDE_COUNTS("src2dst", SIDE_SRC2DST, SRC, IPFIX_IANA(2), IPFIX_IANA(1)),
	/* nfdump 1.7 takes the reverse of 152 and 153 for the times of the flow: not those. */
	SIDE_TIMES("dst2src", SIDE_DST2SRC, DST, OWN_SIDE(SIDE_DST2SRC, 1),
		   OWN_SIDE(SIDE_DST2SRC, 2), OWN_SIDE(SIDE_DST2SRC, 3)),
	SIDE_COUNTS("dst2src", SIDE_DST2SRC, DST, IPFIX_REVERSE(2), IPFIX_REVERSE(1)),
	SIDE_RATES("bidirectional", SIDE_BOTH, BOTH),
	SIDE_RATES("src2dst", SIDE_SRC2DST, SRC),
	SIDE_RATES("dst2src", SIDE_DST2SRC, DST),

	/* statistics */
	SIDE_SIZES("bidirectional", SIDE_BOTH, BOTH),
	SIDE_SIZES("src2dst", SIDE_SRC2DST, SRC),
	SIDE_SIZES("dst2src", SIDE_DST2SRC, DST),
	SIDE_GAPS("bidirectional", SIDE_BOTH, BOTH),
	SIDE_GAPS("src2dst", SIDE_SRC2DST, SRC),
	SIDE_GAPS("dst2src", SIDE_DST2SRC, DST),
	SIDE_FLAGS("bidirectional", SIDE_BOTH, BOTH, OWN_FLAG(SIDE_BOTH, 1), OWN_FLAG(SIDE_BOTH, 7),
		   OWN_FLAG(SIDE_BOTH, 6), OWN_FLAG(SIDE_BOTH, 5), OWN_FLAG(SIDE_BOTH, 4),
		   OWN_FLAG(SIDE_BOTH, 3), OWN_FLAG(SIDE_BOTH, 2), OWN_FLAG(SIDE_BOTH, 0)),
	SIDE_FLAGS("src2dst", SIDE_SRC2DST, SRC, IPFIX_IANA(218), OWN_FLAG(SIDE_SRC2DST, 7),
		   OWN_FLAG(SIDE_SRC2DST, 6), IPFIX_IANA(223), IPFIX_IANA(222), IPFIX_IANA(221),
		   IPFIX_IANA(220), IPFIX_IANA(219)),
	SIDE_FLAGS("dst2src", SIDE_DST2SRC, DST, IPFIX_REVERSE(218), OWN_FLAG(SIDE_DST2SRC, 7),
		   OWN_FLAG(SIDE_DST2SRC, 6), IPFIX_REVERSE(223), IPFIX_REVERSE(222),
		   IPFIX_REVERSE(221), IPFIX_REVERSE(220), IPFIX_REVERSE(219)),

	/* headers and transport */
	SIDE_HEADERS("src2dst", SIDE_SRC2DST, SRC, IPFIX_IANA(6), IPFIX_IANA(5), IPFIX_IANA(195),
		     IPFIX_IANA(52), IPFIX_IANA(53)),
	SIDE_HEADERS("dst2src", SIDE_DST2SRC, DST, IPFIX_REVERSE(6), IPFIX_REVERSE(5),
		     IPFIX_REVERSE(195), IPFIX_REVERSE(52), IPFIX_REVERSE(53)),
	SIDE_TCP("src2dst", SIDE_SRC2DST, SRC),
	SIDE_TCP("dst2src", SIDE_DST2SRC, DST),
	{ "src_initial_window", "bytes", "first TCP window of the source, unscaled", FIELD_U16,
	  AT(src_window), 0, OWN(12) },
	{ "dst_initial_window", "bytes", "first TCP window of the destination, unscaled", FIELD_U16,
	  AT(dst_window), 0, OWN(13) },
	{ "client_rtt_us", "us", "SYN-ACK to ACK: probe to source and back", FIELD_US_KNOWN,
	  AT(client_rtt_us), NEED_TIMING, OWN(14) },
	{ "server_rtt_us", "us", "SYN to SYN-ACK: probe to destination and back", FIELD_US_KNOWN,
	  AT(server_rtt_us), NEED_TIMING, OWN(15) },
	{ "app_latency_us", "us", "last request packet to first response packet with payload",
	  FIELD_US_KNOWN, AT(app_latency_us), NEED_TIMING, OWN(16) },
	{ "icmp_type", "", "ICMP or ICMPv6 type of the first packet", FIELD_U8, AT(icmp_type), 0,
	  IPFIX_IANA(176) },
	{ "icmp_code", "", "ICMP or ICMPv6 code of the first packet", FIELD_U8, AT(icmp_code), 0,
	  IPFIX_IANA(177) },

	/* first packets */
	{ "splt_direction", "",
	  "0 source, 1 destination, for each of the first --splt packets; -1 none",
	  FIELD_SPLT_DIRECTION, 0, NEED_SPLT, OWN(17) },
	{ "splt_ps", "bytes", "size of each of the first --splt packets; -1 none", FIELD_SPLT_SIZE,
	  0, NEED_SPLT, OWN(18) },
	{ "splt_piat_ms", "ms",
	  "time since the packet before, for each of the first --splt packets; -1 none",
	  FIELD_SPLT_GAP_MS, 0, NEED_SPLT, OWN(19) },

	/* application */
	{ "master_protocol", "", "nDPI's number of the carrying protocol (differs by nDPI version)",
	  FIELD_U16, AT(master_protocol), NEED_DISSECT, OWN(20) },
	{ "app_protocol", "", "nDPI's number of the application (differs by nDPI version)",
	  FIELD_U16, AT(app_protocol), NEED_DISSECT, OWN(21) },
	{ "application_name", "", "nDPI's name: MASTER.APPLICATION", FIELD_TEXT,
	  AT(application_name), NEED_DISSECT, IPFIX_IANA(96) },
	{ "category_name", "", "nDPI's category", FIELD_TEXT, AT(category_name), NEED_DISSECT,
	  IPFIX_IANA(372) },
	{ "application_category_name", "", "the same under NFStream 6.5's name", FIELD_TEXT,
	  AT(category_name), NEED_DISSECT, IPFIX_IANA(372) },
	{ "application_is_guessed", "", "1: by port or address, not from packets", FIELD_U8,
	  AT(guessed), NEED_DISSECT, OWN(22) },
	{ "application_confidence", "", "nDPI's confidence value (differs by nDPI version)",
	  FIELD_U8, AT(confidence), NEED_DISSECT, OWN(23) },
	{ "confidence_name", "", "nDPI's confidence in words", FIELD_TEXT, AT(confidence_name),
	  NEED_DISSECT, OWN(24) },
	{ "client_info", "", "TLS server name, SSH client version, HTTP host, DNS name ...",
	  FIELD_TEXT, AT(text.client_info), NEED_DISSECT, OWN(25) },
	{ "server_info", "", "TLS certificate names, SSH server version ...", FIELD_TEXT,
	  AT(text.server_info), NEED_DISSECT, OWN(26) },
	{ "j3a_client", "", "JA3 of the TLS client", FIELD_TEXT, AT(text.ja3_client), NEED_DISSECT,
	  OWN(27) },
	{ "j3a_server", "", "JA3S of the TLS server", FIELD_TEXT, AT(text.ja3_server), NEED_DISSECT,
	  OWN(28) },
	{ "requested_server_name", "", "TLS server name, HTTP host, DNS name ...", FIELD_TEXT,
	  AT(text.host), NEED_DISSECT, OWN(29) },
	{ "client_fingerprint", "", "JA3, HASSH or DHCP fingerprint", FIELD_TEXT,
	  AT(text.client_fingerprint), NEED_DISSECT, OWN(30) },
	{ "server_fingerprint", "", "JA3S or HASSH of the server", FIELD_TEXT,
	  AT(text.server_fingerprint), NEED_DISSECT, OWN(31) },
	{ "hassh_client", "", "HASSH of the SSH client", FIELD_TEXT, AT(text.hassh_client),
	  NEED_DISSECT, OWN(32) },
	{ "hassh_server", "", "HASSH of the SSH server", FIELD_TEXT, AT(text.hassh_server),
	  NEED_DISSECT, OWN(33) },
	{ "ja4", "", "JA4 of a TLS or DTLS client (QUIC: with nDPI 4.10 or later)", FIELD_TEXT,
	  AT(text.ja4), NEED_DISSECT, OWN(34) },
	{ "tls_version", "", "TLS version that the server chose", FIELD_TEXT, AT(text.tls_version),
	  NEED_DISSECT, OWN(35) },
	{ "alpn", "", "application protocols offered in TLS", FIELD_TEXT, AT(text.alpn),
	  NEED_DISSECT, OWN(36) },
	{ "user_agent", "", "HTTP User-Agent", FIELD_TEXT, AT(text.user_agent), NEED_DISSECT,
	  IPFIX_IANA(468) },
	{ "content_type", "", "HTTP content type of the response", FIELD_TEXT,
	  AT(text.content_type), NEED_DISSECT, IPFIX_IANA(469) },
	{ "url", "", "HTTP URL of the first request", FIELD_TEXT, AT(text.url), NEED_DISSECT,
	  OWN(37) },
	{ "risk", "", "bit per nDPI risk number (differs by nDPI version)", FIELD_U64, AT(risks),
	  NEED_DISSECT, OWN(38) },
	{ "risk_names", "", "nDPI's names of the risks, comma separated", FIELD_TEXT,
	  AT(risk_names), NEED_DISSECT | NEED_RISK_NAMES, OWN(39) },
};
/* clang-format on */

const size_t record_field_count = sizeof(record_fields) / sizeof(record_fields[0]);

const struct field *record_field_by_name(const char *name)
{
	for (size_t i = 0; i < record_field_count; i++)
		if (!strcmp(record_fields[i].name, name))
			return &record_fields[i];
	return NULL;
}
