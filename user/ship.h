/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages on their way out: a bounded queue, and a thread that sends them by one transport,
 * reconnects, and sends again what a lost connection may have lost (at least once). Who puts
 * messages never waits for the network, unless the policy says so.
 */
#ifndef USER_SHIP_H
#define USER_SHIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "transport.h"

struct ship;

enum ship_policy {
	SHIP_BLOCK,       /* who puts a message waits for room */
	SHIP_DROP_OLDEST, /* the oldest messages that were not sent make room */
};

/* Of a queue. */
struct ship_limits {
	enum ship_policy policy;
	size_t queue_bytes;
	uint64_t end_timeout_ns; /* how long a close may go on sending */
	uint64_t pace;           /* messages a second at most, 0 = no limit */
};

/* Sent first on each connection; of no bytes: nothing is. */
struct ship_preamble {
	const void *bytes;
	size_t length;
	uint32_t sequence; /* for the stamp */
};

struct ship_options {
	const char *name; /* for messages: the target; borrowed */
	const struct transport_ops *transport;
	const char *address;
	struct ship_limits limits;
	struct ship_preamble preamble; /* copied */
	/*
	 * Called by the thread just before bytes go, to note time and sequence in them: a preamble,
	 * whose bytes these are, or with NULL a message behind it. May be NULL.
	 */
	void (*stamp)(void *context, void *bytes, const struct ship_preamble *preamble);
	void *stamp_context;
};

/* What a message holds. */
struct ship_load {
	uint32_t records;         /* as counters count: of flows */
	uint32_t data_records;    /* of a protocol with several for a flow; else 0 */
	uint64_t packets, octets; /* of the flows, if somebody asks for what was not sent; else 0 */
};

/* Of records that were dropped or failed, by their loads. */
struct ship_unsent {
	uint64_t messages, bytes, data_records, packets, octets;
};

/*
 * Records, but for the last line. queued + sent + dropped + failed are all that were put, at any
 * moment, and but for queued none of them ever goes down.
 */
struct ship_counts {
	uint64_t queued;  /* now: waiting, or not acknowledged yet */
	uint64_t sent;    /* the system took them */
	uint64_t dropped; /* for want of room, or unsent at the end */
	uint64_t failed;  /* refused by the other side */
	uint64_t retried; /* sent again, not counted elsewhere */
	struct ship_unsent unsent;
	uint64_t queued_bytes, connects;
};

/* 0; -ENOMEM; or after a message -EINVAL, or what the system said. */
int ship_open(struct ship **out, const struct ship_options *options);
/* Copies the message, and reports. stop: do not wait any longer; may be NULL. */
void ship_put(struct ship *s, const void *bytes, size_t length, const struct ship_load *load,
	      const atomic_bool *stop);
/* Another preamble for connections to come, copied. 0 or -ENOMEM: then the old one stays. */
int ship_set_preamble(struct ship *s, const struct ship_preamble *preamble);
void ship_counts(struct ship *s, struct ship_counts *out);
/* Says what has changed about the connection; for who has no message to put. */
void ship_report(struct ship *s);
/*
 * Sends what is queued, at most end_timeout_ns long, and with a pace so much longer as that takes,
 * until the stop of the last ship_put() is set; *out is how it ended.
 */
void ship_close(struct ship *s, struct ship_counts *out);

#endif
