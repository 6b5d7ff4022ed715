/* SPDX-License-Identifier: BSD-2-Clause */
#include "tls_hello.h"

#include <stdlib.h>
#include <string.h>

#include "tls_read.h"

#define MAX_HELLO  16384 /* real ones are below 4 KiB, post-quantum keys included */
#define FIRST_ROOM 512

void tls_hello_free(struct tls_hello *h)
{
	free(h->bytes);
	h->bytes = NULL;
}

/* With its header; 0 = not known yet. */
static uint32_t message_length(const struct tls_hello *h)
{
	if (h->length < TLS_HANDSHAKE_HEADER)
		return 0;
	return TLS_HANDSHAKE_HEADER + (h->bytes[1] << 16 | h->bytes[2] << 8 | h->bytes[3]);
}

static bool complete(const struct tls_hello *h)
{
	uint32_t length = message_length(h);

	return length && h->length >= length;
}

/* Not more than the message needs, once its length is known. */
static bool make_room(struct tls_hello *h, uint32_t need)
{
	uint32_t room = message_length(h);
	uint8_t *bytes;

	if (need <= h->room)
		return true;
	if (need > MAX_HELLO || room > MAX_HELLO)
		return false;
	if (room < need)
		room = need < FIRST_ROOM ? FIRST_ROOM : need;
	bytes = realloc(h->bytes, room);
	if (!bytes)
		return false;
	h->bytes = bytes;
	h->room = room;
	return true;
}

static bool append(struct tls_hello *h, const uint8_t *data, size_t length)
{
	if (!make_room(h, h->length + length))
		return false;
	memcpy(h->bytes + h->length, data, length);
	h->length += length;
	return h->bytes[0] == TLS_CLIENT_HELLO && message_length(h) <= MAX_HELLO;
}

/* RFC 8446 section 5.1: type, version 3.x, length. */
static bool open_record(struct tls_hello *h)
{
	const uint8_t *r = h->record_header;

	h->record_left = r[3] << 8 | r[4];
	h->header_length = 0;
	return r[0] == TLS_HANDSHAKE && r[1] == 3 && h->record_left;
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

static enum tls_hello_result take_records(struct tls_hello *h, const uint8_t *data, size_t length)
{
	while (length) {
		size_t n;

		if (!h->record_left) {
			n = take_header(h, data, length);
			if (h->header_length == sizeof(h->record_header) && !open_record(h))
				return TLS_HELLO_NONE;
		} else {
			n = length < h->record_left ? length : h->record_left;
			if (!append(h, data, n))
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

enum tls_hello_result tls_hello_add(struct tls_hello *h, uint32_t seq, const uint8_t *data,
				    size_t length)
{
	uint32_t seen = h->begun ? h->next_seq - seq : 0;

	if (seen > INT32_MAX) /* a segment between is missing */
		return TLS_HELLO_NONE;
	if (seen && seen >= length)
		return TLS_HELLO_MORE;
	h->begun = true;
	h->next_seq = seq + length;
	return take_records(h, data + seen, length - seen);
}

/* RFC 6347 section 4.2.2: a fragment of the message; the first one brings type and length. */
static enum tls_hello_result take_fragment(struct tls_hello *h, struct tls_cursor *c)
{
	const uint8_t *header = c->at;
	uint32_t offset, length;

	tls_skip(c, TLS_HANDSHAKE_HEADER + 2); /* message number */
	offset = tls_number(c, 3);
	length = tls_number(c, 3);
	if (c->broken || (size_t)(c->end - c->at) < length || header[0] != TLS_CLIENT_HELLO)
		return TLS_HELLO_NONE;
	if (!h->length && !append(h, header, TLS_HANDSHAKE_HEADER))
		return TLS_HELLO_NONE;
	if (offset + TLS_HANDSHAKE_HEADER > h->length)
		return TLS_HELLO_NONE;
	if (offset + TLS_HANDSHAKE_HEADER == h->length && !append(h, c->at, length))
		return TLS_HELLO_NONE;
	tls_skip(c, length);
	return complete(h) ? TLS_HELLO_COMPLETE : TLS_HELLO_MORE;
}

enum tls_hello_result tls_hello_add_dtls(struct tls_hello *h, const uint8_t *data, size_t length)
{
	struct tls_cursor c = { data, data + length, false }, record;
	enum tls_hello_result result = TLS_HELLO_NONE;

	while (c.at < c.end) { /* RFC 6347 section 4.1 */
		uint32_t type = tls_number(&c, 1);

		tls_skip(&c, 2 + 8); /* version; epoch and sequence number */
		record = tls_vector(&c, 2);
		if (c.broken || type != TLS_HANDSHAKE)
			return TLS_HELLO_NONE;
		result = take_fragment(h, &record);
		if (result != TLS_HELLO_MORE)
			return result;
	}
	return result;
}
