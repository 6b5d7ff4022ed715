/* SPDX-License-Identifier: BSD-2-Clause */
#include "watcher.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "interface_names.h"
#include "links.h"
#include "log.h"

struct watcher {
	const struct config *config;
	struct watch_list *list;
	const char *netns;
	struct watcher_hooks hooks;
	struct links *links;
	struct watch **watches;
	size_t count, room;
	bool *was_here; /* of the names without pattern, by their place in config->interfaces */
	bool started;
	int error; /* of the start */
};

struct watcher *watcher_new(const struct config *config, struct watch_list *list, const char *netns,
			    const struct watcher_hooks *hooks)
{
	struct watcher *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->config = config;
	w->list = list;
	w->netns = netns;
	w->hooks = *hooks;
	w->was_here = calloc(config->interfaces.count + 1, sizeof(*w->was_here));
	if (w->was_here)
		return w;
	free(w);
	return NULL;
}

size_t watcher_count(const struct watcher *w)
{
	return w->count;
}

struct watch *watcher_at(const struct watcher *w, size_t i)
{
	return w->watches[i];
}

int watcher_fd(const struct watcher *w)
{
	return w->links ? links_fd(w->links) : -1;
}

/* --- one interface ---------------------------------------------------------------------------- */

static struct watch *find(const struct watcher *w, unsigned int index)
{
	for (size_t i = 0; i < w->count; i++)
		if (w->watches[i]->index == index)
			return w->watches[i];
	return NULL;
}

/* The place of the name without pattern in the list of -i; its count: there is none. */
static size_t place_of(const struct watcher *w, const char *name)
{
	const struct string_list *names = &w->config->interfaces;
	size_t i = 0;

	while (i < names->count &&
	       !(interface_name_is_plain(names->items[i]) && !strcmp(names->items[i], name)))
		i++;
	return i;
}

static struct watch *add(struct watcher *w, unsigned int index, const char *name)
{
	size_t room = w->room ? w->room * 2 : 16, place = place_of(w, name);
	struct watch **grown, *watch;

	if (w->count == w->room) {
		grown = reallocarray(w->watches, room, sizeof(*grown));
		if (!grown)
			return NULL;
		w->watches = grown;
		w->room = room;
	}
	watch = calloc(1, sizeof(*watch));
	if (!watch)
		return NULL;
	watch->index = index;
	snprintf(watch->name, sizeof(watch->name), "%s", name);
	if (place < w->config->interfaces.count)
		watch->plain = w->config->interfaces.items[place];
	w->watches[w->count++] = watch;
	return watch;
}

static void detach(struct watcher *w, struct watch *watch, bool gone)
{
	if (!watch->hold)
		return;
	w->hooks.detach(w->hooks.context, watch, gone);
	watch->hold = NULL;
	watch_list_remove(w->list, watch->number);
}

static void drop(struct watcher *w, struct watch *watch, bool gone)
{
	size_t i = 0;

	detach(w, watch, gone);
	while (w->watches[i] != watch)
		i++;
	w->watches[i] = w->watches[--w->count];
	free(watch);
}

/*
 * Whether the number of a name without pattern is its own: nobody else has it, whose flows might
 * not be over. Where there is one name alone, flows know no other number.
 */
static bool is_own(const struct watcher *w, uint16_t number, const char *name)
{
	const struct watched *holder = watch_list_at(w->list, number);

	if (!interface_names_are_many(&w->config->interfaces) || !holder)
		return true;
	return holder->gone && !strcmp(holder->name, name);
}

/* A name without pattern keeps its number, so that its flows go on when it is back in time. */
static bool give_number(struct watcher *w, struct watch *watch)
{
	unsigned int index = watch->index ? watch->index : UINT32_MAX;
	size_t place = place_of(w, watch->name);

	if (place < w->config->interfaces.count) {
		watch->number = place + 1;
		if (is_own(w, watch->number, watch->name))
			return watch_list_put(w->list, watch->number, index, watch->name, w->netns);
	}
	watch->number = watch_list_find_gone(w->list, index, w->netns);
	if (watch->number)
		return watch_list_put(w->list, watch->number, index, watch->name, w->netns);
	watch->number = watch_list_add(w->list, index, watch->name, w->netns);
	return watch->number;
}

static int attach(struct watcher *w, struct watch *watch)
{
	int err = give_number(w, watch) ? w->hooks.attach(w->hooks.context, watch) : -ENOMEM;

	watch->waits = err == -EAGAIN;
	if (err)
		watch_list_remove(w->list, watch->number);
	return err;
}

static void say_failure(struct watcher *w, const struct watch *watch, int err, bool back)
{
	const char *why = err == -ENOMEM ? "out of memory, or of numbers; watch fewer interfaces"
					 : w->hooks.reason(w->hooks.context);

	if (w->hooks.failed)
		w->hooks.failed(w->hooks.context);
	if (!why)
		return;
	log_warning(back ? "%s: back, but %s" : "%s: is not watched: %s", watch->name, why);
}

/* What a pattern matches may fail alone; what is not permitted fails everywhere. */
static void attach_new(struct watcher *w, struct watch *watch)
{
	bool back = watch->plain && w->was_here[place_of(w, watch->plain)];
	int err = attach(w, watch);

	if (err == -ENODEV) {
		drop(w, watch, true);
		return;
	}
	if (err == -EPERM && !w->started)
		w->error = err;
	else if (err && err != -EAGAIN)
		say_failure(w, watch, err, back);
	else if (!err && back)
		log_warning("%s: back and watched", watch->name);
}

