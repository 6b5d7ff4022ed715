/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Collects a ClientHello out of the TCP segments or DTLS datagrams that it is spread over, as they
 * arrive in order. What was seen before is skipped; a gap ends the attempt.
 */
#ifndef USER_TLS_HELLO_H
#define USER_TLS_HELLO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tls_hello_result {
	TLS_HELLO_NONE, /* not a ClientHello, or a part is missing */
	TLS_HELLO_MORE,
	TLS_HELLO_COMPLETE, /* bytes and length are the handshake message */
};

struct tls_hello {
	uint8_t *bytes; /* handshake message so far, without record headers; on the heap */
	uint32_t length, room;
	uint32_t next_seq;    /* of the segment that must come next */
	uint32_t record_left; /* bytes of the open record still to come */
	uint8_t record_header[5];
	uint8_t header_length; /* bytes of record_header so far */
	bool begun;
};

/* The next segment's data. */
enum tls_hello_result tls_hello_add(struct tls_hello *h, uint32_t seq, const uint8_t *data,
				    size_t length);
/* A datagram with DTLS records. */
enum tls_hello_result tls_hello_add_dtls(struct tls_hello *h, const uint8_t *data, size_t length);

/* Of what was collected; h itself is the caller's. */
void tls_hello_free(struct tls_hello *h);

#endif
