/* SPDX-License-Identifier: BSD-2-Clause */
/* Sums of records: which names get a place, what a bucket's edge is, that nothing is missing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "metrics_totals.h"

static struct flow_record record_of(const char *application, uint64_t packets, uint64_t bytes)
{
	struct flow_record r = { .application_name = application, .category_name = "Web" };

	r.side[SIDE_BOTH].packets = packets;
	r.side[SIDE_BOTH].bytes = bytes;
	return r;
}

static void add(struct metrics_totals *t, const char *application, uint64_t packets, uint64_t bytes)
{
	struct flow_record r = record_of(application, packets, bytes);

	metrics_totals_add(t, &r, true, "eth0");
}

static void is_sum(const struct metrics_sum *s, uint64_t flows, uint64_t packets, uint64_t bytes)
{
	assert_int_equal(s->flows, flows);
	assert_int_equal(s->packets, packets);
	assert_int_equal(s->bytes, bytes);
}

/* The same name is the same sum, wherever its text stands. */
static void names(void **state)
{
	struct metrics_totals *t = calloc(1, sizeof(*t));
	char copy[] = "DNS";

	(void)state;
	add(t, "DNS", 2, 200);
	add(t, "TLS", 10, 5000);
	add(t, copy, 3, 300);
	assert_int_equal(t->applications.count, 2);
	assert_string_equal(t->applications.name[0], "DNS");
	is_sum(&t->applications.sum[0], 2, 5, 500);
	assert_string_equal(t->applications.name[1], "TLS");
	is_sum(&t->applications.sum[1], 1, 10, 5000);
	is_sum(&t->applications.other, 0, 0, 0);
	assert_int_equal(t->categories.count, 1);
	is_sum(&t->categories.sum[0], 3, 15, 5500);
	assert_int_equal(t->interfaces.count, 1);
	is_sum(&t->interfaces.sum[0], 3, 15, 5500);
	free(t);
}

/* What is not known is no name; an interface that is watched has its sums from the start. */
static void absent(void **state)
{
	struct metrics_totals *t = calloc(1, sizeof(*t));
	struct flow_record r = record_of("", 1, 60);

	(void)state;
	metrics_totals_add(t, &r, false, NULL);
	assert_int_equal(t->applications.count, 0);
	assert_int_equal(t->categories.count, 0);
	assert_int_equal(t->interfaces.count, 0);
	assert_int_equal(t->sizes.count[0], 1);
	metrics_totals_expect(t, "eth0");
	metrics_totals_expect(t, "eth1");
	metrics_totals_expect(t, "eth0");
	assert_int_equal(t->interfaces.count, 2);
	metrics_totals_add(t, &r, false, "eth1");
	is_sum(&t->interfaces.sum[0], 0, 0, 0);
	is_sum(&t->interfaces.sum[1], 1, 1, 60);
	free(t);
}

#define MANY 1000

/* The first 100 names have places and keep them; the rest is one sum, and all is in one of them. */
static void more_names_than_places(void **state)
{
	struct metrics_totals *t = calloc(1, sizeof(*t));
	static char texts[MANY][16];

	(void)state;
	for (int round = 0; round < 3; round++)
		for (int i = 0; i < MANY; i++) {
			snprintf(texts[i], sizeof(texts[i]), "app %d", i);
			add(t, texts[i], i, 10 * i);
		}
	assert_int_equal(t->applications.count, METRICS_NAMES);
	for (int i = 0; i < METRICS_NAMES; i++) {
		assert_string_equal(t->applications.name[i], texts[i]);
		is_sum(&t->applications.sum[i], 3, 3 * i, 30 * i);
	}
	is_sum(&t->applications.other, 3 * (MANY - METRICS_NAMES), 3 * (499500 - 4950),
	       30 * (499500 - 4950));
	free(t);
}

/* A name that is the label of all others must not be a series beside it. */
static void the_name_other(void **state)
{
	struct metrics_totals *t = calloc(1, sizeof(*t));

	(void)state;
	add(t, "other", 1, 100);
	assert_int_equal(t->applications.count, 0);
	is_sum(&t->applications.other, 1, 1, 100);
	free(t);
}

static void add_duration(struct metrics_totals *t, uint64_t ns)
{
	struct flow_record r = record_of("DNS", 1, 60);

	r.side[SIDE_BOTH].duration_ns = ns;
	metrics_totals_add(t, &r, true, NULL);
}

/* A bound belongs to its own bucket. */
static void buckets(void **state)
{
	struct metrics_totals *t = calloc(1, sizeof(*t));

	(void)state;
	for (int i = 0; i < METRICS_BUCKETS; i++) {
		if (i)
			assert_true(metrics_duration_bounds[i - 1] < metrics_duration_bounds[i] &&
				    metrics_size_bounds[i - 1] < metrics_size_bounds[i]);
		add_duration(t, metrics_duration_bounds[i]);
		add_duration(t, metrics_duration_bounds[i] + 1);
		add(t, "TLS", 1, metrics_size_bounds[i]);
		add(t, "TLS", 1, metrics_size_bounds[i] + 1);
	}
	assert_int_equal(t->durations.count[0], 1 + 2 * METRICS_BUCKETS);
	assert_int_equal(t->sizes.count[0], 1 + 2 * METRICS_BUCKETS);
	for (int i = 1; i < METRICS_BUCKETS; i++) {
		assert_int_equal(t->durations.count[i], 2);
		assert_int_equal(t->sizes.count[i], 2);
	}
	assert_int_equal(t->durations.count[METRICS_BUCKETS], 1);
	assert_int_equal(t->sizes.count[METRICS_BUCKETS], 1);
	free(t);
}

/* The sum of durations passes 64 bits of ns. */
static void long_sums(void **state)
{
	struct metrics_totals *t = calloc(1, sizeof(*t));

	(void)state;
	add_duration(t, UINT64_MAX);
	add_duration(t, UINT64_MAX);
	assert_true(t->durations.sum == 2 * (unsigned __int128)UINT64_MAX);
	assert_int_equal(t->durations.count[METRICS_BUCKETS], 2);
	free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names),
		cmocka_unit_test(absent),
		cmocka_unit_test(more_names_than_places),
		cmocka_unit_test(the_name_other),
		cmocka_unit_test(buckets),
		cmocka_unit_test(long_sums),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
