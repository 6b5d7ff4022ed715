/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which flow a later fragment belongs to: a direct-mapped table from the datagram's identity to
 * the flow of its first fragment, the same in kernel and host, so that both forget alike.
 */
#ifndef METER_FRAGMENT_H
#define METER_FRAGMENT_H

#include "types.h"

#define FRAGMENT_SLOTS 1024u

/* A datagram may take this long to be complete: RFC 8200 section 4.5 (RFC 791 allows less). */
#define FRAGMENT_LIFE_NS 60000000000ull

struct fragment_slot {
	struct fragment_id id;
	struct flow_key key; /* canonical */
	__u64 time_ns;       /* of the first fragment */
	__u8 dir;
	__u8 used;
	__u8 zero[6];
};
_Static_assert(sizeof(struct fragment_slot) == 104, "fragment_slot has no padding");

struct fragment_words {
	__u64 word[5];
} __attribute__((may_alias));

/*
 * A datagram is met once at each interface where those are told apart, its fragments of one
 * between those of another: their slots differ, as long as the interfaces are fewer than slots.
 */
static __always_inline __u32 fragment_slot_of(const struct packet *p)
{
	const struct fragment_words *w = (const struct fragment_words *)&p->fragment_id;
	__u64 h = w->word[4];

	for (int i = 0; i < 4; i++) {
		h = (h ^ w->word[i]) * 0x9e3779b97f4a7c15ull;
		h ^= h >> 32; /* a product carries upwards only */
	}
	return ((h >> 40) ^ p->key.interface) & (FRAGMENT_SLOTS - 1);
}

static __always_inline int fragment_id_equal(const struct fragment_id *a,
					     const struct fragment_id *b)
{
	const struct fragment_words *x = (const struct fragment_words *)a;
	const struct fragment_words *y = (const struct fragment_words *)b;

	return !((x->word[0] ^ y->word[0]) | (x->word[1] ^ y->word[1]) | (x->word[2] ^ y->word[2]) |
		 (x->word[3] ^ y->word[3]) | (x->word[4] ^ y->word[4]));
}

/*
 * With the packet's slot: a first fragment is noted, a later one gets the flow of its
 * first. One whose first was not seen, or whose slot went to another datagram, stays without
 * ports. Call it once the key is canonical.
 */
static __always_inline void fragment_resolve(struct fragment_slot *slot, struct packet *p)
{
	if (p->fragment == FRAGMENT_FIRST) {
		slot->id = p->fragment_id;
		slot->key = p->key;
		slot->time_ns = p->time_ns;
		slot->dir = p->dir;
		slot->used = 1;
		return;
	}
	if (!slot->used || slot->key.interface != p->key.interface ||
	    !fragment_id_equal(&slot->id, &p->fragment_id))
		return;
	if (p->time_ns > slot->time_ns && p->time_ns - slot->time_ns >= FRAGMENT_LIFE_NS)
		return;
	p->key = slot->key;
	p->dir = slot->dir;
}

#endif
