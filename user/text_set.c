/* SPDX-License-Identifier: BSD-2-Clause */
#include "text_set.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#define ROOM_MIN 64u

struct text_set_entry {
	uint64_t hash;
	size_t length;
	char text[];
};

/* Where the text is, or the free slot where it belongs. */
static struct text_set_entry **slot_of(const struct text_set *set, uint64_t hash, const char *text,
				       size_t length)
{
	for (uint64_t i = hash;; i++) {
		struct text_set_entry **slot = &set->slots[i & (set->room - 1)];

		if (!*slot || ((*slot)->hash == hash && (*slot)->length == length &&
			       !memcmp((*slot)->text, text, length)))
			return slot;
	}
}

static bool grow(struct text_set *set)
{
	struct text_set larger = { .room = set->room ? set->room * 2 : ROOM_MIN };

	larger.slots = calloc(larger.room, sizeof(*larger.slots));
	if (!larger.slots)
		return false;
	for (uint32_t i = 0; i < set->room; i++) {
		struct text_set_entry *e = set->slots[i];

		if (e)
			*slot_of(&larger, e->hash, e->text, e->length) = e;
	}
	larger.count = set->count;
	free(set->slots);
	*set = larger;
	return true;
}

const char *text_set_keep(struct text_set *set, const char *text, size_t length)
{
	struct text_set_entry **slot, *e;
	uint64_t hash;

	length = strnlen(text, length);
	hash = XXH3_64bits(text, length);
	if (set->count >= set->room / 2 && !grow(set))
		return "";
	slot = slot_of(set, hash, text, length);
	if (*slot)
		return (*slot)->text;
	e = malloc(sizeof(*e) + length + 1);
	if (!e)
		return "";
	e->hash = hash;
	e->length = length;
	memcpy(e->text, text, length);
	e->text[length] = '\0';
	*slot = e;
	set->count++;
	return e->text;
}

void text_set_free(struct text_set *set)
{
	for (uint32_t i = 0; i < set->room; i++)
		free(set->slots[i]);
	free(set->slots);
	*set = (struct text_set){ 0 };
}
