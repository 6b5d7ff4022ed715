/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Everything a run can be told, filled by options.c from its table: defaults, then the YAML file,
 * then WEIR_* variables, then the command line. Strings belong to the config.
 */
#ifndef USER_CONFIG_H
#define USER_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct string_list {
	char **items;
	size_t count;
	int level; /* enum config_level that the items come from */
};

/* A rotation limit: at most one of the two is not 0. */
struct rotation {
	uint64_t interval_ns;
	uint64_t bytes;
};

/* Where an interface's packets are met; auto is tc, or pcap where that is not possible. */
enum config_hook { HOOK_AUTO, HOOK_TC, HOOK_XDP, HOOK_XDP_GENERIC, HOOK_PCAP };

enum config_direction { DIRECTION_BOTH, DIRECTION_IN, DIRECTION_OUT };

/* Whose flow it is. */
enum config_attribute { ATTRIBUTE_PROCESSES, ATTRIBUTE_CGROUPS, ATTRIBUTE_PODS };

/* When a queue is full: auto blocks for files and drops for interfaces. */
enum config_queue { QUEUE_AUTO, QUEUE_BLOCK, QUEUE_DROP_OLDEST };

/* Levels of options: higher ones replace what lower ones said. */
enum config_level { LEVEL_DEFAULT, LEVEL_FILE, LEVEL_ENVIRONMENT, LEVEL_ARGV };

struct config {
	/* source */
	struct string_list read_files; /* -r, in the order given; "-" is stdin */
	struct string_list interfaces; /* -i */
	struct string_list netns;      /* --netns: names, process ids, "all"; empty = our own */
	uint64_t snaplen; /* bytes kept of a packet; tc and xdp: EVENT_MAX_BYTES at most */
	bool promisc;
	uint32_t hook;        /* --hook: enum config_hook */
	uint32_t direction;   /* --direction: enum config_direction */
	uint64_t map_entries; /* flows that the kernel's map holds */
	bool dedup;           /* --dedup: a packet counts at one interface */
	char *pin;            /* directory of pinned maps and links, NULL = none */
	char *filter;         /* libpcap expression, NULL = everything */

	/* metering */
	uint64_t idle_ns;    /* --idle-timeout */
	uint64_t active_ns;  /* --active-timeout */
	uint32_t tunnels;    /* --tunnels: bit per enum tunnel_type */
	uint32_t accounting; /* --accounting: enum accounting */
	bool tcp_end;
	uint64_t max_flows;  /* live flows; 0 = no bound */
	uint64_t stop_after; /* flows; 0 = never */

	/* what is told about a flow */
	bool dissect; /* --no-dissect clears it */
	uint64_t max_tcp_dissections;
	uint64_t max_udp_dissections;
	bool stats;
	uint64_t splt;              /* packets, 0 = off */
	uint32_t profile;           /* enum profile of record.h */
	char *fields;               /* --fields a,b,c; NULL = the profile's */
	uint32_t attribute;         /* --attribute: bit per enum config_attribute */
	char *pod_logs;             /* where the kubelet keeps logs */
	char *service_account;      /* directory of a token for the API server */
	struct string_list geoip;   /* --geoip: files in MaxMind's format */
	char *mac_vendors;          /* IEEE's oui.txt; NULL = not asked for */
	uint32_t names;             /* enum names of names.h */
	char *probe_name;           /* NULL = host name */
	struct string_list plugins; /* --plugin PATH[:key=value,...] */
	bool plugin_strict;

	/* output */
	struct string_list outputs; /* -o FORMAT[:TARGET]; empty = csv:- */
	struct rotation rotate;
	bool append;               /* to files that exist */
	uint64_t queue_bytes;      /* of each output that goes over a network */
	uint32_t queue_policy;     /* enum config_queue */
	uint64_t flush_timeout_ns; /* at the end, for what is queued */
	uint64_t pace;             /* datagrams a second to each peer, 0 = no limit */
	uint64_t ipfix_pen;        /* enterprise number of our own elements */
	uint64_t ipfix_domain;     /* observation domain; NetFlow v9's source */
	uint64_t ipfix_point;      /* observation point, 0 = not told */
	uint64_t ipfix_mtu;        /* bytes of a message over UDP */
	uint64_t ipfix_refresh_ns, ipfix_refresh_messages; /* templates and statistics again */
	char *anonymize;                                   /* columns, NULL = none */
	char *anonymize_key;                               /* file, NULL = random */
	bool anonymize_prefix;      /* addresses keep common prefixes: Crypto-PAn */
	char *summary;              /* file of the JSON summary, "-" = stdout, NULL = none */
	uint64_t stats_interval_ns; /* between lines of rates; 0 = none */
	char *metrics;              /* where it is served: metrics_address.h; NULL = nowhere */
	bool quiet;

	char *config_file; /* -c */

	char run_id[17]; /* no option: 64 random bits as hex digits, new for each start */
};

#endif
