/* SPDX-License-Identifier: BSD-2-Clause */
/* Names by number, made once and kept: what is returned lives as long as the cache. */
#ifndef USER_NAME_CACHE_H
#define USER_NAME_CACHE_H

#include <stdint.h>

#define NAME_CACHE_SLOTS 1024 /* a power of two */

struct cached_name;

/* Zeroed = empty. */
struct name_cache {
	struct cached_name *slots[NAME_CACHE_SLOTS];
};

/* NULL when there is none. */
const char *name_cache_find(const struct name_cache *c, uint32_t key);

/* Keeps a copy of the name and returns it; "" when memory is short. */
const char *name_cache_add(struct name_cache *c, uint32_t key, const char *name);

void name_cache_free(struct name_cache *c);

#endif
