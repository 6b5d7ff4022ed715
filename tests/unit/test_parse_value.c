/* SPDX-License-Identifier: BSD-2-Clause */
/* Values as people write them: what is taken, what is out of range, what is refused. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "parse_value.h"

#define SECOND    1000000000ull
#define UNTOUCHED 77

struct number_case {
	const char *text;
	int err;
	uint64_t value;
};

static void check_numbers(const struct number_case *cases,
			  int (*parse)(const char *, uint64_t, uint64_t, uint64_t *), uint64_t min,
			  uint64_t max)
{
	for (; cases->text; cases++) {
		uint64_t value = UNTOUCHED;
		int err = parse(cases->text, min, max, &value);

		if (err != cases->err || value != (err ? UNTOUCHED : cases->value))
			fail_msg("\"%s\": error %d, value %llu", cases->text, err,
				 (unsigned long long)value);
	}
}

static void test_count(void **state)
{
	static const struct number_case cases[] = {
		{ "0", -ERANGE, 0 },
		{ "1", 0, 1 },
		{ "007", 0, 7 },
		{ "65535", 0, 65535 },
		{ "65536", -ERANGE, 0 },
		{ "18446744073709551616", -ERANGE, 0 },
		{ "184467440737095516150000000000", -ERANGE, 0 },
		{ "-1", -ERANGE, 0 },
		{ "-18446744073709551615", -ERANGE, 0 },
		{ "", -EINVAL, 0 },
		{ "-", -EINVAL, 0 },
		{ "--1", -EINVAL, 0 },
		{ "+1", -EINVAL, 0 },
		{ " 1", -EINVAL, 0 },
		{ "1 ", -EINVAL, 0 },
		{ "1.0", -EINVAL, 0 },
		{ "0x10", -EINVAL, 0 },
		{ "1e3", -EINVAL, 0 },
		{ "10k", -EINVAL, 0 },
		{ "\xd9\xa3", -EINVAL, 0 }, /* a digit, but not a decimal one of ASCII */
		{ NULL, 0, 0 },
	};
	uint64_t most = 0;

	(void)state;
	check_numbers(cases, parse_count, 1, 65535);
	assert_int_equal(parse_count("18446744073709551615", 0, UINT64_MAX, &most), 0);
	assert_true(most == UINT64_MAX);
}

static void test_duration(void **state)
{
	static const struct number_case cases[] = {
		{ "0", 0, 0 },
		{ "30", 0, 30 * SECOND },
		{ "0.5", 0, SECOND / 2 },
		{ "0.000000001", 0, 1 },
		{ "999999999.999999999", 0, 999999999999999999 },
		{ "1000000000", 0, 1000000000 * SECOND },
		{ "1000000000.000000001", -ERANGE, 0 },
		{ "99999999999999999999999999999999999999999999", -ERANGE, 0 },
		{ "11574.1d", -ERANGE, 0 },
		{ "-1", -ERANGE, 0 },
		{ "-0.5s", -ERANGE, 0 },
		{ "60s", 0, 60 * SECOND },
		{ "5m", 0, 300 * SECOND },
		{ "1.5h", 0, 5400 * SECOND },
		{ "2d", 0, 172800 * SECOND },
		{ "500ms", 0, SECOND / 2 },
		{ "7us", 0, 7000 },
		{ "9ns", 0, 9 },
		{ "0.5ns", -EINVAL, 0 }, /* nothing is rounded */
		{ "0.0000000001", -EINVAL, 0 },
		{ "", -EINVAL, 0 },
		{ ".5", -EINVAL, 0 },
		{ "5.", -EINVAL, 0 },
		{ "s", -EINVAL, 0 },
		{ "5 s", -EINVAL, 0 },
		{ "5M", -EINVAL, 0 },
		{ "5mm", -EINVAL, 0 },
		{ "1,5", -EINVAL, 0 },
		{ "1e3", -EINVAL, 0 },
		{ "inf", -EINVAL, 0 },
		{ "nan", -EINVAL, 0 },
		{ NULL, 0, 0 },
	};

	(void)state;
	check_numbers(cases, parse_duration, 0, 1000000000 * SECOND);
}

static void test_size(void **state)
{
	static const struct number_case cases[] = {
		{ "1B", 0, 1 },
		{ "100MB", 0, 100000000 },
		{ "100MiB", 0, 100ull << 20 },
		{ "1kB", 0, 1000 },
		{ "1KB", 0, 1000 },
		{ "1.5GB", 0, 1500000000 },
		{ "1TB", 0, 1000000000000 },
		{ "0.5B", -ERANGE, 0 }, /* less than the least */
		{ "1.5B", -EINVAL, 0 },
		{ "0MB", -ERANGE, 0 },
		{ "1000.1TB", -ERANGE, 0 },
		{ "-5MB", -ERANGE, 0 },
		{ "100", -EINVAL, 0 },
		{ "100M", -EINVAL, 0 },
		{ "100mb", -EINVAL, 0 },
		{ "MB", -EINVAL, 0 },
		{ NULL, 0, 0 },
	};

	(void)state;
	check_numbers(cases, parse_size, 1, 1000000000000000);
}

