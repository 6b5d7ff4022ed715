/* SPDX-License-Identifier: BSD-2-Clause */
/* What is UTF-8 (RFC 3629), and copies of what is not. */
#include "outputs.h"
#include "utf8.h"

static void lengths(void **state)
{
	static const struct {
		const char *bytes;
		int length;
	} cases[] = {
		{ "a", 1 },
		{ "\x7f", 1 },
		{ "\x80", 0 },     /* a continuation alone */
		{ "\xc1\xbf", 0 }, /* overlong */
		{ "\xc2\x80", 2 },
		{ "\xdf\xbf", 2 },
		{ "\xe0\x9f\xbf", 0 }, /* overlong */
		{ "\xe0\xa0\x80", 3 },
		{ "\xed\x9f\xbf", 3 },
		{ "\xed\xa0\x80", 0 }, /* a surrogate */
		{ "\xef\xbf\xbf", 3 },
		{ "\xf0\x8f\xbf\xbf", 0 }, /* overlong */
		{ "\xf0\x90\x80\x80", 4 },
		{ "\xf4\x8f\xbf\xbf", 4 },
		{ "\xf4\x90\x80\x80", 0 }, /* beyond Unicode */
		{ "\xf5\x80\x80\x80", 0 },
		{ "\xe2\x82", 0 }, /* cut short */
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++)
		assert_int_equal(utf8_length((const unsigned char *)cases[i].bytes, UTF8_LONGEST),
				 cases[i].length);
}

static void assert_copy(const char *text, size_t room, const char *expected, size_t left)
{
	uint8_t copy[64];
	const char *rest;
	size_t length;

	memset(copy, '#', sizeof(copy));
	length = utf8_copy(copy, room, text, &rest);
	assert_int_equal(length, strlen(expected));
	assert_memory_equal(copy, expected, length);
	assert_int_equal(copy[length], '#');
	assert_int_equal(strlen(rest), left);
}

static void copies(void **state)
{
	(void)state;
	assert_copy("", 10, "", 0);
	assert_copy("abc", 10, "abc", 0);
	assert_copy("abc", 3, "abc", 0);
	assert_copy("abcd", 3, "abc", 1);
	assert_copy("abcdefghijkl", 0, "", 12);
	assert_copy("0123456789abcdef", 20, "0123456789abcdef", 0);
	/* no sequence is cut */
	assert_copy("abc\xc3\xa9", 4, "abc", 2);
	assert_copy("abc\xc3\xa9", 5, "abc\xc3\xa9", 0);
	assert_copy("\xf0\x9f\x90\x9f!", 4, "\xf0\x9f\x90\x9f", 1);
	/* each byte that is nothing becomes U+FFFD */
	assert_copy("a\xff\xfe", 10, "a\xef\xbf\xbd\xef\xbf\xbd", 0);
	assert_copy("a\xff\xfe", 6, "a\xef\xbf\xbd", 1);
	assert_copy("0123456\x80", 20, "0123456\xef\xbf\xbd", 0);
	assert_copy("01234567\x80", 20, "01234567\xef\xbf\xbd", 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lengths),
		cmocka_unit_test(copies),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
