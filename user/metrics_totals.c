/* SPDX-License-Identifier: BSD-2-Clause */
#include "metrics_totals.h"

#include <stdio.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

_Static_assert(METRICS_NAMES < METRICS_NAME_SLOTS, "a free slot ends every search");
_Static_assert(METRICS_NAME_SLOTS == UINT8_MAX + 1, "a slot's number goes round by itself");

#define MS 1000000ull
#define S  1000000000ull

const uint64_t metrics_duration_bounds[METRICS_BUCKETS] = {
	1 * MS, 10 * MS, 100 * MS, 1 * S,   5 * S,   15 * S,
	30 * S, 60 * S,  120 * S,  300 * S, 900 * S, 3600 * S,
};

const uint64_t metrics_size_bounds[METRICS_BUCKETS] = {
	100,    300,     1000,     3000,      10000,      30000,
	100000, 1000000, 10000000, 100000000, 1000000000, 10000000000,
};

/*
 * The name's sums; a new name takes a free place while there is one, and is copied to its place in
 * texts unless that is NULL.
 */
static struct metrics_sum *sum_of(struct metrics_names *names, const char *name,
				  char (*texts)[INTERFACE_NAME_SIZE])
{
	uint8_t slot = XXH3_64bits(name, strlen(name)) % METRICS_NAME_SLOTS;

	for (; names->slots[slot]; slot++) { /* and round */
		uint32_t place = names->slots[slot] - 1;

		if (names->name[place] == name || !strcmp(names->name[place], name))
			return &names->sum[place];
	}
	if (names->count == METRICS_NAMES || !strcmp(name, METRICS_OTHER))
		return &names->other;
	if (texts) {
		snprintf(texts[names->count], INTERFACE_NAME_SIZE, "%s", name);
		name = texts[names->count];
	}
	names->name[names->count] = name;
	names->slots[slot] = ++names->count;
	return &names->sum[names->count - 1];
}

static void add_to(struct metrics_sum *sum, const struct flow_record *r)
{
	sum->flows++;
	sum->packets += r->side[SIDE_BOTH].packets;
	sum->bytes += r->side[SIDE_BOTH].bytes;
}

static void add_value(struct metrics_histogram *h, const uint64_t bounds[METRICS_BUCKETS],
		      uint64_t value)
{
	uint32_t bucket = 0;

	while (bucket < METRICS_BUCKETS && value > bounds[bucket])
		bucket++;
	h->count[bucket]++;
	h->sum += value;
}

void metrics_totals_expect(struct metrics_totals *t, const char *interface)
{
	sum_of(&t->interfaces, interface, t->interface_text);
}

void metrics_totals_add(struct metrics_totals *t, const struct flow_record *r, bool dissected,
			const char *interface)
{
	if (dissected) {
		add_to(sum_of(&t->applications, r->application_name, NULL), r);
		add_to(sum_of(&t->categories, r->category_name, NULL), r);
	}
	if (interface)
		add_to(sum_of(&t->interfaces, interface, t->interface_text), r);
	add_value(&t->durations, metrics_duration_bounds, r->side[SIDE_BOTH].duration_ns);
	add_value(&t->sizes, metrics_size_bounds, r->side[SIDE_BOTH].bytes);
}
