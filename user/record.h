/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A flow record: every value of a finished flow, and the one table that says what each column is
 * called, means and measures. CSV, JSON, the terminal table and `weir fields` all walk it.
 */
#ifndef USER_RECORD_H
#define USER_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "config.h"
#include "dissect.h"
#include "flow.h"
#include "meter/types.h"
#include "netns.h"

/* IFNAMSIZ, without the names that <net/if.h> brings. */
#define INTERFACE_NAME_SIZE 16

/* A direction, or both together. */
enum record_side { SIDE_BOTH, SIDE_SRC2DST, SIDE_DST2SRC, SIDES };

/* Where an address is and whose; "" and 0: not known. NULL unless asked for. */
struct record_place {
	const char *country; /* ISO 3166-1 alpha-2 */
	const char *city;
	const char *as_org;
	uint32_t asn;
};

/* The process at one end; "" and 0: not known. NULL unless asked for. */
enum owner_state {
	OWNER_ELSEWHERE, /* no sign that this end is on this host */
	OWNER_UNKNOWN,   /* it is, and nobody told whose */
	OWNER_KNOWN,
};

struct record_owner {
	const char *process, *cgroup, *container;
	const char *pod_namespace, *pod, *pod_container, *pod_labels;
	uint64_t cgroup_id;
	uint32_t pid;
	uint32_t state; /* enum owner_state */
};

struct record_side_values {
	uint64_t first_ns, last_ns, duration_ns; /* since the epoch; 0 when packets is 0 */
	uint64_t packets, bytes;
	uint64_t min_piat_ns, max_piat_ns;
	double mean_ps, stddev_ps; /* bytes; sample standard deviation */
	double mean_piat_ms, stddev_piat_ms;
	double packet_rate, byte_rate; /* per second of duration; 0 for a duration of 0 */
	uint32_t min_ps, max_ps;
	uint32_t flags[TCP_FLAG_BITS]; /* packets with the flag, by bit number */
	uint32_t retransmitted, out_of_order, zero_window;
	uint8_t tcp_flags; /* union */
	uint8_t min_ttl, max_ttl;
	uint8_t tos, dscp;
};

/*
 * Flat, so that a column is a type and an offset. Pointers are borrowed: valid until the exporters
 * return.
 */
struct flow_record {
	uint64_t flow_id;   /* creation order, new after a cut */
	uint64_t export_id; /* export order: NFStream's id */
	const char *probe, *run_id;
	struct record_side_values side[SIDES];
	uint8_t src_addr[16], dst_addr[16]; /* network order, IPv4 as ::ffff:a.b.c.d */
	uint64_t nfhash;
	char community_id[40];
	uint64_t client_rtt_us, server_rtt_us, app_latency_us; /* valid by timing_known */
	const char *application_name, *category_name, *confidence_name;
	struct app_text text;
	const struct packed_text *packed; /* the block that text points into, or NULL */
	struct record_place place[2];     /* of source, destination */
	const char *mac_vendor[2];
	struct record_owner owner[2];
	const char *system_process; /* of the source if known, else of the destination */
	int32_t system_pid;         /* the same; -1 unknown */
	void *state;                /* of plugins, with their columns' values; NULL = none */
	uint64_t risks;
	const char *risk_names;        /* comma separated */
	const struct splt_entry *splt; /* splt_count of splt_length */
	uint32_t splt_count, splt_length;
	uint32_t tunnel_key; /* VNI, GRE key */
	uint32_t src_teid, dst_teid;
	uint32_t ingress_index, egress_index; /* the kernel's, 0 = none */
	char ingress_interface[INTERFACE_NAME_SIZE], egress_interface[INTERFACE_NAME_SIZE];
	int32_t expiration_id; /* 0 idle and every other end, 1 active cut, negative: plugin */
	uint16_t src_port, dst_port, vlan_id;
	uint16_t master_protocol, app_protocol, category;
	uint16_t src_window, dst_window;
	uint8_t src_mac[6], dst_mac[6];
	uint8_t ip_version, protocol, tunnel;
	uint8_t end_reason; /* enum flow_end_reason */
	uint8_t guessed, confidence;
	uint8_t icmp_type, icmp_code;
	uint8_t timing_known;
	char risk_buffer[1024]; /* record_fill() clears what is before it */
	char netns[NETNS_NAME_SIZE];
};

/* Where the counters of a finished flow are; stats and tcp are NULL when not counted. */
struct flow_end {
	const struct flow_key *key;
	const struct flow_counters *counters;
	const struct flow_stats *stats;
	const struct flow_tcp *tcp;
	enum flow_end_reason reason;
};

