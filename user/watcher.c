/* SPDX-License-Identifier: BSD-2-Clause */
#include "watcher.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bpf_reason.h"
#include "capabilities.h"
#include "clock.h"
#include "interface_names.h"
#include "links.h"
#include "log.h"

/* Between looks at what namespaces there are. */
#define LOOK_NS 1000000000ull

struct watcher {
	const struct config *config;
	struct watch_list *list;
	struct namespaces *namespaces;
	uint64_t looked_ns; /* for namespaces */
	struct watcher_hooks hooks;
	struct links *links;
	struct watch **watches;
	size_t count, room;
	bool *was_here; /* of the names without pattern, by their place in config->interfaces */
	bool started;
	int error; /* of the start */
};

struct watcher *watcher_new(const struct config *config, struct watch_list *list,
			    const struct watcher_hooks *hooks)
{
	struct watcher *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->config = config;
	w->list = list;
	w->hooks = *hooks;
	w->was_here = calloc(config->interfaces.count + 1, sizeof(*w->was_here));
	w->namespaces = namespaces_new(config);
	if (w->was_here && w->namespaces)
		return w;
	watcher_free(w);
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

static struct watch *find(const struct watcher *w, const struct namespace *ns, unsigned int index)
{
	for (size_t i = 0; i < w->count; i++)
		if (w->watches[i]->index == index && w->watches[i]->ns == ns)
			return w->watches[i];
	return NULL;
}

/*
 * The place of the name without pattern in the list of -i; its count: there is none. With --netns
 * names are patterns like others: each namespace has an interface of that name, or has none.
 */
static size_t place_of(const struct watcher *w, const char *name)
{
	const struct string_list *names = &w->config->interfaces;
	size_t i = w->config->netns.count ? names->count : 0;

	while (i < names->count &&
	       !(interface_name_is_plain(names->items[i]) && !strcmp(names->items[i], name)))
		i++;
	return i;
}

static struct watch *add(struct watcher *w, struct namespace *ns, unsigned int index,
			 const char *name)
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
	watch->ns = ns;
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

	if (!interface_names_are_many(w->config) || !holder)
		return true;
	return holder->gone && !strcmp(holder->name, name);
}

/* It had one before, which nobody has been given since. */
static bool has_number(const struct watcher *w, const struct watch *watch)
{
	const struct watched *own = watch_list_at(w->list, watch->number);

	return own && own->index == watch->index && !strcmp(own->netns, watch->ns->name);
}