static void test_rotation(void **state)
{
	static const struct {
		const char *text;
		int err;
		struct rotation rotation;
	} cases[] = {
		{ "60s", 0, { 60 * SECOND, 0 } }, { "5m", 0, { 300 * SECOND, 0 } },
		{ "100MB", 0, { 0, 100000000 } }, { "60", -EINVAL, { 0, 0 } },
		{ "5M", -EINVAL, { 0, 0 } },      { "0s", -ERANGE, { 0, 0 } },
		{ "0MB", -ERANGE, { 0, 0 } },     { "1001TB", -ERANGE, { 0, 0 } },
		{ "20000d", -ERANGE, { 0, 0 } },  { "hourly", -EINVAL, { 0, 0 } },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rotation rotation = { 0 };

		if (parse_rotation(cases[i].text, &rotation) != cases[i].err ||
		    rotation.interval_ns != cases[i].rotation.interval_ns ||
		    rotation.bytes != cases[i].rotation.bytes)
			fail_msg("\"%s\"", cases[i].text);
	}
}

static void test_bool(void **state)
{
	static const char *const yes[] = { "true", "yes", "on", "1", "True", "YES" };
	static const char *const no[] = { "false", "no", "off", "0", "False", "OFF" };
	static const char *const neither[] = { "", "2", "y", "true ", "enabled" };
	bool value;

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		value = false;
		assert_int_equal(parse_bool(yes[i], &value), 0);
		assert_true(value);
		assert_int_equal(parse_bool(no[i], &value), 0);
		assert_false(value);
	}
	for (size_t i = 0; i < 5; i++)
		assert_int_equal(parse_bool(neither[i], &value), -EINVAL);
}

static const struct named_value fruits[] = {
	{ "apple", 1 }, { "fig", 4 }, { "pear", 31 }, { NULL, 0 }
};

static void test_choice(void **state)
{
	uint32_t value = UNTOUCHED;

	(void)state;
	assert_int_equal(parse_choice("fig", fruits, &value), 0);
	assert_int_equal(value, 4);
	assert_int_equal(parse_choice("figs", fruits, &value), -EINVAL);
	assert_int_equal(parse_choice("fi", fruits, &value), -EINVAL);
	assert_int_equal(parse_choice("Fig", fruits, &value), -EINVAL);
	assert_int_equal(parse_choice("", fruits, &value), -EINVAL);
	assert_int_equal(value, 4);
}

static void test_set(void **state)
{
	uint32_t set = UNTOUCHED;

	(void)state;
	assert_int_equal(parse_set("all", fruits, &set), 0);
	assert_int_equal(set, 1u << 31 | 1u << 4 | 1u << 1);
	assert_int_equal(parse_set("none", fruits, &set), 0);
	assert_int_equal(set, 0);
	assert_int_equal(parse_set("pear, apple,pear", fruits, &set), 0);
	assert_int_equal(set, 1u << 31 | 1u << 1);
	assert_int_equal(parse_set("apple,all", fruits, &set), -EINVAL);
	assert_int_equal(parse_set("apple,", fruits, &set), -EINVAL);
	assert_int_equal(parse_set("", fruits, &set), -EINVAL);
	assert_int_equal(set, 1u << 31 | 1u << 1);
}

static void test_names(void **state)
{
	static const char *const refused[] = { "", ",", "a,", ",a", "a,,b", " ", "a, ,b" };
	char *names = NULL;

	(void)state;
	assert_int_equal(parse_names(" a ,b c,\td\n", &names), 0);
	assert_string_equal(names, "a,b c,d");
	free(names);
	names = NULL;
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++)
		assert_int_equal(parse_names(refused[i], &names), -EINVAL);
	assert_null(names);
}

static void test_string_list(void **state)
{
	struct string_list list = { 0 };

	(void)state;
	assert_int_equal(string_list_add(&list, "with a blank"), 0);
	assert_int_equal(string_list_add_words(&list, "  x\ty\nz "), 0);
	assert_int_equal(string_list_add_words(&list, " "), 0);
	assert_int_equal(list.count, 4);
	assert_string_equal(list.items[0], "with a blank");
	assert_string_equal(list.items[1], "x");
	assert_string_equal(list.items[3], "z");
	string_list_clear(&list);
	string_list_clear(&list);
	assert_null(list.items);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_count),       cmocka_unit_test(test_duration),
		cmocka_unit_test(test_size),        cmocka_unit_test(test_rotation),
		cmocka_unit_test(test_bool),        cmocka_unit_test(test_choice),
		cmocka_unit_test(test_set),         cmocka_unit_test(test_names),
		cmocka_unit_test(test_string_list),
	};

	return cmocka_run_group_tests_name("values", tests, NULL, NULL);
}
