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
};

struct ship_options {
	const char *name; /* for messages: the target; borrowed */
	const struct transport_ops *transport;
	const char *address;
	struct ship_limits limits;
	const void *preamble; /* sent first on each connection; copied; may be NULL */
	size_t preamble_length;
	/*
	 * Called by the thread just before a message goes, the preamble included, to note time and
	 * sequence in it; first: it begins a stream. May be NULL.
	 */
	void (*stamp)(void *context, void *bytes, size_t length, uint32_t records, bool first);
	void *stamp_context;
};

/* Records, but for the last two. queued + sent + dropped + failed are all that were put. */
struct ship_counts {
	uint64_t queued;  /* now */
	uint64_t sent;    /* the system took them */
	uint64_t dropped; /* for want of room, or unsent at the end */
	uint64_t failed;  /* refused by the other side */
	uint64_t retried; /* sent again, not counted elsewhere */
	uint64_t queued_bytes, connects;
};

/* 0; -ENOMEM; or after a message -EINVAL, or what the system said. */
int ship_open(struct ship **out, const struct ship_options *options);
/* Copies the message, of this many records. stop: do not wait any longer; may be NULL. */
void ship_put(struct ship *s, const void *bytes, size_t length, uint32_t records,
	      const atomic_bool *stop);
void ship_counts(struct ship *s, struct ship_counts *out);
/* Says what has changed about the connection; to be called now and then by who puts messages. */
void ship_report(struct ship *s);
/* Sends what is queued, at most end_timeout_ns long; *out is how it ended. */
void ship_close(struct ship *s, struct ship_counts *out);

#endif
