/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Which flow a later fragment belongs to: a table from the datagram's identity to the flow of its
 * first fragment, the same in kernel and host, so that both forget alike. A sender that loses its
 * processor within a datagram lets hundreds of others pass before the next fragment (XDP on veth,
 * measured), so a slot, which the identity names, has room for several.
 */
#ifndef METER_FRAGMENT_H
#define METER_FRAGMENT_H

#include "types.h"

#define FRAGMENT_SLOTS 4096u
#define FRAGMENT_WAYS  4u /* datagrams in a slot */

/* A datagram may take this long to be complete: RFC 8200 section 4.5 (RFC 791 allows less). */
#define FRAGMENT_LIFE_NS 60000000000ull

struct fragment_flow {
	struct fragment_id id;
	struct flow_key key; /* canonical */
	__u64 time_ns;       /* of the first fragment */
	__u8 dir;
	__u8 used;
	__u8 zero[6];
};
_Static_assert(sizeof(struct fragment_flow) == 104, "fragment_flow has no padding");

struct fragment_slot {
	struct fragment_flow flow[FRAGMENT_WAYS];
	__u64 noted; /* so far: the next takes the place of the oldest */
};

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

static __always_inline int fragment_is_of(const struct fragment_flow *f, const struct packet *p)
{
	return f->used && f->key.interface == p->key.interface &&
	       fragment_id_equal(&f->id, &p->fragment_id);
}

static __always_inline struct fragment_flow *fragment_find(struct fragment_slot *slot,
							   const struct packet *p)
{
	for (__u32 i = 0; i < FRAGMENT_WAYS; i++)
		if (fragment_is_of(&slot->flow[i], p))
			return &slot->flow[i];
	return 0;
}

/*
 * With the packet's slot: a first fragment is noted, a later one gets the flow of its
 * first. One whose first was not seen, or whose slot went to FRAGMENT_WAYS other datagrams, stays
 * without ports. Call it once the key is canonical; in the kernel under the slot's lock, so it
 * calls nothing.
 */
static __always_inline void fragment_resolve(struct fragment_slot *slot, struct packet *p)
{
	struct fragment_flow *f = fragment_find(slot, p);

	if (p->fragment == FRAGMENT_FIRST) {
		if (!f)
			f = &slot->flow[slot->noted++ % FRAGMENT_WAYS];
		f->id = p->fragment_id;
		f->key = p->key;
		f->time_ns = p->time_ns;
		f->dir = p->dir;
		f->used = 1;
		return;
	}
	if (!f || (p->time_ns > f->time_ns && p->time_ns - f->time_ns >= FRAGMENT_LIFE_NS))
		return;
	p->key = f->key;
	p->dir = f->dir;
}

#endif
