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
	assert_int_equal(ledger_lost(&l), 9 + 10 + 11 + 12);
	text = read_and_remove(path);
	assert_string_equal(
		text,
		"{\"seen\":1,\"metered\":2,\"filtered\":3,\"ignored\":{\"not_ip\":4,\"truncated\":"
		"5,"
		"\"malformed\":6,\"too_deep\":7,\"wlan\":8},\"lost\":{\"no_memory\":9,"
		"\"capture_buffer\":10,\"ring_full\":11,\"agent_restart\":12},"
		"\"missed_copies\":13,\"unexported\":14,\"overflow\":15,\"bytes\":16,\"flows\":17,"
		"\"ended\":{\"idle\":18,\"active\":19,\"end_of_flow\":20,\"forced\":21,"
		"\"lack_of_resources\":22},\"plugin\":{\"errors\":23},"
		"\"export\":{\"sent\":24,\"retried\":25,\"dropped\":26,\"failed\":27},"
		"\"geoip\":{\"errors\":28},"
		"\"attribution\":{\"known\":29,\"unknown\":30,\"lost\":31}}\n");
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
