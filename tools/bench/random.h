/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * splitmix64: a hash of one number and the generator made of it. Integers only, so the sequence is
 * the same everywhere.
 */
#ifndef WEIR_BENCH_RANDOM_H
#define WEIR_BENCH_RANDOM_H

#include <stdint.h>

#define SPLITMIX_STEP 0x9e3779b97f4a7c15ULL

static inline uint64_t random_hash(uint64_t x)
{
	x += SPLITMIX_STEP;
	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
	return x ^ (x >> 31);
}

static inline uint64_t random_next(uint64_t *state)
{
	uint64_t value = random_hash(*state);

	*state += SPLITMIX_STEP;
	return value;
}

#endif
