/* SPDX-License-Identifier: BSD-2-Clause */
/* sparse.h: what is packed comes back, and takes no more words than it has to. */
#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sparse.h"

/* On the heap in exact sizes, so that ASan sees each step beyond. */
static void assert_round_trip(const uint64_t *words, uint32_t count, uint32_t wanted)
{
	uint32_t room = sparse_bitmap_words(count) + count, used;
	uint64_t *packed = malloc(room * 8 + !room), *back = malloc(count * 8 + !count);
	uint64_t *exact;

	assert_true(packed && back);
	memset(packed, 0xaa, room * 8);
	memset(back, 0xaa, count * 8);
	used = sparse_pack(words, count, packed);
	assert_int_equal(used, wanted);
	exact = malloc(used * 8 + !used);
	assert_non_null(exact);
	memcpy(exact, packed, used * 8);
	sparse_unpack(back, count, exact);
	assert_memory_equal(back, words, count * 8);
	free(exact);
	free(back);
	free(packed);
}

static void all_and_nothing(void **state)
{
	uint64_t words[200];

	(void)state;
	for (uint32_t count = 1; count <= 200; count++) {
		memset(words, 0, sizeof(words));
		assert_round_trip(words, count, sparse_bitmap_words(count));
		memset(words, 0xff, sizeof(words));
		assert_round_trip(words, count, sparse_bitmap_words(count) + count);
	}
}

static void any_pattern(void **state)
{
	uint64_t words[200], random = 1;

	(void)state;
	for (int turn = 0; turn < 2000; turn++) {
		uint32_t count = 1 + turn % 200, set = 0;

		for (uint32_t i = 0; i < count; i++) {
			random = random * 6364136223846793005ull + 1442695040888963407ull;
			words[i] = random >> 61 ? 0 : random;
			set += words[i] != 0;
		}
		assert_round_trip(words, count, sparse_bitmap_words(count) + set);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_and_nothing),
		cmocka_unit_test(any_pattern),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