/* What a column needs beyond the counters; tells the meter what to count. */
enum field_need {
	NEED_DISSECT = 1,
	NEED_STATS = 2,
	NEED_SPLT = 4,
	NEED_TCP = 8,     /* struct flow_tcp */
	NEED_TIMING = 16, /* the first packets' milestones */
	NEED_COMMUNITY_ID = 32,
	NEED_NFHASH = 128,
	NEED_RATES = 256,
	NEED_RISK_NAMES = 512,
	NEED_STATE = 1024, /* a plugin's column: its offset is in the record's state */
	NEED_GEOIP = 1 << 11,
	NEED_MAC_VENDORS = 1 << 12,
	NEED_PROCESS = 1 << 13,
	NEED_CGROUP = 1 << 14,
	NEED_POD = 1 << 15,
	NEED_WATCHED = 1 << 16, /* where a watched packet was met: nothing of a file's */
};

#define NEED_OWNER (NEED_PROCESS | NEED_CGROUP | NEED_POD)

enum field_type {
	FIELD_U8,
	FIELD_U16,
	FIELD_U32,
	FIELD_U64,
	FIELD_I32,
	FIELD_I64,
	FIELD_F64,         /* printed with up to 6 decimals */
	FIELD_NS_AS_MS,    /* u64 ns printed as whole ms */
	FIELD_US_KNOWN,    /* u64 us, empty unless its bit is in timing_known */
	FIELD_TEXT,        /* const char * */
	FIELD_CHARS,       /* char[] */
	FIELD_ADDR,        /* text form of uint8_t[16] */
	FIELD_ADDR_NUMBER, /* the same as an unsigned integer: 32 bits for IPv4, 128 for IPv6 */
	FIELD_MAC,
	FIELD_OUI,
	FIELD_SPLT_DIRECTION,
	FIELD_SPLT_SIZE,
	FIELD_SPLT_GAP_MS, /* lists, padded with -1 */
};

/*
 * IPFIX information element of a column; columns with the same value have the same one. Addresses
 * and ICMP name the element of IPv4; in a record of IPv6 it is 27, 28, 178 or 179. Our own
 * elements stand under the enterprise number of --ipfix-pen.
 */
#define IPFIX_IANA(id)          (id)
#define IPFIX_REVERSE(id)       (29305u << 16 | (id)) /* enterprise number of RFC 5103 */
#define IPFIX_OWN(id)           (0xffffu << 16 | (id))
#define IPFIX_ID(ipfix)         ((ipfix)&0xffff)
#define IPFIX_ENTERPRISE(ipfix) ((ipfix) >> 16)
#define IPFIX_IS_OWN(ipfix)     (IPFIX_ENTERPRISE(ipfix) == 0xffff)

/* Plugins' columns: our own elements from here on, in the order of plugins and their columns. */
#define IPFIX_OWN_PLUGINS 0x4000

struct field {
	const char *name;
	const char *unit; /* "" = none */
	const char *help; /* one line */
	enum field_type type;
	uint32_t offset; /* in struct flow_record; with NEED_STATE in the state */
	uint32_t need;   /* enum field_need */
	uint32_t ipfix;  /* IPFIX_IANA(), IPFIX_REVERSE() or IPFIX_OWN() */
};

/* Where a column's value is; zeros for a plugin's column of a flow that no plugin saw. */
const void *record_value(const struct flow_record *r, const struct field *f);

enum profile { PROFILE_SEED, PROFILE_NFSTREAM, PROFILE_ALL, PROFILES };

struct name_plan;

/* The columns of this run, in order. */
struct columns {
	const struct field **items;
	size_t count;
	uint32_t need;           /* union over items */
	struct name_plan *names; /* of --names; NULL: JSON has the columns' own */
};

extern const struct field record_fields[];
extern const size_t record_field_count;

const struct field *record_field_by_name(const char *name);
/*
 * Those of --fields or the profile, then the plugins' added ones that --fields does not name.
 * -EINVAL with a message (names the unknown or repeated column); -ENOMEM.
 */
int columns_select(struct columns *out, const struct config *config, const struct field *added,
		   size_t added_count);
/* Adds those of them that are missing: a record's name among those of a fleet. */
void columns_identify(struct columns *columns);
void columns_free(struct columns *columns);
/* The place of a column, or -ENOENT. */
int columns_id(const struct columns *columns, const char *name);
/* `weir fields`: name, type, unit, meaning, IPFIX element, aligned; then how far packets tell. */
void columns_print_all(FILE *to);

/* Symmetric, 64 bits, not unique: the sum that NFStream's first versions keyed flows by. */
uint64_t nfhash_of_key(const struct flow_key *key);
/* Packet times plus offset_ns are times since the epoch. */
void record_shift(struct flow_record *r, uint64_t offset_ns);
/* Computes what depends on the addresses: nfhash and community_id, as far as needed. */
void record_derive(struct flow_record *r, uint32_t need);
/* record_place.c: where the flow was met. list: NULL = in files. */
struct watch_list;
void record_fill_place(struct flow_record *r, const struct flow_end *end,
		       const struct watch_list *list);
/* The interface that the flow was met on; NULL: none. */
const char *record_interface(const struct flow_record *r);
/* Fills r from a finished flow, computing only what need asks for. */
void record_fill(struct flow_record *r, const struct flow *f, const struct flow_end *end,
		 uint32_t need, struct dissector *d, const struct config *config);

#endif
