/* SPDX-License-Identifier: BSD-2-Clause */
#include "flow_index.h"

#include <errno.h>
#include <stdlib.h>

#define FIRST_BUCKETS 1024u

int flow_index_init(struct flow_index *index)
{
	index->buckets = calloc(FIRST_BUCKETS, sizeof(*index->buckets));
	index->mask = FIRST_BUCKETS - 1;
	index->used = 0;
	return index->buckets ? 0 : -ENOMEM;
}

void flow_index_destroy(struct flow_index *index)
{
	free(index->buckets);
	index->buckets = NULL;
}

static void index_put(struct flow_index *index, struct index_bucket bucket)
{
	uint32_t at = bucket.hash & index->mask;

	while (index->buckets[at].number)
		at = (at + 1) & index->mask;
	index->buckets[at] = bucket;
}

static int index_grow(struct flow_index *index)
{
	struct flow_index wider = { .mask = index->mask * 2 + 1, .used = index->used };

	if (wider.mask == UINT32_MAX)
		return -ENOMEM;
	wider.buckets = calloc((size_t)wider.mask + 1, sizeof(*wider.buckets));
	if (!wider.buckets)
		return -ENOMEM;
	for (uint32_t i = 0; i <= index->mask; i++)
		if (index->buckets[i].number)
			index_put(&wider, index->buckets[i]);
	free(index->buckets);
	*index = wider;
	return 0;
}

int flow_index_add(struct flow_index *index, uint32_t hash, uint32_t number)
{
	/* Past two thirds full probing gets long; only a table that cannot grow goes on. */
	if (index->used > index->mask / 3 * 2 && index_grow(index) < 0 &&
	    index->used >= index->mask - index->mask / 8)
		return -ENOMEM;
	index_put(index, (struct index_bucket){ hash, number });
	index->used++;
	return 0;
}

void flow_index_remove(struct flow_index *index, uint32_t hash, uint32_t number)
{
	uint32_t hole = hash & index->mask, at;

	while (index->buckets[hole].number != number)
		hole = (hole + 1) & index->mask;
	/* Whatever sits behind the hole and may move closer to its home does. */
	for (at = (hole + 1) & index->mask; index->buckets[at].number;
	     at = (at + 1) & index->mask) {
		uint32_t home = index->buckets[at].hash & index->mask;

		if (((at - home) & index->mask) < ((at - hole) & index->mask))
			continue;
		index->buckets[hole] = index->buckets[at];
		hole = at;
	}
	index->buckets[hole].number = 0;
	index->used--;
}
