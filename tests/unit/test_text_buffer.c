/* SPDX-License-Identifier: BSD-2-Clause */
/* The hand-written formatters against printf(3) and inet_ntop(3). */
#include "outputs.h"

#include <arpa/inet.h>
#include <float.h>
#include <inttypes.h>

#include "text_buffer.h"

static struct text_buffer buffer;

static uint64_t draw(void)
{
	static uint64_t x = 88172645463325252;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x;
}

/* What was appended since the last call. */
static void assert_text(const char *expected)
{
	text_char(&buffer, '\0');
	assert_string_equal(buffer.data, expected);
	buffer.length = 0;
}

static void assert_u64(uint64_t value)
{
	char expected[32];

	snprintf(expected, sizeof(expected), "%" PRIu64, value);
	text_u64(&buffer, value);
	assert_text(expected);
}

static void integers(void **state)
{
	uint64_t power = 1;

	(void)state;
	for (int digits = 1; digits <= 20; digits++, power *= 10) {
		assert_u64(power - 1);
		assert_u64(power);
		assert_u64(power + 1);
	}
	for (uint64_t value = 0; value < 20000; value++)
		assert_u64(value);
	for (int i = 0; i < 100000; i++)
		assert_u64(draw() >> (draw() & 63));
	assert_u64(UINT64_MAX);
	text_i64(&buffer, INT64_MIN);
	assert_text("-9223372036854775808");
	text_i64(&buffer, INT64_MAX);
	assert_text("9223372036854775807");
	text_i64(&buffer, -1);
	assert_text("-1");
}

static void assert_u128(uint64_t high, uint64_t low, const char *expected)
{
	uint8_t bytes[16];

	for (int i = 0; i < 8; i++) {
		bytes[i] = high >> (56 - 8 * i);
		bytes[8 + i] = low >> (56 - 8 * i);
	}
	text_u128(&buffer, bytes);
	assert_text(expected);
}

static void integers_of_128_bits(void **state)
{
	(void)state;
	assert_u128(0, 0, "0");
	assert_u128(0, UINT64_MAX, "18446744073709551615");
	assert_u128(1, 0, "18446744073709551616");
	assert_u128(UINT64_MAX, UINT64_MAX, "340282366920938463463374607431768211455");
	/* 10^32: all zeros in both lower pieces */
	assert_u128(0x4ee2d6d415b, 0x85acef8100000000, "100000000000000000000000000000000");
	/* 2001:db8::1 */
	assert_u128(0x20010db800000000, 1, "42540766411282592856903984951653826561");
}

static void assert_double(double value, const char *expected)
{
	text_double(&buffer, value);
	assert_text(expected);
}

static void doubles(void **state)
{
	(void)state;
	assert_double(0, "0.0");
	assert_double(78, "78.0");
	assert_double(82.6, "82.6");
	assert_double(1.0 / 3, "0.333333");
	assert_double(2.0 / 3, "0.666667");
	assert_double(0.000001, "0.000001");
	assert_double(0.0000004, "0.0");
	assert_double(0.9999999, "1.0");
	assert_double(1.05, "1.05");
	assert_double(100.010001, "100.010001");
	assert_double(-2.5, "-2.5");
	assert_double(999999999999.0, "999999999999.0");
	assert_double(1e12, "1000000000000.0");
	assert_double(1.5e15, "1500000000000000.0");
	assert_double(1e15 + 0.125, "1000000000000000.125");
	assert_double(999999999999999999.0, "1000000000000000000.0");
	assert_double(1e17, "100000000000000000.0");
	assert_double(NAN, "0.0");
	assert_double(INFINITY, "0.0");
	assert_double(-INFINITY, "0.0");
	assert_double(DBL_MIN, "0.0");
}

static void the_largest_double(void **state)
{
	char expected[DBL_MAX_10_EXP + 8];

	(void)state;
	snprintf(expected, sizeof(expected), "%.1f", DBL_MAX);
	assert_double(DBL_MAX, expected);
}

