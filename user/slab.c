/* SPDX-License-Identifier: BSD-2-Clause */
#include "slab.h"

#include <stdlib.h>
#include <string.h>

void slab_init(struct slab *s, size_t size)
{
	*s = (struct slab){ .size = (size + 7) & ~(size_t)7 };
}

void slab_destroy(struct slab *s)
{
	for (uint32_t i = 0; i < s->chunk_count; i++)
		free(s->chunks[i]);
	free(s->chunks);
	free(s->links);
	*s = (struct slab){ 0 };
}

/* Room for the chunk table and the links grows by doubling. */
static int slab_widen(struct slab *s)
{
	uint32_t room = s->chunk_room ? s->chunk_room * 2 : 4;
	struct slab_link *links;
	char **chunks;

	chunks = reallocarray(s->chunks, room, sizeof(*chunks));
	if (!chunks)
		return -1;
	s->chunks = chunks;
	links = reallocarray(s->links, (size_t)room << SLAB_CHUNK_BITS, sizeof(*links));
	if (!links)
		return -1;
	s->links = links;
	s->chunk_room = room;
	return 0;
}

static int slab_grow(struct slab *s)
{
	uint32_t first = s->chunk_count << SLAB_CHUNK_BITS;
	char *chunk;

	if (s->chunk_count >= UINT32_MAX >> SLAB_CHUNK_BITS)
		return -1;
	if (s->chunk_count == s->chunk_room && slab_widen(s) < 0)
		return -1;
	chunk = malloc(s->size << SLAB_CHUNK_BITS);
	if (!chunk)
		return -1;
	s->chunks[s->chunk_count++] = chunk;
	for (uint32_t n = first + SLAB_CHUNK; n-- > first;) {
		if (!n)
			break;
		s->links[n].next = s->free;
		s->free = n;
	}
	return 0;
}

uint32_t slab_alloc(struct slab *s)
{
	uint32_t n;

	if (!s->free && slab_grow(s) < 0)
		return 0;
	n = s->free;
	s->free = s->links[n].next;
	s->used++;
	memset(slab_at(s, n), 0, s->size);
	return n;
}

void slab_release(struct slab *s, uint32_t number)
{
	s->links[number].next = s->free;
	s->free = number;
	s->used--;
}
