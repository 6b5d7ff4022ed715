/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Whether a packet is counted at another place. The owner stands in the flow's entry: what makes
 * entries exact (flows.bpf.h) makes this so.
 */
#ifndef BPF_DEDUP_H
#define BPF_DEDUP_H

#include "flows.bpf.h"
#include "meter/dedup.h"

static __always_inline int place_is_watched(__u32 place)
{
	__u32 word = DEDUP_WORD(METER_PLACE_INTERFACE(place));
	const __u64 *set = bpf_map_lookup_elem(&watched, &word);

	return set && *(const volatile __u64 *)set & DEDUP_BIT(METER_PLACE_INTERFACE(place));
}

/* Of an open entry, which stays the flow's while this program runs: the packet may take it over. */
static __always_inline int open_is_duplicate(struct flow_counters *c, const struct packet *p)
{
	__u32 *place = &c->place[p->dir & 1], owner = *(volatile __u32 *)place;

	if (owner == p->place)
		return 0;
	if (owner && !dedup_is_silent(c, p) && place_is_watched(owner))
		return 1;
	if (__sync_val_compare_and_swap(place, owner, p->place) == owner)
		return 0;
	return *(volatile __u32 *)place != p->place; /* another CPU was first */
}

/*
 * Of a closed one, which may become another flow's at any moment: what was read of it is its own
 * if it is closed still. Who owns the flow from here on is the agent's to say.
 */
static __always_inline int closed_is_duplicate(struct flow_counters *c, const struct packet *p,
					       __u64 state)
{
	__u32 owner = *(volatile __u32 *)&c->place[p->dir & 1];

	if (!owner || owner == p->place || dedup_is_silent(c, p) || !place_is_watched(owner))
		return 0;
	return flow_state(c) == state;
}

static __always_inline int flow_is_duplicate(struct flow_counters *c, const struct packet *p,
					     __u64 state, __u64 open)
{
	if (state == open)
		return open_is_duplicate(c, p);
	return (state & ~FLOW_CLOSING) == open && closed_is_duplicate(c, p, state);
}

#endif
