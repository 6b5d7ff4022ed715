/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Flow records as messages of IPFIX (RFC 7011) or NetFlow v9 (RFC 3954). The encoder knows nothing
 * of files or sockets: a message goes to emit() when it is full or flushed. Nothing is allocated
 * for a record. One thread at a time.
 *
 * IPFIX has a data record a flow, with the other direction as in RFC 5103; NetFlow v9 one for each
 * direction that has packets, and only what has an element of IANA's and a fixed length.
 */
#ifndef USER_IPFIX_H
#define USER_IPFIX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config.h"
#include "record.h"

struct anonymizer;
struct ipfix_encoder;

enum ipfix_protocol { IPFIX, NETFLOW9 };

/* Templates with datagrams, and statistics, come again this often unless the config says other. */
#define IPFIX_REFRESH_NS       60000000000ull
#define IPFIX_REFRESH_MESSAGES 1000

/* Of a message. It fits a UDP datagram over IPv4. */
#define IPFIX_MESSAGE_MAX 65507

/* What of messages: data records of flows are counted, not those of options. */
struct ipfix_exported {
	uint64_t messages, octets, records;
};

/* Totals since the start that the encoder does not know itself. */
struct ipfix_totals {
	uint64_t flows;           /* finished, exported or not */
	uint64_t ignored_packets; /* not metered on purpose: ignored, filtered */
	uint64_t dropped_packets; /* lost */
	uint64_t unsent_flows, unsent_packets, unsent_octets;
	struct ipfix_exported beside; /* that left besides the encoder's own messages */
	struct ipfix_exported unsent; /* of the encoder's messages that did not leave */
};

/* What a message has of flows. */
struct ipfix_load {
	uint32_t records; /* data records */
	uint64_t packets, octets;
};

/*
 * One message, flows of which the records are in it; ipfix_encoder_load() has more of it. 0 or a
 * negative errno, which is passed on.
 */
typedef int ipfix_emit(void *context, const void *bytes, size_t length, uint32_t flows);

struct ipfix_options {
	enum ipfix_protocol protocol;
	/*
	 * Each message may get lost or meet a reader that was not there before: messages hold
	 * --ipfix-mtu bytes, templates come first and again. Otherwise messages are as long as they
	 * may be, and what each file or connection begins with is ipfix_encoder_preamble().
	 */
	bool datagrams;
	ipfix_emit *emit;
	void *context;
	/* Columns that it hides are left out. May be NULL. */
	const struct anonymizer *anonymizer;
	/* What the statistics tell of the whole run. May be NULL. */
	void (*totals)(void *context, struct ipfix_totals *out);
};

/*
 * Borrows config, columns and anonymizer. *out is the caller's. 0; -ENOMEM, or -EINVAL if no
 * column can be exported or they are too many for a message, after a message.
 */
int ipfix_encoder_new(struct ipfix_encoder **out, const struct config *config,
		      const struct columns *columns, const struct ipfix_options *options);
void ipfix_encoder_free(struct ipfix_encoder *e);

/*
 * now_ns is the time since the epoch that messages are stamped with, not before the records' last
 * packets. Packet time will do: then a capture gives the same bytes every time. Messages of
 * NetFlow v9 are stamped with packet time where flows are more than 24 days old.
 */
int ipfix_encoder_encode(struct ipfix_encoder *e, const struct flow_record *r, uint64_t now_ns);

/*
 * What is due at times: templates with datagrams, statistics. A record asks for it anyway; this is
 * for silent wires, where a collector may come late. ipfix_encoder_flush() sends it.
 */
int ipfix_encoder_templates(struct ipfix_encoder *e, uint64_t now_ns);
/* Hands over the message at hand, if there is something in it. */
int ipfix_encoder_flush(struct ipfix_encoder *e, uint64_t now_ns);
/* The last statistics and the last message. */
int ipfix_encoder_finish(struct ipfix_encoder *e, uint64_t now_ns);

/*
 * Templates, types and the names of the applications so far, as messages of their own. Goes to
 * emit, not to that of the options. *sequence is that of a message behind them; may be NULL. 0,
 * -ENOMEM, or what emit says.
 */
int ipfix_encoder_preamble(const struct ipfix_encoder *e, uint64_t now_ns, ipfix_emit *emit,
			   void *context, uint32_t *sequence);
/* How many names a preamble would have now. */
size_t ipfix_encoder_names(const struct ipfix_encoder *e);

/* Another file or connection begins: statistics and names come again, before the next record. */
void ipfix_encoder_restart(struct ipfix_encoder *e);

/* Of the message that emit is called with, while it is. */
struct ipfix_load ipfix_encoder_load(const struct ipfix_encoder *e);
/* Flows in the message at hand. */
uint32_t ipfix_encoder_held(const struct ipfix_encoder *e);

/* Of the next message. Of a new encoder without datagrams: what comes behind the preamble. */
uint32_t ipfix_encoder_sequence(const struct ipfix_encoder *e);

/* Texts and lists that were cut because a record did not fit a message. */
uint64_t ipfix_encoder_cut(const struct ipfix_encoder *e);

#endif
