/* SPDX-License-Identifier: BSD-2-Clause */
/* The counter table and the summary's two forms of it: every row once, groups as one object. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "counters.h"
#include "summary.h"

static void rows_are_whole(void **state)
{
	(void)state;
	for (int i = 0; i < COUNTERS; i++) {
		const struct counter_info *row = &counter_table[i];

		assert_true(row->group && row->name && *row->name && row->help && *row->help);
		for (int j = 0; j < i; j++)
			assert_true(strcmp(row->group, counter_table[j].group) ||
				    strcmp(row->name, counter_table[j].name));
	}
}

/* A group that came in two pieces would be the same JSON key twice. */
static void groups_hold_together(void **state)
{
	(void)state;
	for (int i = 1; i < COUNTERS; i++) {
		const char *group = counter_table[i].group;

		if (!*group || !strcmp(group, counter_table[i - 1].group))
			continue;
		for (int j = 0; j < i; j++)
			assert_string_not_equal(group, counter_table[j].group);
	}
}

/* Each counter has its place's number. */
static struct ledger numbered(void)
{
	struct ledger l;

	for (int i = 0; i < COUNTERS; i++)
		l.value[i] = i + 1;
	return l;
}

static char *read_and_remove(const char *path)
{
	FILE *from = fopen(path, "r");
	char *text = NULL;
	size_t size = 0;

	assert_non_null(from);
	assert_true(getdelim(&text, &size, '\0', from) > 0);
	fclose(from);
	unlink(path);
	return text;
}

static void json(void **state)
{
	char path[] = "/tmp/weir-counters-XXXXXX";
	struct ledger l = numbered();
	char *text;

	(void)state;
	assert_int_equal(close(mkstemp(path)), 0);
	assert_int_equal(summary_write(&l, path), 0);
	assert_int_equal(ledger_lost(&l), 10 + 11 + 12 + 13);
	text = read_and_remove(path);
	assert_string_equal(
		text,
		"{\"seen\":1,\"metered\":2,\"filtered\":3,\"ignored\":{\"not_ip\":4,\"truncated\":"
		"5,"
		"\"malformed\":6,\"too_deep\":7,\"wlan\":8,\"duplicate\":9},\"lost\":{\"no_"
		"memory\":10,"
		"\"capture_buffer\":11,\"ring_full\":12,\"agent_restart\":13},"
		"\"missed_copies\":14,\"unexported\":15,\"overflow\":16,\"bytes\":17,\"flows\":18,"
		"\"ended\":{\"idle\":19,\"active\":20,\"end_of_flow\":21,\"forced\":22,"
		"\"lack_of_resources\":23},\"plugin\":{\"errors\":24},"
		"\"export\":{\"sent\":25,\"retried\":26,\"dropped\":27,\"failed\":28},"
		"\"geoip\":{\"errors\":29},"
		"\"attribution\":{\"known\":30,\"unknown\":31,\"lost\":32},"
		"\"watch\":{\"failed\":33}}\n");
	free(text);
}

static char *printed(const struct ledger *l)
{
	FILE *terminal = stderr;
	char *text = NULL;
	size_t size;

	stderr = open_memstream(&text, &size);
	assert_non_null(stderr);
	summary_print(l);
	fclose(stderr);
	stderr = terminal;
	return text;
}

/* Reasons are told only where there is something. */
static void line(void **state)
{
	struct ledger l = { 0 };
	char *text;

	(void)state;
	l.value[COUNTER_SEEN] = 12;
	l.value[COUNTER_METERED] = 5;
	l.value[COUNTER_OVERFLOW] = 3;
	l.value[COUNTER_LOST_RING_FULL] = 4;
	l.value[COUNTER_LOST_AGENT_RESTART] = 2;
	text = printed(&l);
	assert_string_equal(text, "weir: seen 12, metered 5, filtered 0, lost.ring_full 4, "
				  "lost.agent_restart 2, missed_copies 0, "
				  "unexported 0, overflow 3, bytes 0, flows 0\n");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows_are_whole),
		cmocka_unit_test(groups_hold_together),
		cmocka_unit_test(json),
		cmocka_unit_test(line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
