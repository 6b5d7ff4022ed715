/* SPDX-License-Identifier: BSD-2-Clause */
/* app_text.h: what hostile texts become, and that nothing else changes. */
#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "app_text.h"

static void assert_cleaned(const char *from, const char *wanted)
{
	struct app_text in = { .user_agent = from }, out;
	struct packed_text *packed = app_text_pack(&in);

	assert_non_null(packed);
	packed_text_open(packed, &out);
	assert_string_equal(out.user_agent, wanted);
	free(packed);
}

static void good_texts_stay(void **state)
{
	static const char *const texts[] = {
		" curl/8.0 ~ \"quoted\" \\ ; , |", "\xc2\xa0\xc3\xa9\xdf\xbf", /* two bytes */
		"\xe0\xa0\x80\xed\x9f\xbf\xee\x80\x80\xef\xbf\xbf",            /* three */
		"\xf0\x90\x80\x80\xf4\x8f\xbf\xbf",                            /* four */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_cleaned(texts[i], texts[i]);
}

static void control_characters(void **state)
{
	(void)state;
	assert_cleaned("a\tb\r\nc\x1b[31m\x7f", "a?b??c?[31m?");
	assert_cleaned("\xc2\x80\xc2\x9f", "????"); /* C1: U+0080, U+009F */
}

/* Each byte that starts no character becomes one '?'. */
static void not_utf8(void **state)
{
	(void)state;
	assert_cleaned("\x80\xbf\xfe\xff\xc0\xaf\xc1\xbf", "????????");
	assert_cleaned("a\xe9t\xe9", "a?t?");                           /* Latin-1 */
	assert_cleaned("\xe0\x9f\xbf\xf0\x8f\xbf\xbf", "???????");      /* longer than need be */
	assert_cleaned("\xed\xa0\x80\xed\xbf\xbf", "??????");           /* surrogates */
	assert_cleaned("\xf4\x90\x80\x80\xf5\x80\x80\x80", "????????"); /* past U+10FFFF */
	assert_cleaned("\xe2\x82\xac\xe2\x82", "\xe2\x82\xac??");       /* cut at the end */
	assert_cleaned("\xe2\x82g\xe2g", "??g?g");
}

/* A cut through a character leaves no part of it. */
static void texts_end_at_4000_bytes(void **state)
{
	char long_text[5000], wanted[4001];

	(void)state;
	memset(long_text, 'x', sizeof(long_text));
	memcpy(long_text + 3999, "\xc3\xa9", 2);
	long_text[sizeof(long_text) - 1] = '\0';
	memset(wanted, 'x', sizeof(wanted));
	wanted[3999] = '?';
	wanted[4000] = '\0';
	assert_cleaned(long_text, wanted);
}

static void absent_texts(void **state)
{
	struct app_text in = { .host = "", .url = NULL }, out;

	(void)state;
	assert_null(app_text_pack(&in));
	packed_text_open(NULL, &out);
	for (size_t i = 0; i < sizeof(out) / sizeof(char *); i++)
		assert_string_equal(((const char **)&out)[i], "");
}

/* Fifteen texts of the longest kind still have offsets. */
static void all_texts(void **state)
{
	static char texts[15][4200];
	struct app_text in, out;
	struct packed_text *packed;

	(void)state;
	assert_int_equal(sizeof(in) / sizeof(char *), 15);
	for (size_t i = 0; i < 15; i++) {
		memset(texts[i], 'a' + (int)i, sizeof(texts[i]) - 1);
		((const char **)&in)[i] = texts[i];
	}
	packed = app_text_pack(&in);
	assert_non_null(packed);
	packed_text_open(packed, &out);
	for (size_t i = 0; i < 15; i++) {
		const char *text = ((const char **)&out)[i];

		assert_int_equal(strlen(text), 4000);
		assert_int_equal(text[0], 'a' + (int)i);
		assert_int_equal(text[3999], 'a' + (int)i);
	}
	free(packed);
}

/* What stands in two columns is kept once. */
static void the_same_text_twice(void **state)
{
	const char *name = "www.example.org";
	struct app_text in = { .host = name, .client_info = name, .url = "/" }, out;
	struct packed_text *packed = app_text_pack(&in);

	(void)state;
	assert_non_null(packed);
	packed_text_open(packed, &out);
	assert_string_equal(out.host, name);
	assert_ptr_equal(out.host, out.client_info);
	assert_string_equal(out.url, "/");
	assert_string_equal(out.ja4, "");
	free(packed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_texts_stay),
		cmocka_unit_test(control_characters),
		cmocka_unit_test(not_utf8),
		cmocka_unit_test(texts_end_at_4000_bytes),
		cmocka_unit_test(absent_texts),
		cmocka_unit_test(all_texts),
		cmocka_unit_test(the_same_text_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
