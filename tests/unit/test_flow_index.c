/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * flow_index.c against an array that remembers what is in it: after any history of additions and
 * removals each number is found from its hash, and nothing else is.
 */
#include "flow_index.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#define NUMBERS 20000u

static struct flow_index index_;
static uint32_t hashes[NUMBERS + 1]; /* by number */
static uint8_t present[NUMBERS + 1];
static uint32_t count;

static int begin(void **state)
{
	(void)state;
	for (uint32_t n = 0; n <= NUMBERS; n++)
		present[n] = 0;
	count = 0;
	return flow_index_init(&index_);
}

static int end(void **state)
{
	(void)state;
	flow_index_destroy(&index_);
	return 0;
}

static void add(uint32_t number, uint32_t hash)
{
	assert_int_equal(flow_index_add(&index_, hash, number), 0);
	hashes[number] = hash;
	present[number] = 1;
	count++;
}

static void drop(uint32_t number)
{
	flow_index_remove(&index_, hashes[number], number);
	present[number] = 0;
	count--;
}

/* As its users look up: from the hash's bucket to the first empty one. */
static int is_found(uint32_t number)
{
	uint32_t at = hashes[number] & index_.mask;

	for (; index_.buckets[at].number; at = (at + 1) & index_.mask)
		if (index_.buckets[at].hash == hashes[number] &&
		    index_.buckets[at].number == number)
			return 1;
	return 0;
}

static void assert_as_remembered(void)
{
	uint32_t filled = 0;

	assert_int_equal(index_.used, count);
	for (uint32_t n = 1; n <= NUMBERS; n++)
		assert_int_equal(is_found(n), present[n]);
	for (uint32_t i = 0; i <= index_.mask; i++)
		filled += index_.buckets[i].number != 0;
	assert_int_equal(filled, count);
}

static uint32_t next_random(void)
{
	static uint64_t random = 11;

	random = random * 6364136223846793005ull + 1442695040888963407ull;
	return random >> 32;
}

/* Thousands of additions and removals in random order, the hash cut to this many bits. */
static void churn(uint32_t mask, uint32_t numbers, int steps)
{
	for (int i = 0; i < steps; i++) {
		uint32_t n = 1 + next_random() % numbers;

		if (present[n])
			drop(n);
		else
			add(n, next_random() & mask);
		if (i % (steps / 4) == 0)
			assert_as_remembered();
	}
	assert_as_remembered();
	for (uint32_t n = 1; n <= numbers; n++)
		if (present[n])
			drop(n);
	assert_as_remembered();
}

static void random_hashes(void **state)
{
	(void)state;
	churn(UINT32_MAX, NUMBERS, 200000);
}

/* Few buckets are anybody's home, so chains are long and removal has to shift far. */
static void crowded_hashes(void **state)
{
	(void)state;
	churn(15, 300, 20000);
}

static void one_hash_for_all(void **state)
{
	(void)state;
	churn(0, 200, 5000);
}

/* Chains that go over the end of the table. */
static void hashes_at_the_end_of_the_table(void **state)
{
	(void)state;
	for (uint32_t n = 1; n <= 100; n++)
		add(n, 1023 - n % 4);
	assert_int_equal(index_.mask, 1023);
	assert_as_remembered();
	for (uint32_t n = 1; n <= 100; n += 2)
		drop(n);
	assert_as_remembered();
	for (uint32_t n = 2; n <= 100; n += 2) {
		drop(n);
		assert_as_remembered();
	}
}

static void it_grows_and_stays_sparse(void **state)
{
	(void)state;
	for (uint32_t n = 1; n <= NUMBERS; n++) {
		add(n, next_random());
		assert_true(index_.used * 3 <= (index_.mask + 1) * 2 + 3);
	}
	assert_int_equal((index_.mask + 1) & index_.mask, 0);
	assert_as_remembered();
}

/* The same number under another hash, the same hash under another number. */
static void hash_and_number_both_count(void **state)
{
	(void)state;
	add(1, 77);
	add(2, 77);
	add(3, 77 + 1024);
	assert_as_remembered();
	drop(1);
	assert_as_remembered();
	add(1, 78);
	assert_as_remembered();
	drop(3);
	drop(2);
	assert_as_remembered();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(random_hashes, begin, end),
		cmocka_unit_test_setup_teardown(crowded_hashes, begin, end),
		cmocka_unit_test_setup_teardown(one_hash_for_all, begin, end),
		cmocka_unit_test_setup_teardown(hashes_at_the_end_of_the_table, begin, end),
		cmocka_unit_test_setup_teardown(it_grows_and_stays_sparse, begin, end),
		cmocka_unit_test_setup_teardown(hash_and_number_both_count, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
