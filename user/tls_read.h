/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reading TLS's presentation language (RFC 8446 section 3): numbers in network order and vectors
 * behind their length. A cursor that was asked for more than there is stays broken.
 */
#ifndef USER_TLS_READ_H
#define USER_TLS_READ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct tls_cursor {
	const uint8_t *at, *end;
	bool broken;
};

enum tls_extension {
	TLS_EXT_SNI = 0,
	TLS_EXT_SIGNATURES = 13,
	TLS_EXT_ALPN = 16,
	TLS_EXT_VERSIONS = 43,
};

enum tls_message {
	TLS_CLIENT_HELLO = 1,
	TLS_SERVER_HELLO = 2,
};

#define TLS_HANDSHAKE        22 /* record type */
#define TLS_RECORD_HEADER    5
#define TLS_HANDSHAKE_HEADER 4 /* message type, 24-bit length */
#define TLS_RANDOM           32

static inline void tls_skip(struct tls_cursor *c, size_t bytes)
{
	if ((size_t)(c->end - c->at) < bytes) {
		c->broken = true;
		bytes = c->end - c->at;
	}
	c->at += bytes;
}

static inline uint32_t tls_number(struct tls_cursor *c, size_t bytes)
{
	uint32_t value = 0;

	if ((size_t)(c->end - c->at) < bytes) {
		c->broken = true;
		return 0;
	}
	while (bytes--)
		value = value << 8 | *c->at++;
	return value;
}

/* A part of its own, behind a length of length_bytes. */
static inline struct tls_cursor tls_vector(struct tls_cursor *c, size_t length_bytes)
{
	uint32_t length = tls_number(c, length_bytes);
	struct tls_cursor part = { c->at, c->at, true };

	if (c->broken || (size_t)(c->end - c->at) < length) {
		c->broken = true;
		return part;
	}
	c->at += length;
	return (struct tls_cursor){ part.at, c->at, false };
}

#endif
