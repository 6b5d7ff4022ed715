/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A struct without its words that are zero, for those of which a million wait and most are empty.
 * Packed: a bitmap with a bit for each word, then the words that are not zero, in order.
 */
#ifndef USER_SPARSE_H
#define USER_SPARSE_H

#include <stdint.h>

static inline uint32_t sparse_bitmap_words(uint32_t words)
{
	return (words + 63) / 64;
}

/* Packs count words into out, which has room for the bitmap and all of them; returns how many. */
uint32_t sparse_pack(const uint64_t *words, uint32_t count, uint64_t *out);

/* Writes all count words. */
void sparse_unpack(uint64_t *words, uint32_t count, const uint64_t *packed);

#endif
