/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Collects a TLS ClientHello from the first data that a client sends, over as many segments as it
 * takes and no longer than it can be.
 */
#ifndef USER_TLS_HELLO_H
#define USER_TLS_HELLO_H

#include <stddef.h>
#include <stdint.h>

enum tls_hello_result {
	TLS_HELLO_NONE, /* not a ClientHello, or a segment is missing */
	TLS_HELLO_MORE,
	TLS_HELLO_COMPLETE, /* bytes and length are the handshake message */
};

struct tls_hello {
	uint8_t *bytes; /* handshake message so far, without record headers */
	uint32_t length, room;
	uint32_t next_seq;    /* of the segment that must come next */
	uint32_t record_left; /* bytes of the open record still to come */
	uint8_t record_header[5];
	uint8_t header_length; /* bytes of record_header so far */
	uint8_t begun;
};

enum tls_hello_result tls_hello_add(struct tls_hello *h, uint32_t seq, const uint8_t *data,
				    size_t length);
void tls_hello_free(struct tls_hello *h);

#endif
