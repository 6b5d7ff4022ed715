/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The agent's flows: joins what the first packets of a flow tell with its final counters, and
 * hands the record to the exporters. It knows flows by number and never the source's kind.
 */
#ifndef USER_FLOW_TABLE_H
#define USER_FLOW_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "config.h"
#include "counters.h"
#include "dissect.h"
#include "enrich.h"
#include "metrics.h"
#include "owners.h"
#include "plugins.h"
#include "record.h"
#include "record_sink.h"

/* Bytes of a packet, borrowed for the call. */
struct frame {
	const uint8_t *ip;  /* innermost IP header */
	uint32_t captured;  /* bytes from there */
	const uint8_t *mac; /* destination, then source; NULL = the link has none */
	uint64_t socket;    /* cookie of the sender's; 0 = not known */
};

struct flow_table;

/* What a flow table works with; borrowed. */
struct flow_table_parts {
	const struct config *config;
	const struct columns *columns;
	struct dissector *dissector; /* NULL with --no-dissect */
	struct plugins *plugins;     /* NULL = none */
	struct owners *owners;       /* NULL = nobody asks whose flows are */
	struct enricher *enricher;   /* NULL = nothing to look up */
	struct metrics *metrics;     /* NULL = nobody asks */
	struct record_sink sink;
	struct ledger *ledger;
	const struct watch_list *watched; /* NULL: files */
};

/* NULL: no memory. */
struct flow_table *flow_table_new(const struct flow_table_parts *parts);
void flow_table_free(struct flow_table *t);
/* Records go elsewhere from here on. */
void flow_table_set_sink(struct flow_table *t, struct record_sink sink);

/* How many first packets of a flow are needed, by protocol. dissecting: there is a dissector. */
void flow_table_first_packets(const struct flow_table_parts *parts, struct meter_config *out);

enum packet_verdict {
	PACKET_ENOUGH, /* no more packets of this flow are needed */
	PACKET_MORE,
	PACKET_ENDS_FLOW, /* a plugin ends it here, this packet included */
};

/*
 * A first packet of flow *number; 0 is a new flow and gets its number. initiator: the packet.dir
 * that is the flow's source. A super-packet is its segments, but for dissection, which sees its
 * bytes as they are. now: the flow's counters up to this packet, NULL if the kernel has them.
 */
enum packet_verdict flow_table_packet(struct flow_table *t, uint32_t *number, uint8_t initiator,
				      const struct packet *p, const struct frame *frame,
				      const struct flow_end *now);

/*
 * The source lost first packets of the flow in front of the next one that it shows; of number 0:
 * of the new flow that the next one opens. What depends on their order ends where it is.
 */
void flow_table_missed(struct flow_table *t, uint32_t number);

/* The flow has ended: its record is exported and the number is free. */
void flow_table_end(struct flow_table *t, uint32_t number, const struct flow_end *end);

/*
 * The flow goes on in a new record, with a new flow_id: the old one is exported, and what is known
 * about the connection (source, addresses of the link, application) stays with the number.
 */
void flow_table_cut(struct flow_table *t, uint32_t number, const struct flow_end *end);

/* The flow goes without a record: nothing was counted. 0 = nothing to do. */
void flow_table_forget(struct flow_table *t, uint32_t number);
/* Whether the bytes of the flow's next packet are needed, or struct packet will do. */
bool flow_table_wants_bytes(const struct flow_table *t, uint32_t number, uint8_t protocol);
/* Packet times plus this are times since the epoch, ns; 0 unless set. */
void flow_table_set_clock(struct flow_table *t, uint64_t offset_ns);
/* Packets in records that were written, or that are counted as unexported. */
uint64_t flow_table_settled(const struct flow_table *t);

/* The exporters could not write what they held back: its packets are unexported. */
void flow_table_unwritten(struct flow_table *t);

/* 0, or the error of an exporter: -EPIPE and worse. Nothing more will be written. */
int flow_table_error(const struct flow_table *t);
/*
 * Becomes true with an error, when --stop-after is reached, or when somebody has to take records
 * first: read on no further for now.
 */
const bool *flow_table_stopped(const struct flow_table *t);
/* Goes on after a pause. */
void flow_table_resume(struct flow_table *t);
/* Writes what the exporters hold back: for when somebody is waiting. */
void flow_table_flush(struct flow_table *t);
/* --stop-after is reached. */
bool flow_table_done(const struct flow_table *t);

#endif
