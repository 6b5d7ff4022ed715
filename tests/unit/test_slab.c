/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * slab.c: objects by number that stay where they are, come zeroed and are reused, and the lists
 * that their owner keeps of them.
 */
#include "slab.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define OBJECT 56
#define MANY   (9 * SLAB_CHUNK + 17) /* the table of chunks grows twice */

static struct slab slab;

static int begin(void **state)
{
	(void)state;
	slab_init(&slab, OBJECT);
	return 0;
}

static int end(void **state)
{
	(void)state;
	slab_destroy(&slab);
	return 0;
}

static void assert_zeroed(const uint8_t *object)
{
	for (int i = 0; i < OBJECT; i++)
		assert_int_equal(object[i], 0);
}

static void numbers_are_unique_and_never_zero(void **state)
{
	uint8_t *seen = calloc(MANY + 2 * SLAB_CHUNK, 1);

	(void)state;
	assert_non_null(seen);
	for (uint32_t i = 0; i < MANY; i++) {
		uint32_t n = slab_alloc(&slab);

		assert_in_range(n, 1, MANY + SLAB_CHUNK);
		assert_int_equal(seen[n]++, 0);
		assert_int_equal(slab.used, i + 1);
	}
	free(seen);
}

/* Objects do not overlap, and growing moves none: pointers stay good. */
static void objects_keep_their_place_and_bytes(void **state)
{
	static uint8_t *objects[MANY];
	static uint32_t numbers[MANY];

	(void)state;
	for (uint32_t i = 0; i < MANY; i++) {
		numbers[i] = slab_alloc(&slab);
		objects[i] = slab_at(&slab, numbers[i]);
		assert_zeroed(objects[i]);
		assert_int_equal((uintptr_t)objects[i] % 8, 0);
		memset(objects[i], i & 0xff, OBJECT);
	}
	for (uint32_t i = 0; i < MANY; i++) {
		assert_ptr_equal(slab_at(&slab, numbers[i]), objects[i]);
		for (int j = 0; j < OBJECT; j++)
			assert_int_equal(objects[i][j], i & 0xff);
	}
}

static void freed_objects_come_back_zeroed_last_freed_first(void **state)
{
	uint32_t a = slab_alloc(&slab), b = slab_alloc(&slab), c = slab_alloc(&slab);

	(void)state;
	memset(slab_at(&slab, a), 0xaa, OBJECT);
	memset(slab_at(&slab, b), 0xbb, OBJECT);
	memset(slab_at(&slab, c), 0xcc, OBJECT);
	slab_release(&slab, a);
	slab_release(&slab, c);
	assert_int_equal(slab.used, 1);
	assert_int_equal(slab_alloc(&slab), c);
	assert_zeroed(slab_at(&slab, c));
	assert_int_equal(slab_alloc(&slab), a);
	assert_zeroed(slab_at(&slab, a));
	assert_int_equal(*(uint8_t *)slab_at(&slab, b), 0xbb);
}

/* However long it runs, memory is that of the most objects alive at once. */
static void reuse_needs_no_more_chunks(void **state)
{
	static uint32_t alive[1000];
	uint32_t random = 1;

	(void)state;
	for (int i = 0; i < 1000; i++)
		alive[i] = slab_alloc(&slab);
	for (int i = 0; i < 100000; i++) {
		random = random * 1664525 + 1013904223;
		slab_release(&slab, alive[random >> 16 & 511]);
		alive[random >> 16 & 511] = slab_alloc(&slab);
	}
	assert_int_equal(slab.chunk_count, 1);
	assert_int_equal(slab.used, 1000);
}

static void sizes_are_rounded_up_to_words(void **state)
{
	(void)state;
	for (size_t size = 1; size <= 24; size++) {
		struct slab s;
		uint32_t n;

		slab_init(&s, size);
		assert_int_equal(s.size, (size + 7) / 8 * 8);
		n = slab_alloc(&s);
		memset(slab_at(&s, n), 0xff, s.size);
		n = slab_alloc(&s);
		assert_int_equal((uintptr_t)slab_at(&s, n) % 8, 0);
		slab_destroy(&s);
	}
}

static void an_unused_slab_needs_nothing(void **state)
{
	(void)state;
	assert_null(slab.chunks);
	slab_destroy(&slab);
	slab_destroy(&slab); /* twice is fine */
}

static void assert_list(const struct slab_list *list, const uint32_t *numbers, int count)
{
	uint32_t previous = 0, n = list->head;

	for (int i = 0; i < count; i++) {
		assert_int_equal(n, numbers[i]);
		assert_int_equal(slab.links[n].prev, previous);
		previous = n;
		n = slab.links[n].next;
	}
	assert_int_equal(n, 0);
	assert_int_equal(list->tail, previous);
}

static void lists_keep_the_order(void **state)
{
	struct slab_list list = { 0 };
	uint32_t n[4];

	(void)state;
	for (int i = 0; i < 4; i++) {
		n[i] = slab_alloc(&slab);
		slab_append(&slab, &list, n[i]);
	}
	assert_list(&list, n, 4);
	slab_remove(&slab, &list, n[1]); /* within */
	assert_list(&list, (uint32_t[]){ n[0], n[2], n[3] }, 3);
	slab_remove(&slab, &list, n[3]); /* the tail */
	assert_list(&list, (uint32_t[]){ n[0], n[2] }, 2);
	slab_remove(&slab, &list, n[0]); /* the head */
	assert_list(&list, (uint32_t[]){ n[2] }, 1);
	slab_remove(&slab, &list, n[2]); /* the last one */
	assert_list(&list, NULL, 0);
	slab_append(&slab, &list, n[1]);
	assert_list(&list, (uint32_t[]){ n[1] }, 1);
}

/* An object goes from one list to another and keeps its links while the slab grows. */
static void lists_survive_growth(void **state)
{
	struct slab_list even = { 0 }, odd = { 0 };
	uint32_t count = 0;

	(void)state;
	for (uint32_t i = 0; i < MANY; i++)
		slab_append(&slab, &even, slab_alloc(&slab));
	for (uint32_t i = 0, n = even.head; n; i++) {
		uint32_t next = slab.links[n].next;

		if (i & 1) {
			slab_remove(&slab, &even, n);
			slab_append(&slab, &odd, n);
		}
		n = next;
	}
	for (uint32_t n = even.head; n; n = slab.links[n].next)
		count++;
	assert_int_equal(count, (MANY + 1) / 2);
	for (uint32_t n = odd.tail; n; n = slab.links[n].prev)
		count++;
	assert_int_equal(count, MANY);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(numbers_are_unique_and_never_zero, begin, end),
		cmocka_unit_test_setup_teardown(objects_keep_their_place_and_bytes, begin, end),
		cmocka_unit_test_setup_teardown(freed_objects_come_back_zeroed_last_freed_first,
						begin, end),
		cmocka_unit_test_setup_teardown(reuse_needs_no_more_chunks, begin, end),
		cmocka_unit_test_setup_teardown(sizes_are_rounded_up_to_words, begin, end),
		cmocka_unit_test_setup_teardown(an_unused_slab_needs_nothing, begin, end),
		cmocka_unit_test_setup_teardown(lists_keep_the_order, begin, end),
		cmocka_unit_test_setup_teardown(lists_survive_growth, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
