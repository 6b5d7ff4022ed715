/* SPDX-License-Identifier: BSD-2-Clause */
/* Texts kept once each: what is returned lives as long as the set. */
#ifndef USER_TEXT_SET_H
#define USER_TEXT_SET_H

#include <stddef.h>
#include <stdint.h>

struct text_set_entry;

/* Zeroed = empty. */
struct text_set {
	struct text_set_entry **slots; /* room of them, a power of two; NULL = free */
	uint32_t room, count;
};

/* The set's copy of these bytes up to the first zero; "" when memory is short. */
const char *text_set_keep(struct text_set *set, const char *text, size_t length);
void text_set_free(struct text_set *set);

#endif