/* A name without pattern keeps its number, so that its flows go on when it is back in time. */
static bool give_number(struct watcher *w, struct watch *watch)
{
	unsigned int index = watch->index ? watch->index : UINT32_MAX;
	size_t place = place_of(w, watch->name);

	if (has_number(w, watch)) /* it was lost for a moment */
		return watch_list_put(w->list, watch->number, index, watch->name, watch->ns->name);
	if (place < w->config->interfaces.count) {
		watch->number = place + 1;
		if (is_own(w, watch->number, watch->name))
			return watch_list_put(w->list, watch->number, index, watch->name,
					      watch->ns->name);
	}
	watch->number = watch_list_find_gone(w->list, index, watch->ns->name);
	if (watch->number)
		return watch_list_put(w->list, watch->number, index, watch->name, watch->ns->name);
	watch->number = watch_list_add(w->list, index, watch->name, watch->ns->name);
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
	log_warning(back ? "%s%s%s: back, but %s" : "%s%s%s: is not watched: %s",
		    watch->ns->own ? "" : watch->ns->name, watch->ns->own ? "" : "/", watch->name,
		    why);
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
	if (has_number(w, watch))
		watch_list_rename(w->list, watch->number, link->name);
	if (watch->hold)
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

/* A name without pattern is one interface's: another one has it now, and the first one another. */
static void replace(struct watcher *w, const char *name)
{
	size_t place = place_of(w, name);

	for (size_t i = w->count; i-- && place < w->config->interfaces.count;) {
		struct watch *watch = w->watches[i];

		if (watch->plain != w->config->interfaces.items[place])
			continue;
		log_warning("%s: no longer watched: %s is another interface now", watch->name,
			    name);
		drop(w, watch, false);
	}
}

static void on_seen(void *context, const struct link_seen *link)
{
	struct watcher *w = context;
	struct namespace *ns = namespaces_find(w->namespaces, link->nsid);
	struct watch *watch = ns ? find(w, ns, link->index) : NULL;

	if (watch) {
		on_known(w, watch, link);
		return;
	}
	if (w->error || !ns ||
	    interface_names_match(&w->config->interfaces, link->name) != INTERFACE_WANTED)
		return;
	replace(w, link->name);
	watch = add(w, ns, link->index, link->name);
	if (!watch) {
		log_warning("%s: is not watched: out of memory; free some", link->name);
		return;
	}
	watch->vlan_id = link->vlan_id;
	attach_new(w, watch);
}

static void gone(struct watcher *w, struct watch *watch)
{
	if (watch->plain) {
		w->was_here[place_of(w, watch->plain)] = true;
		log_warning("%s: gone; waiting for it to come back", watch->name);
	}
	drop(w, watch, true);
}

static void on_gone(void *context, int nsid, unsigned int index)
{
	struct watcher *w = context;
	struct namespace *ns = namespaces_find(w->namespaces, nsid);
	struct watch *watch = ns ? find(w, ns, index) : NULL;

	if (watch)
		gone(w, watch);
}

static struct links_sink sink_of(struct watcher *w)
{
	return (struct links_sink){ .context = w, .seen = on_seen, .gone = on_gone };
}

/* After events were lost: what a new list does not have is gone. */
static void compare(struct watcher *w, const struct namespace *ns)
{
	struct links_sink sink = sink_of(w);

	for (size_t i = 0; i < w->count; i++)
		w->watches[i]->marked = w->watches[i]->ns == ns && w->watches[i]->index;
	if (links_list(ns->nsid, &sink))
		return; /* the namespace goes, or the next loss asks again */
	for (size_t i = w->count; i--;)
		if (w->watches[i]->marked)
			gone(w, w->watches[i]);
}

static void compare_all(struct watcher *w)
{
	for (size_t i = 0; i < namespaces_count(w->namespaces); i++)
		compare(w, namespaces_at(w->namespaces, i));
}

/* --- namespaces ------------------------------------------------------------------------------- */

static void on_namespace(void *context, struct namespace *ns)
{
	struct watcher *w = context;
	struct links_sink sink = sink_of(w);

	links_list(ns->nsid, &sink);
}

static void on_namespace_gone(void *context, struct namespace *ns)
{
	struct watcher *w = context;

	for (size_t i = w->count; i--;)
		if (w->watches[i]->ns == ns)
			drop(w, w->watches[i], true);
	if (w->hooks.left)
		w->hooks.left(w->hooks.context, ns);
}

static int look_for_namespaces(struct watcher *w, const char **missing)
{
	const struct namespaces_sink sink = {
		.context = w,
		.appeared = on_namespace,
		.gone = on_namespace_gone,
	};

	w->looked_ns = monotonic_ns();
	return namespaces_look(w->namespaces, &sink, missing);
}

void watcher_retry(struct watcher *w)
{
	for (size_t i = w->count; i--;)
		if (!w->watches[i]->hold && w->watches[i]->waits)
			attach_new(w, w->watches[i]);
}

void watcher_follow(struct watcher *w, bool readable)
{
	struct links_sink sink = sink_of(w);
	const char *missing;

	if (w->config->netns.count && monotonic_ns() - w->looked_ns >= LOOK_NS) {
		look_for_namespaces(w, &missing);
		watcher_retry(w);
	}
	if (readable && w->links && !links_read(w->links, &sink))
		compare_all(w);
}

void watcher_lost(struct watcher *w, struct watch *watch)
{
	detach(w, watch, false);
	watch->waits = true;
}

/* --- start and end ---------------------------------------------------------------------------- */

static int start_plain(struct watcher *w, const char *name)
{
	struct namespace *ns = namespaces_at(w->namespaces, 0);
	unsigned int index = if_nametoindex(name);
	struct watch *watch;
	int err;

	if (index && find(w, ns, index)) /* named twice */
		return 0;
	watch = add(w, ns, index, name);
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
	int err = w->links ? links_list(LINKS_OWN, &sink) : -EOPNOTSUPP;

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

static int refuse_namespace(int err, const char *name)
{
	char missing[128];

	if (err == -EPERM && *capabilities_missing(CAPABILITIES_NETNS, missing, sizeof(missing)))
		log_error("--netns %s: not permitted without %s; run as root or with "
			  "CAP_NET_ADMIN, CAP_SYS_ADMIN and CAP_NET_BROADCAST, or leave it out",
			  name, missing);
	else if (err == -EPERM)
		log_error("--netns %s: not permitted; no capability is missing, so a seccomp "
			  "profile or a user namespace forbids it: allow setns(2), or leave it out",
			  name);
	else if (err == -EACCES)
		log_error("--netns %s: not permitted; processes of others take CAP_SYS_PTRACE",
			  name);
	else if (err == -ENOENT)
		log_error("--netns %s: no such namespace; `ip netns` lists those that have a name, "
			  "and processes have one each",
			  name);
	else if (err == -EMFILE || err == -ENFILE)
		log_error("--netns %s: %s; " BPF_REASON_FILES, name, strerror(-err));
	else
		log_error("--netns %s: %s; leave it out", name, strerror(-err));
	return -EINVAL;
}

static int start_namespaces(struct watcher *w)
{
	const char *missing = w->config->netns.items[0];
	int err = links_open(&w->links, true);

	if (!err)
		err = look_for_namespaces(w, &missing);
	if (err)
		return refuse_namespace(err, missing);
	if (!w->error && !w->count)
		say_what_is_awaited(w);
	return w->error;
}

int watcher_start(struct watcher *w, const char **failed)
{
	const struct string_list *names = &w->config->interfaces;
	int err = 0;

	*failed = NULL;
	if (w->config->netns.count) {
		err = start_namespaces(w);
		w->started = true;
		return err;
	}
	/* Without it interfaces that have a name of their own are watched all the same. */
	links_open(&w->links, false);
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
	namespaces_free(w->namespaces);
	free(w->watches);
	free(w->was_here);
	free(w);
}
