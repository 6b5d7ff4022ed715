/* SPDX-License-Identifier: BSD-2-Clause */
#include "tls_hello.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define RECORD_HANDSHAKE 22
#define HELLO_HEADER     4
#define MAX_HELLO        16384 /* real ones are below 4 KiB, post-quantum keys included */

void tls_hello_free(struct tls_hello *h)
{
	free(h->bytes);
	h->bytes = NULL;
}

static bool append(struct tls_hello *h, const uint8_t *data, size_t length)
{
	if (h->length + length > MAX_HELLO)
		return false;
	if (h->length + length > h->room) {
		uint32_t room = h->length + length < 1024 ? 1024 : MAX_HELLO;
		uint8_t *bytes = realloc(h->bytes, room);

		if (!bytes)
			return false;
		h->bytes = bytes;
		h->room = room;
	}
	memcpy(h->bytes + h->length, data, length);
	h->length += length;
	return true;
}

static bool complete(const struct tls_hello *h)
{
	uint32_t length;

	if (h->length < HELLO_HEADER)
		return false;
	length = h->bytes[1] << 16 | h->bytes[2] << 8 | h->bytes[3];
	return h->length >= HELLO_HEADER + length;
}

/* RFC 8446 section 5.1: type, version 3.x, length. */
static bool open_record(struct tls_hello *h)
{
	const uint8_t *r = h->record_header;

	h->record_left = r[3] << 8 | r[4];
	h->header_length = 0;
	return r[0] == RECORD_HANDSHAKE && r[1] == 3 && h->record_left;
}

static size_t take_header(struct tls_hello *h, const uint8_t *data, size_t length)
{
	size_t n = sizeof(h->record_header) - h->header_length;

	if (n > length)
		n = length;
	memcpy(h->record_header + h->header_length, data, n);
	h->header_length += n;
	return n;
}

enum tls_hello_result tls_hello_add(struct tls_hello *h, uint32_t seq, const uint8_t *data,
				    size_t length)
{
	if (h->begun && seq != h->next_seq)
		return TLS_HELLO_NONE;
	h->begun = 1;
	h->next_seq = seq + length;
	while (length) {
		size_t n;

		if (!h->record_left) {
			n = take_header(h, data, length);
			if (h->header_length == sizeof(h->record_header) && !open_record(h))
				return TLS_HELLO_NONE;
		} else {
			n = length < h->record_left ? length : h->record_left;
			if (!append(h, data, n) || h->bytes[0] != 1)
				return TLS_HELLO_NONE;
			h->record_left -= n;
		}
		data += n;
		length -= n;
		if (complete(h))
			return TLS_HELLO_COMPLETE;
	}
	return TLS_HELLO_MORE;
}