/* Half a unit of the sixth decimal may be rounded the other way. */
static void doubles_as_printf(void **state)
{
	(void)state;
	for (int i = 0; i < 100000; i++) {
		double value = (double)(draw() >> (24 + draw() % 40)) / (double)(1 + draw() % 9999);
		char expected[64];
		size_t n = snprintf(expected, sizeof(expected), "%.6f", value);

		while (expected[n - 1] == '0' && expected[n - 2] != '.')
			expected[--n] = '\0';
		text_double(&buffer, value);
		text_char(&buffer, '\0');
		if (fabs(strtod(buffer.data, NULL) - strtod(expected, NULL)) > 1.1e-6)
			fail_msg("%s is not %s", buffer.data, expected);
		assert_in_range(strlen(strchr(buffer.data, '.')), 2, 7);
		buffer.length = 0;
	}
}

static void assert_ipv6(const uint8_t addr[16])
{
	char expected[INET6_ADDRSTRLEN];

	assert_non_null(inet_ntop(AF_INET6, addr, expected, sizeof(expected)));
	text_address(&buffer, addr, false);
	assert_text(expected);
}

static void addresses(void **state)
{
	static const char *const texts[] = {
		"::",
		"::1",
		"2001:db8::",
		"2001:db8::1",
		"2001:0:0:1::1",
		"2001:db8:0:1:1:1:1:1",
		"1:2:3:4:5:6:7:8",
		"::2:3:4:5:6:7:8",
		"1:0:0:2:0:0:0:3",
		"1:0:0:2:3:0:0:4",
		"fe80::ff:fe00:1",
		"::ffff:192.0.2.1",
		"::192.0.2.1",
		"::ffff:0:0",
		"::1:0:0",
		"abcd:ef01:2345:6789::",
	};
	const uint8_t mapped[16] = { [10] = 0xff, [11] = 0xff, [12] = 255, [14] = 9, [15] = 10 };
	uint8_t addr[16];

	(void)state;
	text_address(&buffer, mapped, true);
	assert_text("255.0.9.10");
	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		assert_int_equal(inet_pton(AF_INET6, texts[i], addr), 1);
		assert_ipv6(addr);
	}
	for (int i = 0; i < 50000; i++) { /* each group is zero half the time */
		uint64_t zeros = draw();

		for (int k = 0; k < 16; k++)
			addr[k] = zeros >> (k / 2) & 1 ? 0 : draw() >> (draw() & 7);
		assert_ipv6(addr);
	}
}

static void iso_times(void **state)
{
	static const struct {
		uint64_t ns;
		const char *text;
	} rows[] = {
		{ 0, "1970-01-01T00:00:00.000000000Z" },
		{ 1, "1970-01-01T00:00:00.000000001Z" },
		{ 1709210096000000120, "2024-02-29T12:34:56.000000120Z" },
		{ 1795433679967826000, "2026-11-23T11:34:39.967826000Z" },
		{ UINT64_MAX, "2554-07-21T23:34:33.709551615Z" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		text_iso_time(&buffer, rows[i].ns);
		assert_text(rows[i].text);
	}
}

static void macs(void **state)
{
	const uint8_t mac[6] = { 0x02, 0x00, 0xab, 0xcd, 0xef, 0x9f };

	(void)state;
	text_mac(&buffer, mac, 6);
	assert_text("02:00:ab:cd:ef:9f");
	text_mac(&buffer, mac, 3);
	assert_text("02:00:ab");
}

/* Every append may be the one that finds no room. */
static void grows_anywhere(void **state)
{
	(void)state;
	for (size_t before = 4000; before < 4100; before++) {
		struct text_buffer b = { 0 };

		for (size_t i = 0; i < before; i++)
			text_char(&b, 'x');
		text_u64(&b, UINT64_MAX);
		text_double(&b, 1e11 + 0.5);
		text_bytes(&b, "abc", 3);
		assert_int_equal(b.length, before + 20 + 14 + 3);
		assert_memory_equal(b.data + before, "18446744073709551615100000000000.5abc", 37);
		text_free(&b);
		assert_null(b.data);
	}
}

static int forget(void **state)
{
	(void)state;
	text_free(&buffer);
	return 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(integers),          cmocka_unit_test(integers_of_128_bits),
		cmocka_unit_test(doubles),           cmocka_unit_test(the_largest_double),
		cmocka_unit_test(doubles_as_printf), cmocka_unit_test(addresses),
		cmocka_unit_test(iso_times),         cmocka_unit_test(macs),
		cmocka_unit_test(grows_anywhere),
	};

	return cmocka_run_group_tests(tests, NULL, forget);
}
