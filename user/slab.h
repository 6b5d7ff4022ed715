/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Fixed-size objects by number, from chunks that never move, with two links each for lists that
 * their owner keeps. Number 0 is never handed out: it means none. Memory of freed objects is
 * reused, last freed first.
 */
#ifndef USER_SLAB_H
#define USER_SLAB_H

#include <stddef.h>
#include <stdint.h>

#define SLAB_CHUNK_BITS 10
#define SLAB_CHUNK      (1u << SLAB_CHUNK_BITS)

struct slab_link {
	uint32_t prev, next;
};

struct slab {
	char **chunks;
	struct slab_link *links; /* by object number */
	size_t size;             /* of an object, a multiple of 8 */
	uint32_t chunk_count, chunk_room;
	uint32_t free; /* head of the free list, linked by next */
	uint32_t used;
};

void slab_init(struct slab *s, size_t size);
void slab_destroy(struct slab *s);

/* A zeroed object, or 0 when memory is short. */
uint32_t slab_alloc(struct slab *s);
void slab_release(struct slab *s, uint32_t number);

static inline void *slab_at(const struct slab *s, uint32_t number)
{
	return s->chunks[number >> SLAB_CHUNK_BITS] + (number & (SLAB_CHUNK - 1)) * s->size;
}

/* A list of objects of one slab, in the order of slab_append(). Zeroed = empty. */
struct slab_list {
	uint32_t head, tail;
};

static inline void slab_append(struct slab *s, struct slab_list *l, uint32_t n)
{
	s->links[n] = (struct slab_link){ .prev = l->tail };
	if (l->tail)
		s->links[l->tail].next = n;
	else
		l->head = n;
	l->tail = n;
}

static inline void slab_remove(struct slab *s, struct slab_list *l, uint32_t n)
{
	struct slab_link link = s->links[n];

	if (link.prev)
		s->links[link.prev].next = link.next;
	else
		l->head = link.next;
	if (link.next)
		s->links[link.next].prev = link.prev;
	else
		l->tail = link.prev;
}

#endif
