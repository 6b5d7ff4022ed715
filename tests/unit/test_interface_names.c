/* SPDX-License-Identifier: BSD-2-Clause */
/* Which interfaces -i asks for, and the numbers that they have. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "interface_names.h"
#include "watch_list.h"

#define NAMES(...)                                                  \
	(&(struct string_list){ .items = (char *[]){ __VA_ARGS__ }, \
				.count = sizeof((char *[]){ __VA_ARGS__ }) / sizeof(char *) })

static void plain(void **state)
{
	const struct string_list *names = NAMES("eth0", "eth1");

	(void)state;
	assert_int_equal(interface_names_match(names, "eth1"), INTERFACE_WANTED);
	assert_int_equal(interface_names_match(names, "eth10"), INTERFACE_OTHER);
	assert_false(interface_names_are_open(names));
	assert_true(interface_names_are_many(&(struct config){ .interfaces = *names }));
	assert_false(interface_names_are_many(&(struct config){ .interfaces = *NAMES("eth0") }));
	assert_true(interface_names_are_many(
		&(struct config){ .interfaces = *NAMES("eth0"), .netns = *NAMES("1") }));
	assert_int_equal(interface_names_match(&(struct string_list){ 0 }, "eth0"),
			 INTERFACE_OTHER);
}

static void patterns(void **state)
{
	const struct string_list *names = NAMES("!veth-*", "veth*", "eth[01]", "lo");

	(void)state;
	assert_int_equal(interface_names_match(names, "veth1"), INTERFACE_WANTED);
	assert_int_equal(interface_names_match(names, "veth-mgmt"), INTERFACE_EXCLUDED);
	assert_int_equal(interface_names_match(names, "eth1"), INTERFACE_WANTED);
	assert_int_equal(interface_names_match(names, "eth2"), INTERFACE_OTHER);
	assert_int_equal(interface_names_match(names, "lo"), INTERFACE_WANTED);
	assert_true(interface_names_are_open(names));
	assert_true(interface_names_are_many(&(struct config){ .interfaces = *NAMES("veth*") }));
	assert_true(interface_name_is_plain("lo"));
	assert_false(interface_name_is_plain("!lo"));
}

static void everything(void **state)
{
	(void)state;
	assert_int_equal(interface_names_match(NAMES("all", "!eth0"), "x"), INTERFACE_WANTED);
	assert_int_equal(interface_names_match(NAMES("all", "!eth0"), "eth0"), INTERFACE_EXCLUDED);
	assert_int_equal(interface_names_match(NAMES("!eth0"), "x"), INTERFACE_WANTED);
	assert_int_equal(interface_names_match(NAMES("!eth0"), "eth0"), INTERFACE_EXCLUDED);
	assert_false(interface_name_is_plain("all"));
}

/* A number is given again once its interface is gone for long enough, the oldest first. */
static void numbers(void **state)
{
	struct watch_list *w = watch_list_new(2, 0), *slow = watch_list_new(0, UINT64_MAX);

	(void)state;
	assert_int_equal(watch_list_add(w, 7, "a", "net"), 3);
	assert_int_equal(watch_list_add(w, 8, "b", "net"), 4);
	assert_null(watch_list_at(w, 1));
	assert_true(watch_list_put(w, 1, 9, "c", "net"));
	assert_string_equal(watch_list_at(w, 1)->name, "c");
	watch_list_rename(w, 3, "d");
	watch_list_remove(w, 3);
	assert_string_equal(watch_list_at(w, 3)->name, "d"); /* its flows may still end */
	assert_int_equal(watch_list_find_gone(w, 7, "net"), 3);
	assert_int_equal(watch_list_find_gone(w, 7, "other"), 0);
	assert_int_equal(watch_list_find_gone(w, 8, "net"), 0);
	assert_int_equal(watch_list_add(w, 10, "e", "net"), 3);
	assert_int_equal(watch_list_last(w), 4);
	for (unsigned int i = 1; i <= UINT16_MAX; i++)
		assert_int_equal(watch_list_add(slow, i, "x", ""), i);
	watch_list_remove(slow, 5);
	assert_int_equal(watch_list_add(slow, 1, "y", ""), 0);
	watch_list_free(w);
	watch_list_free(slow);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(plain),
		cmocka_unit_test(patterns),
		cmocka_unit_test(everything),
		cmocka_unit_test(numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
