/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How messages leave the machine: one blocking connection, used by the one thread of a ship
 * (ship.h), which reconnects and waits between attempts.
 */
#ifndef USER_TRANSPORT_H
#define USER_TRANSPORT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* How long a call may block before the thread looks whether it should end. */
#define TRANSPORT_WAIT_MS 500

#define TRANSPORT_WHY_SIZE 200

struct transport; /* of one kind, see transport_ops */

struct transport_ops {
	const char *scheme; /* "tcp": of the target "tcp://host:port" */
	/* One message of this many bytes at most; 0 = no bound. */
	size_t max_message;
	/* Rows that go together best; 0 = as many as fit, or a few thousand bytes. */
	size_t batch_bytes;
	bool row_by_row; /* each row is a message */
	bool lines;      /* of text, nothing else */
	/* Messages on one connection are a stream, which begins with the preamble. */
	bool stream;
	bool refuses_late; /* send() may return 1 */
	/*
	 * address is what follows "scheme://" or "scheme:"; checked here, not yet used. 0, or
	 * -EINVAL or -ENOMEM with words in why.
	 */
	int (*open)(struct transport **out, const char *address, char why[TRANSPORT_WHY_SIZE]);
	/* 0, or a negative errno with words in why. ending: give up soon when it becomes true. */
	int (*connect)(struct transport *t, const atomic_bool *ending,
		       char why[TRANSPORT_WHY_SIZE]);
	/*
	 * 0: it is the system's now. 1: so it is, but the message before it was refused, with words
	 * in why. -EBADMSG: nobody will ever take this message. -EBUSY: the other side has it, and
	 * asks for it again later. Another error: the connection is lost, and the message is to be
	 * sent again on the next one.
	 */
	int (*send)(struct transport *t, const void *bytes, size_t length,
		    const atomic_bool *ending, char why[TRANSPORT_WHY_SIZE]);
	/*
	 * Of the message that was sent last: records that the peer refused though it took the
	 * others, with words in why. NULL: there are none.
	 */
	uint32_t (*refused)(const struct transport *t);
	/* Bytes that were sent and may be lost with the connection; NULL: none are. */
	size_t (*unacknowledged)(const struct transport *t);
	/*
	 * Whether send() would fail, since the connection is lost: then fewer bytes may be
	 * unacknowledged because they are gone. NULL: only send() tells.
	 */
	bool (*is_lost)(const struct transport *t);
	void (*disconnect)(struct transport *t);
	void (*close)(struct transport *t);
};

extern const struct transport_ops transport_udp, transport_tcp, transport_unix, transport_syslog,
	transport_http, transport_https;

/*
 * What a peer said, for a message: the first line of the text, as far as there is room with its
 * end. Whatever is not printable ASCII becomes a dot.
 */
void transport_words(char *to, size_t room, const char *text, size_t length);

/* By the scheme of a target; NULL: none of that name. *address is what follows it. */
const struct transport_ops *transport_of(const char *target, const char **address);

#endif