/* --- what the kernel tells -------------------------------------------------------------------- */

static bool is_changed(const struct watch *watch, const struct link_seen *link)
{
	return strcmp(watch->name, link->name) || watch->vlan_id != link->vlan_id;
}

static void change(struct watcher *w, struct watch *watch, const struct link_seen *link)
{
	snprintf(watch->name, sizeof(watch->name), "%s", link->name);
	watch->vlan_id = link->vlan_id;
	if (!watch->hold)
		return;
	watch_list_rename(w->list, watch->number, link->name);
	w->hooks.changed(w->hooks.context, watch);
}

/* What is watched stays so under any name but an excluded one. */
static void on_known(struct watcher *w, struct watch *watch, const struct link_seen *link)
{
	watch->marked = false;
	if (is_changed(watch, link)) {
		change(w, watch, link);
		if (interface_names_match(&w->config->interfaces, link->name) ==
		    INTERFACE_EXCLUDED) {
			drop(w, watch, false);
			return;
		}
	}
	if (!watch->hold && watch->waits)
		attach_new(w, watch);
}

static void on_seen(void *context, const struct link_seen *link)
{
	struct watcher *w = context;
	struct watch *watch = find(w, link->index);

	if (watch) {
		on_known(w, watch, link);
		return;
	}
	if (w->error ||
	    interface_names_match(&w->config->interfaces, link->name) != INTERFACE_WANTED)
		return;
	watch = add(w, link->index, link->name);
	if (!watch) {
		log_warning("%s: is not watched: out of memory; free some", link->name);
		return;
	}
	watch->vlan_id = link->vlan_id;
	attach_new(w, watch);
}

static void on_gone(void *context, unsigned int index)
{
	struct watcher *w = context;
	struct watch *watch = find(w, index);

	if (!watch)
		return;
	if (watch->plain) {
		w->was_here[place_of(w, watch->plain)] = true;
		log_warning("%s: gone; waiting for it to come back", watch->name);
	}
	drop(w, watch, true);
}

static struct links_sink sink_of(struct watcher *w)
{
	return (struct links_sink){ .context = w, .seen = on_seen, .gone = on_gone };
}

/* After events were lost: what a new list does not have is gone. */
static void compare(struct watcher *w)
{
	struct links_sink sink = sink_of(w);

	for (size_t i = 0; i < w->count; i++)
		w->watches[i]->marked = w->watches[i]->index;
	if (links_list(w->links, &sink))
		return; /* the next event asks again */
	for (size_t i = w->count; i--;)
		if (w->watches[i]->marked)
			on_gone(w, w->watches[i]->index);
}

void watcher_follow(struct watcher *w)
{
	struct links_sink sink = sink_of(w);

	if (w->links && !links_read(w->links, &sink))
		compare(w);
}

void watcher_retry(struct watcher *w)
{
	for (size_t i = w->count; i--;)
		if (!w->watches[i]->hold && w->watches[i]->waits)
			attach_new(w, w->watches[i]);
}

void watcher_lost(struct watcher *w, struct watch *watch)
{
	detach(w, watch, false);
	watch->waits = true;
}

/* --- start and end ---------------------------------------------------------------------------- */

static int start_plain(struct watcher *w, const char *name)
{
	unsigned int index = if_nametoindex(name);
	struct watch *watch;
	int err;

	if (index && find(w, index)) /* named twice */
		return 0;
	watch = add(w, index, name);
	err = watch ? attach(w, watch) : -ENOMEM;
	return err == -EAGAIN ? 0 : err;
}

static void say_what_is_awaited(const struct watcher *w)
{
	char names[256] = "";

	for (size_t i = 0; i < w->config->interfaces.count; i++) {
		size_t n = strlen(names);

		snprintf(names + n, sizeof(names) - n, "%s-i %s", n ? " " : "",
			 w->config->interfaces.items[i]);
	}
	log_warning("no interface of %s is there yet; waiting for one", names);
}

/* Where names have patterns, those that match; of those that are watched already, the rest. */
static int start_listed(struct watcher *w)
{
	struct links_sink sink = sink_of(w);
	int err = w->links ? links_list(w->links, &sink) : -EOPNOTSUPP;

	if (w->error)
		return w->error;
	if (!interface_names_are_open(&w->config->interfaces))
		return 0;
	if (err) {
		log_error("-i: interfaces cannot be followed: %s; name each of them",
			  strerror(-err));
		return -EINVAL;
	}
	if (!w->count)
		say_what_is_awaited(w);
	return 0;
}

int watcher_start(struct watcher *w, const char **failed)
{
	const struct string_list *names = &w->config->interfaces;
	int err = 0;

	/* Without it interfaces that have a name of their own are watched all the same. */
	links_open(&w->links);
	for (size_t i = 0; i < names->count && !err; i++) {
		*failed = names->items[i];
		if (interface_name_is_plain(names->items[i]))
			err = start_plain(w, names->items[i]);
	}
	if (!err && names->count) {
		*failed = NULL;
		err = start_listed(w);
	}
	w->started = true;
	return err;
}

void watcher_free(struct watcher *w)
{
	if (!w)
		return;
	while (w->count)
		drop(w, w->watches[w->count - 1], false);
	links_close(w->links);
	free(w->watches);
	free(w->was_here);
	free(w);
}
