/* SPDX-License-Identifier: BSD-2-Clause */
#include "text_buffer.h"

#include <endian.h>
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define EIGHT_DIGITS 100000000ull
#define NS_PER_S     1000000000ull

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

/* Eight digits of a value below 10^8, a byte each, the first one lowest; no branch, no division. */
static inline __attribute__((always_inline)) uint64_t eight_digits(uint32_t value)
{
	uint64_t x = value / 10000 | (uint64_t)(value % 10000) << 32, tens;

	tens = (x * 5243 >> 19) & 0x0000007f0000007f; /* hundreds of each half */
	x = tens | (x - tens * 100) << 16;
	tens = (x * 103 >> 10) & 0x000f000f000f000f;
	return tens | (x - tens * 10) << 8;
}

static void put_eight(char *to, uint64_t digits)
{
	digits = htole64(digits + 0x3030303030303030);
	memcpy(to, &digits, 8);
}

char *text_put_u64(char *to, uint64_t value)
{
	uint64_t digits;
	uint32_t zeros;

	if (value < 10) { /* most counters of most flows */
		*to = '0' + value;
		return to + 1;
	}
	if (value >= EIGHT_DIGITS) {
		to = text_put_u64(to, value / EIGHT_DIGITS);
		put_eight(to, eight_digits(value % EIGHT_DIGITS));
		return to + 8;
	}
	digits = eight_digits(value);
	zeros = __builtin_ctzll(digits | 1ull << 56) / 8; /* leading ones, but for the last digit */
	put_eight(to, digits >> (zeros * 8));
	return to + 8 - zeros;
}

void text_u64(struct text_buffer *b, uint64_t value)
{
	if (text_has_room(b, TEXT_NUMBER_ROOM))
		b->length = text_put_u64(b->data + b->length, value) - b->data;
}

void text_i64(struct text_buffer *b, int64_t value)
{
	if (value < 0)
		text_char(b, '-');
	text_u64(b, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

static char *put_u128(char *to, unsigned __int128 value)
{
	const uint64_t unit = EIGHT_DIGITS * EIGHT_DIGITS;
	uint64_t low;

	if (value <= UINT64_MAX)
		return text_put_u64(to, (uint64_t)value);
	to = put_u128(to, value / unit);
	low = (uint64_t)(value % unit);
	put_eight(to, eight_digits(low / EIGHT_DIGITS));
	put_eight(to + 8, eight_digits(low % EIGHT_DIGITS));
	return to + 16;
}

void text_u128(struct text_buffer *b, const uint8_t bytes[16])
{
	unsigned __int128 value = 0;

	for (int i = 0; i < 16; i++)
		value = value << 8 | bytes[i];
	if (text_has_room(b, TEXT_NUMBER_ROOM))
		b->length = put_u128(b->data + b->length, value) - b->data;
}

/* Whole numbers beyond 64 bits. */
static void text_huge(struct text_buffer *b, double value)
{
	char digits[DBL_MAX_10_EXP + 8];

	text_bytes(b, digits, snprintf(digits, sizeof(digits), "%.1f", value));
}

void text_double(struct text_buffer *b, double value)
{
	uint64_t whole, millionths, digits;
	char *at;

	if (!isfinite(value))
		value = 0;
	if (value < 0) {
		text_char(b, '-');
		value = -value;
	}
	if (value >= 1e18) {
		text_huge(b, value);
		return;
	}
	if (!text_has_room(b, TEXT_NUMBER_ROOM))
		return;
	whole = (int64_t)value; /* apart, as value * 10^6 would not be exact */
	millionths = (int64_t)((value - (int64_t)whole) * 1e6 + 0.5);
	whole += millionths == 1000000;
	at = text_put_u64(b->data + b->length, whole);
	*at++ = '.';
	digits = eight_digits(millionths % 1000000) >> 16; /* six of them */
	put_eight(at, digits);
	at += 8 - __builtin_clzll(digits | 1) / 8; /* without trailing zeros, but one */
	b->length = at - b->data;
}

static void text_ipv4(struct text_buffer *b, const uint8_t *addr)
{
	for (int i = 0; i < 4; i++) {
		if (i)
			text_char(b, '.');
		text_u64(b, addr[i]);
	}
}

static uint32_t ipv6_group(const uint8_t *addr, int i)
{
	return addr[i * 2] << 8 | addr[i * 2 + 1];
}

/* The longest run of two or more zero groups, the first of equals: [*from, *to). */
static void longest_zeros(const uint8_t *addr, int *from, int *to)
{
	*from = *to = -1;
	for (int i = 0; i < 8; i++) {
		int start = i;

		while (i < 8 && !ipv6_group(addr, i))
			i++;
		if (i - start >= 2 && i - start > *to - *from) {
			*from = start;
			*to = i;
		}
	}
}

static void text_hex16(struct text_buffer *b, uint32_t value)
{
	int shift = 12;

	while (shift && !(value >> shift))
		shift -= 4;
	for (; shift >= 0; shift -= 4)
		text_char(b, hex_digits[value >> shift & 15]);
}

/* The choice of notation is inet_ntop(3)'s, so that texts compare with other tools'. */
void text_address(struct text_buffer *b, const uint8_t addr[16], bool ipv4)
{
	int from, to;

	if (ipv4) {
		text_ipv4(b, addr + 12);
		return;
	}
	longest_zeros(addr, &from, &to);
	if (!from && (to == 6 || (to == 5 && ipv6_group(addr, 5) == 0xffff))) {
		text_string(b, to == 6 ? "::" : "::ffff:");
		text_ipv4(b, addr + 12);
		return;
	}
	for (int i = 0; i < 8; i++) {
		if (i == from) {
			text_string(b, "::");
			i = to - 1;
			continue;
		}
		if (i && i != to)
			text_char(b, ':');
		text_hex16(b, ipv6_group(addr, i));
	}
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

void text_iso_time(struct text_buffer *b, uint64_t ns)
{
	time_t s = (time_t)(ns / NS_PER_S);
	uint32_t fraction = ns % NS_PER_S;
	char text[64];
	struct tm tm;
	size_t n;

	if (!gmtime_r(&s, &tm))
		return;
	n = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%S.000000000Z", &tm);
	for (char *at = text + n - 2; fraction; fraction /= 10)
		*at-- += fraction % 10;
	text_bytes(b, text, n);
}
