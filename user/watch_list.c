/* SPDX-License-Identifier: BSD-2-Clause */
#include "watch_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"

struct watch_list {
	struct watched *items; /* by number; 0 is never used */
	uint32_t room;
	uint32_t used;           /* numbers below were given at some time */
	uint32_t first;          /* that watch_list_add() gives */
	uint16_t oldest, newest; /* of those that are gone; 0 = none */
	uint64_t linger_ns;
};

struct watch_list *watch_list_new(uint16_t reserved, uint64_t linger_ns)
{
	struct watch_list *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->linger_ns = linger_ns;
	w->used = 1;
	w->first = reserved + 1u;
	return w;
}

void watch_list_free(struct watch_list *w)
{
	if (!w)
		return;
	for (uint32_t i = 1; i < w->used; i++)
		free(w->items[i].netns);
	free(w->items);
	free(w);
}

static bool has_room(struct watch_list *w, uint32_t number)
{
	uint32_t room = w->room ? w->room : 16;
	struct watched *grown;

	while (room <= number)
		room *= 2;
	if (room == w->room)
		return true;
	grown = realloc(w->items, room * sizeof(*grown));
	if (!grown)
		return false;
	memset(grown + w->room, 0, (room - w->room) * sizeof(*grown));
	w->items = grown;
	w->room = room;
	return true;
}

/* --- those that are gone, in the order in which they went ------------------------------------- */

static void append_gone(struct watch_list *w, uint16_t number)
{
	struct watched *i = &w->items[number];

	i->gone = true;
	i->gone_ns = monotonic_ns();
	i->older = w->newest;
	i->newer = 0;
	if (w->newest)
		w->items[w->newest].newer = number;
	else
		w->oldest = number;
	w->newest = number;
}

static void take_out_gone(struct watch_list *w, uint16_t number)
{
	const struct watched *i = &w->items[number];

	if (i->older)
		w->items[i->older].newer = i->newer;
	else
		w->oldest = i->newer;
	if (i->newer)
		w->items[i->newer].older = i->older;
	else
		w->newest = i->older;
}

/* The one that has been gone for longest, if for long enough; 0: none. */
static uint16_t find_free(const struct watch_list *w)
{
	uint64_t now = monotonic_ns();

	for (uint16_t number = w->oldest; number; number = w->items[number].newer) {
		if (now - w->items[number].gone_ns < w->linger_ns)
			return 0;
		if (number >= w->first)
			return number;
	}
	return 0;
}

/* --- numbers ---------------------------------------------------------------------------------- */

uint16_t watch_list_add(struct watch_list *w, unsigned int index, const char *name,
			const char *netns)
{
	uint32_t number = find_free(w);

	if (!number && w->used <= UINT16_MAX)
		number = w->used > w->first ? w->used : w->first;
	return number && watch_list_put(w, number, index, name, netns) ? number : 0;
}

bool watch_list_put(struct watch_list *w, uint16_t number, unsigned int index, const char *name,
		    const char *netns)
{
	struct watched *i;
	char *copy;

	if (!number || !has_room(w, number))
		return false;
	copy = strdup(netns);
	if (!copy)
		return false;
	if (number >= w->used)
		w->used = number + 1u;
	i = &w->items[number];
	if (i->gone)
		take_out_gone(w, number);
	free(i->netns);
	*i = (struct watched){ .index = index, .netns = copy };
	snprintf(i->name, sizeof(i->name), "%s", name);
	return true;
}

uint16_t watch_list_find_gone(const struct watch_list *w, unsigned int index, const char *netns)
{
	for (uint16_t number = w->newest; number; number = w->items[number].older) {
		const struct watched *i = &w->items[number];

		if (number >= w->first && i->index == index && !strcmp(i->netns, netns))
			return number;
	}
	return 0;
}

uint16_t watch_list_last(const struct watch_list *w)
{
	return w->used - 1;
}

void watch_list_rename(struct watch_list *w, uint16_t number, const char *name)
{
	if (number && number < w->used)
		snprintf(w->items[number].name, IFNAMSIZ, "%s", name);
}

void watch_list_remove(struct watch_list *w, uint16_t number)
{
	if (number && number < w->used && w->items[number].index && !w->items[number].gone)
		append_gone(w, number);
}

const struct watched *watch_list_at(const struct watch_list *w, uint16_t number)
{
	if (!w || !number || number >= w->used || !w->items[number].index)
		return NULL;
	return &w->items[number];
}
