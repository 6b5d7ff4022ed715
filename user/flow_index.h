/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hash index from 32-bit hash to object number: open addressing, linear probing, deletion by
 * shifting back, so that a look-up reads one cache line as a rule. The caller compares keys.
 */
#ifndef USER_FLOW_INDEX_H
#define USER_FLOW_INDEX_H

#include <stdint.h>

struct index_bucket {
	uint32_t hash;
	uint32_t number; /* 0 = empty */
};

struct flow_index {
	struct index_bucket *buckets;
	uint32_t mask; /* buckets - 1, a power of two */
	uint32_t used;
};

int flow_index_init(struct flow_index *index); /* 0 or -ENOMEM */
void flow_index_destroy(struct flow_index *index);
/* 0 or -ENOMEM, then nothing was added. */
int flow_index_add(struct flow_index *index, uint32_t hash, uint32_t number);
void flow_index_remove(struct flow_index *index, uint32_t hash, uint32_t number);

#endif
