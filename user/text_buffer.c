/* SPDX-License-Identifier: BSD-2-Clause */
#include "text_buffer.h"

#include <float.h>
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

static uint32_t digit_count(uint64_t value)
{
	/* The first one is 0, so that 0 has a digit. */
	static const uint64_t powers[20] = {
		0ull,
		10ull,
		100ull,
		1000ull,
		10000ull,
		100000ull,
		1000000ull,
		10000000ull,
		100000000ull,
		1000000000ull,
		10000000000ull,
		100000000000ull,
		1000000000000ull,
		10000000000000ull,
		100000000000000ull,
		1000000000000000ull,
		10000000000000000ull,
		100000000000000000ull,
		1000000000000000000ull,
		10000000000000000000ull,
	};
	uint32_t guess = (64 - __builtin_clzll(value | 1)) * 1233 >> 12; /* bits * log10(2) */

	return guess + (value >= powers[guess]);
}

/* The last count digits of value, with leading zeros. */
static void put_digits(char *to, uint64_t value, uint32_t count)
{
	for (; count >= 2; count -= 2, value /= 100)
		memcpy(to + count - 2, &digit_pairs[value % 100 * 2], 2);
	if (count)
		*to = '0' + value % 10;
}

void text_u64(struct text_buffer *b, uint64_t value)
{
	uint32_t count = digit_count(value);

	if (b->room - b->length < count && !text_reserve(b, count))
		return;
	put_digits(b->data + b->length, value, count);
	b->length += count;
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
	unsigned __int128 value = 0, high;
	char digits[19];

	for (int i = 0; i < 16; i++)
		value = value << 8 | bytes[i];
	if (value <= UINT64_MAX) {
		text_u64(b, (uint64_t)value);
		return;
	}
	high = value / ten19; /* up to 3.4 * 10^19 */
	if (high >= ten19) {
		text_u64(b, (uint64_t)(high / ten19));
		put_digits(digits, (uint64_t)(high % ten19), 19);
		text_bytes(b, digits, 19);
	} else {
		text_u64(b, (uint64_t)high);
	}
	put_digits(digits, (uint64_t)(value - high * ten19), 19);
	text_bytes(b, digits, 19);
}

/* A double has no bits left for six decimals. */
static void text_huge(struct text_buffer *b, double value)
{
	char digits[DBL_MAX_10_EXP + 8];

	text_bytes(b, digits, snprintf(digits, sizeof(digits), "%.1f", value));
}

void text_double(struct text_buffer *b, double value)
{
	uint64_t scaled;
	uint32_t cut;

	if (!isfinite(value))
		value = 0;
	if (value < 0) {
		text_char(b, '-');
		value = -value;
	}
	if (value >= 1e12) {
		text_huge(b, value);
		return;
	}
	scaled = (uint64_t)(value * 1e6 + 0.5);
	text_u64(b, scaled / 1000000);
	if (b->room - b->length < 7 && !text_reserve(b, 7))
		return;
	b->data[b->length] = '.';
	put_digits(b->data + b->length + 1, scaled, 6);
	for (cut = 7; cut > 2 && b->data[b->length + cut - 1] == '0'; cut--)
		;
	b->length += cut;
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

void text_address(struct text_buffer *b, const uint8_t addr[16], bool ipv4)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	int from, to;

	if (ipv4) {
		text_ipv4(b, addr + 12);
		return;
	}
	if (!memcmp(addr, mapped, sizeof(mapped))) {
		text_string(b, "::ffff:");
		text_ipv4(b, addr + 12);
		return;
	}
	longest_zeros(addr, &from, &to);
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
