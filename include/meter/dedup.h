/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * --dedup: a packet that crosses several watched interfaces is counted at one of them. Each
 * direction of a flow has an owner, the place at which its first packet was met; what is met
 * elsewhere is a duplicate. The owner changes when its interface is no longer watched, and when it
 * has counted nothing for DEDUP_SILENCE_NS: then packets that are met elsewhere do not cross it.
 */
#ifndef METER_DEDUP_H
#define METER_DEDUP_H

#include "types.h"

/* Longer than a packet takes from one interface of a host to another. */
#define DEDUP_SILENCE_NS 1000000000ull

/* The bit of a number in a set of them, of 64 to a word. */
#define DEDUP_SET_WORDS    1024u
#define DEDUP_WORD(number) ((number) >> 6)
#define DEDUP_BIT(number)  (1ull << ((number)&63))

/* Whether the direction's owner has been silent for too long. In a new chunk of a flow nothing may
 * have come from it yet: then the time of the chunk before counts. */
static __always_inline int dedup_is_silent(const struct flow_counters *c, const struct packet *p)
{
	const struct flow_dir *d = &c->dir[p->dir & 1];
	__u64 last = d->packets ? d->last_ns : c->previous_ns;

	return last && p->time_ns >= last + DEDUP_SILENCE_NS;
}

#endif
