/* SPDX-License-Identifier: BSD-2-Clause */
#include "sparse.h"

#include <string.h>

uint32_t sparse_pack(const uint64_t *words, uint32_t count, uint64_t *out)
{
	uint64_t *next = out + sparse_bitmap_words(count);

	memset(out, 0, sparse_bitmap_words(count) * sizeof(*out));
	for (uint32_t i = 0; i < count; i++) {
		/* Without a branch, which the processor would guess wrong every few words. */
		*next = words[i];
		next += words[i] != 0;
		out[i / 64] |= (uint64_t)(words[i] != 0) << i % 64;
	}
	return next - out;
}

void sparse_unpack(uint64_t *words, uint32_t count, const uint64_t *packed)
{
	const uint64_t *next = packed + sparse_bitmap_words(count);

	memset(words, 0, count * sizeof(*words));
	for (uint32_t b = 0; b < sparse_bitmap_words(count); b++)
		for (uint64_t bits = packed[b]; bits; bits &= bits - 1)
			words[b * 64 + __builtin_ctzll(bits)] = *next++;
}
