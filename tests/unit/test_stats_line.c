/* SPDX-License-Identifier: BSD-2-Clause */
/* The line of rates: its words and numbers, and when it is due. Time is what the test says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "stats_line.h"

#define S 1000000000ull

static const struct stats_moment start = {
	.time_ns = 1000 * S,
	.packets = 500,
	.bytes = 7000,
	.lost = 3,
	.cpu_ns = 2 * S,
	.flows = 9,
};

static void check(const struct stats_moment *now, const char *expected)
{
	struct stats_line s;
	char line[STATS_LINE_SIZE];

	stats_line_begin(&s, S, &start);
	stats_line_next(&s, now, line);
	assert_string_equal(line, expected);
	assert_memory_equal(&s.last, now, sizeof(*now));
}

static void rates(void **state)
{
	struct stats_moment now = start;

	(void)state;
	now.time_ns += 2 * S;
	now.packets += 24068;
	now.bytes += 800000;
	now.cpu_ns += 62000000;
	now.flows = 1234;
	check(&now, "12034 pps, 3.2 Mbit/s, flows 1234, lost 3 (+0), cpu 3.1 %");
	now.lost += 17;
	check(&now, "12034 pps, 3.2 Mbit/s, flows 1234, lost 20 (+17), cpu 3.1 %");
}

static void nothing_happened(void **state)
{
	struct stats_moment now = start;

	(void)state;
	now.time_ns += S / 2;
	check(&now, "0 pps, 0.0 Mbit/s, flows 9, lost 3 (+0), cpu 0.0 %");
	now.time_ns = start.time_ns;
	now.packets += 5;
	check(&now, "0 pps, 0.0 Mbit/s, flows 9, lost 3 (+0), cpu 0.0 %");
}

static void extras(void **state)
{
	struct stats_moment now = start;

	(void)state;
	now.time_ns += S;
	now.extras = (struct stats_extras){ .map_flows = 1234, .map_max = 262144 };
	check(&now, "0 pps, 0.0 Mbit/s, flows 9, map 1234/262144 (0 %), lost 3 (+0), cpu 0.0 %");
	now.extras = (struct stats_extras){ .map_max = 64, .bpf_ns = 21000000 };
	check(&now,
	      "0 pps, 0.0 Mbit/s, flows 9, map 0/64 (0 %), lost 3 (+0), cpu 0.0 %, bpf 2.1 %");
	now.extras = (struct stats_extras){ .map_flows = 64, .map_max = 64, .bpf_ns = 3 * S };
	check(&now, "0 pps, 0.0 Mbit/s, flows 9, map 64/64 (100 %), lost 3 (+0), cpu 0.0 %, "
		    "bpf 300.0 %");
}

/* Widest numbers still fit. */
static void limits(void **state)
{
	struct stats_moment now = {
		.time_ns = start.time_ns + 1,
		.packets = UINT64_MAX,
		.bytes = UINT64_MAX,
		.lost = UINT64_MAX,
		.cpu_ns = UINT64_MAX,
		.flows = UINT64_MAX,
		.extras = { UINT64_MAX, UINT64_MAX, UINT64_MAX },
	};
	struct stats_line s;
	char line[STATS_LINE_SIZE];

	(void)state;
	stats_line_begin(&s, S, &start);
	stats_line_next(&s, &now, line);
	assert_true(strlen(line) < STATS_LINE_SIZE - 1);
	assert_string_equal(line + strlen(line) - 2, " %");
}

static void compared_with_the_last_one(void **state)
{
	struct stats_moment now = start;
	struct stats_line s;
	char line[STATS_LINE_SIZE];

	(void)state;
	stats_line_begin(&s, S, &start);
	now.time_ns += S;
	now.packets += 10;
	now.extras.bpf_ns = S / 10;
	stats_line_next(&s, &now, line);
	assert_string_equal(line, "10 pps, 0.0 Mbit/s, flows 9, lost 3 (+0), cpu 0.0 %, "
				  "bpf 10.0 %");
	now.time_ns += S;
	now.packets += 4;
	now.extras.bpf_ns += S / 5;
	stats_line_next(&s, &now, line);
	assert_string_equal(line, "4 pps, 0.0 Mbit/s, flows 9, lost 3 (+0), cpu 0.0 %, "
				  "bpf 20.0 %");
}

static void when_it_is_due(void **state)
{
	struct stats_moment now = start;
	struct stats_line s;
	char line[STATS_LINE_SIZE];

	(void)state;
	stats_line_begin(&s, 0, &start);
	assert_false(stats_line_due(&s, UINT64_MAX));
	stats_line_begin(&s, 10 * S, &start);
	assert_false(stats_line_due(&s, 1010 * S - 1));
	assert_true(stats_line_due(&s, 1010 * S));
	now.time_ns = 1013 * S; /* late: the beat stays */
	stats_line_next(&s, &now, line);
	assert_false(stats_line_due(&s, 1020 * S - 1));
	assert_true(stats_line_due(&s, 1020 * S));
	now.time_ns = 1031 * S; /* a whole interval late: a new beat */
	stats_line_next(&s, &now, line);
	assert_false(stats_line_due(&s, 1041 * S - 1));
	assert_true(stats_line_due(&s, 1041 * S));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rates),          cmocka_unit_test(nothing_happened),
		cmocka_unit_test(extras),         cmocka_unit_test(limits),
		cmocka_unit_test(when_it_is_due), cmocka_unit_test(compared_with_the_last_one),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
