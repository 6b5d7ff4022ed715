/* SPDX-License-Identifier: BSD-2-Clause */
#include "text_buffer.h"

#include <arpa/inet.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const char digit_pairs[201] = "00010203040506070809101112131415161718192021222324"
				     "25262728293031323334353637383940414243444546474849"
				     "50515253545556575859606162636465666768697071727374"
				     "75767778798081828384858687888990919293949596979899";
static const char hex_digits[] = "0123456789abcdef";

void text_free(struct text_buffer *b)
{
	free(b->data);
	*b = (struct text_buffer){ 0 };
}

bool text_reserve(struct text_buffer *b, size_t n)
{
	size_t room = b->room ? b->room * 2 : 4096;
	char *data;

	while (room - b->length < n)
		room *= 2;
	data = realloc(b->data, room);
	if (!data) {
		b->failed = true;
		return false;
	}
	b->data = data;
	b->room = room;
	return true;
}

/* Digits of value into the end of a 20-byte field; returns where they start. */
static char *put_digits(char *end, uint64_t value)
{
	while (value >= 100) {
		end -= 2;
		memcpy(end, &digit_pairs[value % 100 * 2], 2);
		value /= 100;
	}
	if (value >= 10) {
		end -= 2;
		memcpy(end, &digit_pairs[value * 2], 2);
	} else {
		*--end = '0' + value;
	}
	return end;
}

void text_u64(struct text_buffer *b, uint64_t value)
{
	char field[20], *end = field + sizeof(field), *start;

	if (value < 10) {
		text_char(b, '0' + value);
		return;
	}
	start = put_digits(end, value);
	text_bytes(b, start, end - start);
}

void text_i64(struct text_buffer *b, int64_t value)
{
	if (value < 0)
		text_char(b, '-');
	text_u64(b, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

void text_u128(struct text_buffer *b, const uint8_t bytes[16])
{
	const uint64_t ten19 = 10000000000000000000ull;
	unsigned __int128 value = 0;
	char field[40], *end = field + sizeof(field), *start = end;

	for (int i = 0; i < 16; i++)
		value = value << 8 | bytes[i];
	while (value > UINT64_MAX) {
		char *whole = start - 19;

		start = put_digits(start, (uint64_t)(value % ten19));
		while (start > whole)
			*--start = '0';
		value /= ten19;
	}
	start = put_digits(start, (uint64_t)value);
	text_bytes(b, start, end - start);
}

void text_double(struct text_buffer *b, double value)
{
	char digits[6], wide[64];
	uint64_t scaled, fraction;
	int count = 6;

	if (!isfinite(value))
		value = 0;
	if (value < 0) {
		text_char(b, '-');
		value = -value;
	}
	if (value >= 1e12) { /* no bits left for six decimals */
		text_bytes(b, wide, snprintf(wide, sizeof(wide), "%.1f", value));
		return;
	}
	scaled = (uint64_t)(value * 1e6 + 0.5);
	text_u64(b, scaled / 1000000);
	fraction = scaled % 1000000;
	text_char(b, '.');
	memcpy(digits, &digit_pairs[fraction / 10000 * 2], 2);
	memcpy(digits + 2, &digit_pairs[fraction / 100 % 100 * 2], 2);
	memcpy(digits + 4, &digit_pairs[fraction % 100 * 2], 2);
	while (count > 1 && digits[count - 1] == '0')
		count--;
	text_bytes(b, digits, count);
}

void text_address(struct text_buffer *b, const uint8_t addr[16], bool ipv4)
{
	char text[INET6_ADDRSTRLEN];

	if (ipv4) {
		for (int i = 12; i < 16; i++) {
			if (i > 12)
				text_char(b, '.');
			text_u64(b, addr[i]);
		}
		return;
	}
	inet_ntop(AF_INET6, addr, text, sizeof(text));
	text_string(b, text);
}

void text_mac(struct text_buffer *b, const uint8_t *mac, int count)
{
	for (int i = 0; i < count; i++) {
		if (i)
			text_char(b, ':');
		text_char(b, hex_digits[mac[i] >> 4]);
		text_char(b, hex_digits[mac[i] & 15]);
	}
}
