/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A flow's numbers may come in chunks: what the kernel's entry counted, and what the agent metered
 * itself while there was none. Merged, they are the numbers of the flow, as if metered at once.
 */
#ifndef USER_CHUNK_H
#define USER_CHUNK_H

#include "meter/types.h"

/* A view: the numbers are their owner's. */
struct flow_chunk {
	struct flow_counters *counters;
	struct flow_stats *stats; /* NULL = not counted */
	struct flow_tcp *tcp;     /* NULL = not counted */
};

/*
 * Adds the numbers of from, which stay as they are, to those of into. A chunk without packets adds
 * nothing, and takes everything. counters->state and what is reserved stay into's.
 *
 * Exact where one chunk follows the other in time; more than two are merged with their neighbours,
 * in any order. Where chunks overlap, the gap between them is 0 and gaps are approximate. The
 * sequence numbers of TCP start anew with each chunk.
 */
void chunk_merge(const struct flow_chunk *into, const struct flow_chunk *from);

#endif
