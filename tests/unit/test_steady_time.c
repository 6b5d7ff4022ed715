/* SPDX-License-Identifier: BSD-2-Clause */
/* Packet time goes on as if nobody had set the clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "steady_time.h"

#define MS   1000000ull
#define S    (1000 * MS)
#define HOUR (3600 * S)
#define WALL (1700000000 * S)
#define MONO (5000 * S)

static struct steady_time begin(void)
{
	struct steady_time t;

	steady_time_begin(&t, WALL, MONO);
	return t;
}

static void without_a_step_it_is_the_stamp(void **state)
{
	struct steady_time t = begin();

	(void)state;
	for (uint64_t at = 0; at < 60 * S; at += 100 * MS) {
		assert_false(steady_time_compare(&t, WALL + at, MONO + at));
		assert_int_equal(steady_time_of(&t, WALL + at + 7), WALL + at + 7);
		assert_int_equal(steady_time_of(&t, WALL + at - 3 * S), WALL + at - 3 * S);
	}
}

static void a_step_does_not_show(void **state)
{
	const uint64_t steps[] = { HOUR, -HOUR, S, -S };

	(void)state;
	for (int i = 0; i < 4; i++) {
		struct steady_time t = begin();

		assert_true(steady_time_compare(&t, WALL + steps[i] + S, MONO + S));
		assert_int_equal(t.step_ns, steps[i]);
		/* stamped just before the step, and after it */
		assert_int_equal(steady_time_of(&t, WALL + 900 * MS), WALL + 900 * MS);
		assert_int_equal(steady_time_of(&t, WALL + steps[i] + S), WALL + S);
		assert_false(steady_time_compare(&t, WALL + steps[i] + 2 * S, MONO + 2 * S));
		assert_int_equal(steady_time_of(&t, WALL + steps[i] + 2 * S), WALL + 2 * S);
	}
}

static void steps_add_up(void **state)
{
	struct steady_time t = begin();

	(void)state;
	assert_true(steady_time_compare(&t, WALL + HOUR + S, MONO + S));
	assert_true(steady_time_compare(&t, WALL + HOUR / 2 + 2 * S, MONO + 2 * S));
	assert_int_equal(steady_time_of(&t, WALL + HOUR / 2 + 2 * S), WALL + 2 * S);
	assert_true(steady_time_compare(&t, WALL + 3 * S, MONO + 3 * S));
	assert_int_equal(t.step_ns, 0);
	assert_int_equal(steady_time_of(&t, WALL + 3 * S), WALL + 3 * S);
}

/* Of a packet that has waited for long, only one reading is left when the step is long ago. */
static void a_step_is_forgotten(void **state)
{
	struct steady_time t = begin();

	(void)state;
	assert_true(steady_time_compare(&t, WALL - 4 * S + S, MONO + S));
	assert_int_equal(steady_time_of(&t, WALL + 900 * MS), WALL + 900 * MS);
	for (uint64_t at = S; at < 20 * S; at += 100 * MS)
		assert_false(steady_time_compare(&t, WALL - 4 * S + at, MONO + at));
	assert_int_equal(steady_time_of(&t, WALL + 12 * S), WALL + 16 * S);
}

/* 500 ppm, as NTP slews: far more than a step in an hour. */
static void a_slew_is_followed(void **state)
{
	struct steady_time t = begin();

	(void)state;
	for (uint64_t at = 0; at < HOUR; at += 100 * MS)
		assert_false(steady_time_compare(&t, WALL + at + at / 2000, MONO + at));
	assert_int_equal(steady_time_of(&t, WALL + HOUR), WALL + HOUR);
}

static void a_step_between_comparisons_is_odd(void **state)
{
	struct steady_time t = begin();

	(void)state;
	assert_false(steady_time_is_odd(&t, steady_time_of(&t, WALL + 200 * MS)));
	assert_true(steady_time_is_odd(&t, steady_time_of(&t, WALL + HOUR)));
	assert_true(steady_time_is_odd(&t, steady_time_of(&t, WALL - HOUR)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_step_it_is_the_stamp),
		cmocka_unit_test(a_step_does_not_show),
		cmocka_unit_test(steps_add_up),
		cmocka_unit_test(a_step_is_forgotten),
		cmocka_unit_test(a_slew_is_followed),
		cmocka_unit_test(a_step_between_comparisons_is_odd),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
