/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The flow key: canonical order and comparison. The parser leaves the sender in addr[0];
 * afterwards the lower endpoint is there and packet.dir says who sent.
 */
#ifndef METER_KEY_H
#define METER_KEY_H

#include "types.h"

struct key_words {
	__u64 word[6];
} __attribute__((may_alias));

/* < 0, 0, > 0 as the sender's endpoint sorts before, with or behind the receiver's. Any total
 * order serves, so words are compared in the machine's byte order. */
static __always_inline int key_compare_endpoints(const struct flow_key *key)
{
	const struct key_words *w = (const struct key_words *)key;

	if (w->word[1] != w->word[3])
		return w->word[1] < w->word[3] ? -1 : 1;
	if (w->word[0] != w->word[2])
		return w->word[0] < w->word[2] ? -1 : 1;
	return (int)key->port[0] - (int)key->port[1];
}

static __always_inline void key_canonicalize(struct packet *p)
{
	struct key_words *w = (struct key_words *)&p->key;
	__u64 hi, lo;
	__be16 port;

	p->dir = 0;
	if (key_compare_endpoints(&p->key) <= 0)
		return;
	hi = w->word[0];
	lo = w->word[1];
	w->word[0] = w->word[2];
	w->word[1] = w->word[3];
	w->word[2] = hi;
	w->word[3] = lo;
	port = p->key.port[0];
	p->key.port[0] = p->key.port[1];
	p->key.port[1] = port;
	p->dir = 1;
}

static __always_inline int key_equal(const struct flow_key *a, const struct flow_key *b)
{
	const struct key_words *x = (const struct key_words *)a, *y = (const struct key_words *)b;

	return !((x->word[0] ^ y->word[0]) | (x->word[1] ^ y->word[1]) | (x->word[2] ^ y->word[2]) |
		 (x->word[3] ^ y->word[3]) | (x->word[4] ^ y->word[4]) | (x->word[5] ^ y->word[5]));
}

#endif
