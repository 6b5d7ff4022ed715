/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The frame of messages: headers, sets and sequence numbers of IPFIX (RFC 7011 section 3) and
 * NetFlow v9 (RFC 3954 section 5). Records are written in place behind what is there; the one
 * that is too much goes to the next message.
 */
#ifndef USER_IPFIX_MESSAGE_H
#define USER_IPFIX_MESSAGE_H

#include "ipfix.h"

#define IPFIX_SET_HEADER 4

/* How far back of its stamp a message of NetFlow v9 can tell times, at least. */
#define IPFIX_UPTIME_REACH_S (24 * 86400u)

/* A record of any kind at most, so that it fits a message alone. */
#define IPFIX_RECORD_MAX (IPFIX_MESSAGE_MAX - 20 - IPFIX_SET_HEADER)

/* What was written at a place. */
struct ipfix_written {
	size_t length;
	uint32_t templates, records; /* template records, data records */
	uint32_t flows;              /* that the data records are of; 0: of none */
	uint64_t packets, octets;    /* of the flows */
};

struct ipfix_message {
	enum ipfix_protocol protocol;
	uint32_t domain;
	ipfix_emit *emit;
	void *context;
	size_t usual;   /* bytes that a message of several records has at most */
	size_t header;  /* bytes */
	size_t align;   /* of sets */
	uint8_t *bytes; /* room for a full message and a record behind it */
	size_t length;
	size_t set; /* where the open set begins; 0 = none is open */
	uint16_t set_id;
	uint32_t sequence;
	struct ipfix_written holds;
	uint32_t holds_of_flows; /* data records of flows */
	struct ipfix_load load;  /* of what is being handed over */
	uint64_t now_ns;
	uint64_t latest_ns;           /* of the times that came since the last message */
	uint64_t boot_s;              /* what NetFlow v9's uptime counts from */
	struct ipfix_exported handed; /* over so far */
};

/* 0 or -ENOMEM. */
int ipfix_message_open(struct ipfix_message *m, enum ipfix_protocol protocol, uint32_t domain,
		       size_t usual);
void ipfix_message_close(struct ipfix_message *m);

/*
 * What comes now is stamped with this time. Hands over the message at hand if it cannot be.
 * Errors are emit's.
 */
int ipfix_message_clock(struct ipfix_message *m, uint64_t now_ns);

/* Where the next records of the set go: IPFIX_RECORD_MAX bytes. */
uint8_t *ipfix_message_place(const struct ipfix_message *m, uint16_t set);
/* They are there; hands over what was before them if they do not fit. Errors are emit's. */
int ipfix_message_add(struct ipfix_message *m, uint16_t set, const struct ipfix_written *written);
int ipfix_message_flush(struct ipfix_message *m);

/* Sets of templates. */
uint16_t ipfix_template_set(enum ipfix_protocol protocol);
uint16_t ipfix_options_template_set(enum ipfix_protocol protocol);

/* A time on NetFlow v9's uptime clock, in ms; what it cannot tell is its nearest end. */
uint32_t ipfix_message_uptime(const struct ipfix_message *m, uint64_t time_ns);

#endif
