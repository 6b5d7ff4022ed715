/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A growing byte buffer and the formatters that fill it. Records are written by the million, so
 * numbers are formatted by hand: printf would cost more than everything else together.
 */
#ifndef USER_TEXT_BUFFER_H
#define USER_TEXT_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct text_buffer {
	char *data;
	size_t length, room;
	bool failed; /* memory was short; what was appended since is missing */
};

void text_free(struct text_buffer *b);

/* Makes room for n more bytes; false when memory is short. */
bool text_reserve(struct text_buffer *b, size_t n);

static inline void text_char(struct text_buffer *b, char c)
{
	if (b->length < b->room || text_reserve(b, 1))
		b->data[b->length++] = c;
}

static inline void text_bytes(struct text_buffer *b, const char *s, size_t n)
{
	if (!n || (b->room - b->length < n && !text_reserve(b, n)))
		return;
	memcpy(b->data + b->length, s, n);
	b->length += n;
}

static inline void text_string(struct text_buffer *b, const char *s)
{
	text_bytes(b, s, strlen(s));
}

/* What any one number may write, slack included. */
#define TEXT_NUMBER_ROOM 48

static inline bool text_has_room(struct text_buffer *b, size_t n)
{
	return b->room - b->length >= n || text_reserve(b, n);
}

/* Into room that the caller has made, TEXT_NUMBER_ROOM at least; returns its end. */
char *text_put_u64(char *to, uint64_t value);
void text_u64(struct text_buffer *b, uint64_t value);
void text_i64(struct text_buffer *b, int64_t value);
/* Decimal, 128 bits from 16 bytes in network order. */
void text_u128(struct text_buffer *b, const uint8_t bytes[16]);
/* Up to 6 decimals, one at least: "82.6", "78.0", "0.333333". Not finite: "0.0". */
void text_double(struct text_buffer *b, double value);
/* "192.0.2.1" or "2001:db8::1" (RFC 5952), from the mapped form. */
void text_address(struct text_buffer *b, const uint8_t addr[16], bool ipv4);
/* "02:00:00:00:00:01"; count bytes of it. */
void text_mac(struct text_buffer *b, const uint8_t *mac, int count);
/* "2026-11-23T11:34:39.967826000Z" (ISO 8601, RFC 3339), from nanoseconds since the epoch. */
void text_iso_time(struct text_buffer *b, uint64_t ns);

#endif
