/* SPDX-License-Identifier: BSD-2-Clause */
#include "watch_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"

struct watch_list {
	struct watched *items; /* by number; 0 is never used */
	uint32_t room;
	uint32_t used;  /* numbers below were given at some time */
	uint32_t first; /* that watch_list_add() gives */
	uint32_t next;  /* where the search for a free one goes on */
	uint64_t linger_ns;
};

struct watch_list *watch_list_new(uint16_t reserved, uint64_t linger_ns)
{
	struct watch_list *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->linger_ns = linger_ns;
	w->used = 1;
	w->first = w->next = reserved + 1u;
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

static bool is_free(const struct watch_list *w, uint32_t number, uint64_t now_ns)
{
	const struct watched *i = &w->items[number];

	return !i->index || (i->gone && now_ns - i->gone_ns >= w->linger_ns);
}

/* A number that was given before, the one after the last one first; 0: none is free. */
static uint32_t find_free(struct watch_list *w)
{
	uint64_t now = monotonic_ns();

	for (uint32_t i = w->first; i < w->used; i++) {
		uint32_t number = w->next < w->used ? w->next : w->first;

		w->next = number + 1;
		if (is_free(w, number, now))
			return number;
	}
	return 0;
}

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
	free(i->netns);
	*i = (struct watched){ .index = index, .netns = copy };
	snprintf(i->name, sizeof(i->name), "%s", name);
	return true;
}

uint16_t watch_list_find_gone(const struct watch_list *w, unsigned int index, const char *netns)
{
	for (uint32_t i = w->first; i < w->used; i++) {
		const struct watched *e = &w->items[i];

		if (e->gone && e->index == index && !strcmp(e->netns, netns))
			return i;
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
	struct watched *i;

	if (!number || number >= w->used)
		return;
	i = &w->items[number];
	i->gone = true;
	i->gone_ns = monotonic_ns();
}

const struct watched *watch_list_at(const struct watch_list *w, uint16_t number)
{
	if (!w || !number || number >= w->used || !w->items[number].index)
		return NULL;
	return &w->items[number];
}
