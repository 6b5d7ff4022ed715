/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The agent's side of a flow: what its first packets told. The counters are the source's (the
 * host meter or the kernel map); both meet in record_fill() when the flow ends.
 */
#ifndef USER_FLOW_H
#define USER_FLOW_H

#include <stdint.h>

#include "dissect.h"
#include "meter/types.h"

/* One packet of the sequence of packet lengths and times. */
struct splt_entry {
	uint64_t gap_ns : 63;
	uint64_t from_dst : 1;
	uint32_t size;
} __attribute__((packed, aligned(4))); /* a million flows: 12 bytes, not 16 */

/* Milestones of a connection's start. Times are packet times; 0 = not seen. */
struct flow_timing {
	uint64_t mark_ns;        /* the milestone that the next one is measured from */
	uint32_t server_rtt_us;  /* SYN to SYN-ACK */
	uint32_t client_rtt_us;  /* SYN-ACK to ACK */
	uint32_t app_latency_us; /* last request packet to first response packet */
	uint8_t stage;
	uint8_t known; /* enum timing_known */
	uint8_t pad[2];
};

enum timing_known {
	TIMING_SERVER_RTT = 1,
	TIMING_CLIENT_RTT = 2,
	TIMING_APP_LATENCY = 4,
};

struct flow {
	uint64_t flow_id;
	struct dissect_state *dissect; /* NULL: not begun or final */
	struct app_info app;
	struct splt_entry *splt; /* splt_count used; grown by doubling */
	uint32_t splt_count;
	uint32_t packets; /* shown to the agent so far, in segments */
	struct flow_timing timing;
	uint32_t socket[2]; /* of source, destination: numbers of owners.h, 0 = none seen */
	uint32_t teid[2];   /* GTP-U endpoint ids: of src2dst, dst2src packets */
	uint16_t window[2]; /* first TCP window announced by the source, the destination */
	uint8_t mac[2][6];  /* source, destination of the first packet */
	uint8_t icmp_type, icmp_code; /* of the first packet */
	uint8_t src_dir;              /* packet.dir of the source */
	uint8_t dissected;            /* app is final */
	uint8_t window_seen;          /* bit per direction */
	uint8_t order_lost;           /* a first packet was not shown: nothing by order any more */
	uint8_t pad[2];
};

#endif
