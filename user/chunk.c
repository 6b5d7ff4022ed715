/* SPDX-License-Identifier: BSD-2-Clause */
#include "chunk.h"

#include <stdbool.h>
#include <stdint.h>

#include "meter/meter.h"

/* First and last packet of a chunk, or of one direction of it. */
struct span {
	uint64_t first_ns, last_ns;
	bool empty;
};

static struct span span_of_dir(const struct flow_dir *d)
{
	return (struct span){ d->first_ns, d->last_ns, !d->packets };
}

static struct span span_of_flow(const struct flow_counters *c)
{
	return (struct span){ meter_first_ns(c), meter_last_ns(c),
			      !c->dir[0].packets && !c->dir[1].packets };
}

static bool is_before(const struct span *a, const struct span *b)
{
	if (a->empty || b->empty)
		return b->empty && !a->empty;
	return a->first_ns != b->first_ns ? a->first_ns < b->first_ns : a->last_ns < b->last_ns;
}

static uint64_t gap_between(const struct span *a, const struct span *b)
{
	if (a->last_ns < b->first_ns)
		return b->first_ns - a->last_ns;
	return b->last_ns < a->first_ns ? a->first_ns - b->last_ns : 0;
}

static void merge_gaps(struct flow_gaps *into, const struct flow_gaps *from, const struct span *a,
		       const struct span *b)
{
	meter_raise(&into->inv_min_ns, from->inv_min_ns);
	meter_raise(&into->max_ns, from->max_ns);
	meter_add128(&into->squares, from->squares.hi, from->squares.lo);
	if (!a->empty && !b->empty)
		meter_add_gap(into, gap_between(a, b));
}

static void merge_dir_stats(struct flow_dir_stats *into, const struct flow_dir_stats *from)
{
	meter_raise32(&into->inv_min_size, from->inv_min_size);
	meter_raise32(&into->max_size, from->max_size);
	meter_add128(&into->size_squares, from->size_squares.hi, from->size_squares.lo);
}

static void merge_stats(const struct flow_chunk *into, const struct flow_chunk *from)
{
	struct span a = span_of_flow(into->counters), b = span_of_flow(from->counters);

	merge_gaps(&into->stats->gaps, &from->stats->gaps, &a, &b);
	for (int dir = 0; dir < 2; dir++) {
		struct flow_dir_stats *to = &into->stats->dir[dir];
		const struct flow_dir_stats *add = &from->stats->dir[dir];

		a = span_of_dir(&into->counters->dir[dir]);
		b = span_of_dir(&from->counters->dir[dir]);
		merge_dir_stats(to, add);
		merge_gaps(&to->gaps, &add->gaps, &a, &b);
		for (int bit = 0; bit < TCP_FLAG_BITS; bit++)
			meter_add32(meter_flag_count(into->stats, dir, bit),
				    *meter_flag_count(from->stats, dir, bit));
	}
}

static bool has_sequence(const struct flow_chunk *c, int dir)
{
	return c->counters->next_seq[dir] || c->tcp->dir[dir].hole_end;
}

/* Where one moment holds the direction's packets of both chunks, the chunks' order is theirs. */
static bool dir_is_earlier(const struct flow_chunk *from, const struct flow_chunk *into, int dir)
{
	struct span a = span_of_dir(&into->counters->dir[dir]);
	struct span b = span_of_dir(&from->counters->dir[dir]);

	if (is_before(&a, &b) || is_before(&b, &a))
		return is_before(&b, &a);
	a = span_of_flow(into->counters);
	b = span_of_flow(from->counters);
	return is_before(&b, &a);
}

static void merge_tcp(const struct flow_chunk *into, const struct flow_chunk *from)
{
	for (int dir = 0; dir < 2; dir++) {
		struct flow_tcp_dir *to = &into->tcp->dir[dir];
		const struct flow_tcp_dir *add = &from->tcp->dir[dir];

		if (has_sequence(from, dir) &&
		    (!dir_is_earlier(from, into, dir) || !has_sequence(into, dir))) {
			into->counters->next_seq[dir] = from->counters->next_seq[dir];
			to->hole_seq = add->hole_seq;
			to->hole_end = add->hole_end;
		}
		meter_add32(&to->retransmitted, add->retransmitted);
		meter_add32(&to->out_of_order, add->out_of_order);
		meter_add32(&to->zero_window, add->zero_window);
	}
}

/* earlier: from is, where the direction itself does not tell. */
static void merge_dir(struct flow_dir *into, const struct flow_dir *from, bool earlier)
{
	if (!from->packets)
		return;
	if (!into->packets) {
		*into = *from;
		return;
	}
	if (from->first_ns < into->first_ns || (earlier && from->first_ns == into->first_ns)) {
		into->first_ns = from->first_ns;
		into->tos = from->tos;
	}
	meter_raise(&into->last_ns, from->last_ns);
	meter_add(&into->packets, from->packets);
	meter_add(&into->bytes, from->bytes);
	meter_or32(&into->tcp_flags, from->tcp_flags);
	if (from->ttl_max > into->ttl_max)
		into->ttl_max = from->ttl_max;
	if (from->ttl_inv_min > into->ttl_inv_min)
		into->ttl_inv_min = from->ttl_inv_min;
}

static bool dir_is_before(const struct flow_counters *a, const struct flow_counters *b, int dir)
{
	struct span x = span_of_dir(&a->dir[dir]), y = span_of_dir(&b->dir[dir]);

	return is_before(&x, &y);
}

static void merge_counters(struct flow_counters *into, const struct flow_counters *from)
{
	struct span a = span_of_flow(into), b = span_of_flow(from);
	bool earlier = is_before(&b, &a);

	if (earlier) {
		into->initiator = from->initiator;
		into->previous_ns = from->previous_ns;
	}
	into->emitted = from->emitted < UINT32_MAX - into->emitted ? into->emitted + from->emitted
								   : UINT32_MAX;
	if (from->appetite > into->appetite)
		into->appetite = from->appetite;
	for (int dir = 0; dir < 2; dir++) {
		if (!into->place[dir] || (from->place[dir] && dir_is_before(from, into, dir)))
			into->place[dir] = from->place[dir];
		merge_dir(&into->dir[dir], &from->dir[dir], earlier);
	}
}

void chunk_merge(const struct flow_chunk *into, const struct flow_chunk *from)
{
	if (span_of_flow(from->counters).empty)
		return;
	/* These look at the times of both, so the counters come last. */
	if (into->stats && from->stats)
		merge_stats(into, from);
	if (into->tcp && from->tcp)
		merge_tcp(into, from);
	merge_counters(into->counters, from->counters);
}
