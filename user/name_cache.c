/* SPDX-License-Identifier: BSD-2-Clause */
#include "name_cache.h"

#include <stdlib.h>
#include <string.h>

struct cached_name {
	struct cached_name *next;
	uint32_t key;
	char text[];
};

static uint32_t slot_of(uint32_t key)
{
	return (key * 2654435761u >> 16) % NAME_CACHE_SLOTS;
}

const char *name_cache_find(const struct name_cache *c, uint32_t key)
{
	for (const struct cached_name *name = c->slots[slot_of(key)]; name; name = name->next)
		if (name->key == key)
			return name->text;
	return NULL;
}

const char *name_cache_add(struct name_cache *c, uint32_t key, const char *text)
{
	struct cached_name **slot = &c->slots[slot_of(key)];
	struct cached_name *name = malloc(sizeof(*name) + strlen(text) + 1);

	if (!name)
		return "";
	name->key = key;
	strcpy(name->text, text);
	name->next = *slot;
	*slot = name;
	return name->text;
}

void name_cache_free(struct name_cache *c)
{
	for (uint32_t i = 0; i < NAME_CACHE_SLOTS; i++) {
		struct cached_name *next;

		for (struct cached_name *name = c->slots[i]; name; name = next) {
			next = name->next;
			free(name);
		}
		c->slots[i] = NULL;
	}
}
