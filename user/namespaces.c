/* SPDX-License-Identifier: BSD-2-Clause */
#include "namespaces.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "links.h"
#include "log.h"

#define NOBODY INT_MIN /* a number that no namespace has */

struct namespaces {
	const struct string_list *wanted; /* --netns */
	struct namespace **items;
	size_t count, room;
	ino_t own;
	bool told; /* of processes that may not be looked at */
};

size_t namespaces_count(const struct namespaces *n)
{
	return n->count;
}

struct namespace *namespaces_at(const struct namespaces *n, size_t i)
{
	return n->items[i];
}

struct namespace *namespaces_find(const struct namespaces *n, int nsid)
{
	for (size_t i = 0; i < n->count; i++)
		if (n->items[i]->nsid == nsid || (nsid == LINKS_OWN && n->items[i]->own))
			return n->items[i];
	return NULL;
}

int namespace_enter(const struct namespace *n)
{
	return n->own ? 0 : netns_enter(n->path, n->inode);
}

void namespace_leave(const struct namespace *n, int own)
{
	if (!n->own)
		netns_leave(own);
}

static struct namespace *find_inode(const struct namespaces *n, ino_t inode)
{
	for (size_t i = 0; i < n->count; i++)
		if (n->items[i]->inode == inode)
			return n->items[i];
	return NULL;
}

static struct namespace *add(struct namespaces *n, ino_t inode)
{
	size_t room = n->room ? n->room * 2 : 8;
	struct namespace **grown, *item;

	if (n->count == n->room) {
		grown = reallocarray(n->items, room, sizeof(*grown));
		if (!grown)
			return NULL;
		n->items = grown;
		n->room = room;
	}
	item = calloc(1, sizeof(*item));
	if (!item)
		return NULL;
	item->inode = inode;
	item->own = inode == n->own;
	item->nsid = LINKS_OWN;
	n->items[n->count++] = item;
	return item;
}

static void drop(struct namespaces *n, size_t i)
{
	free(n->items[i]);
	n->items[i] = n->items[--n->count];
}

struct namespaces *namespaces_new(const struct config *config)
{
	struct namespaces *n = calloc(1, sizeof(*n));
	struct namespace *own;

	if (!n)
		return NULL;
	n->wanted = &config->netns;
	n->own = netns_own();
	if (n->wanted->count)
		return n;
	own = add(n, n->own);
	if (!own) {
		namespaces_free(n);
		return NULL;
	}
	own->cookie = netns_cookie();
	netns_name(n->own, own->name);
	return n;
}

void namespaces_free(struct namespaces *n)
{
	if (!n)
		return;
	while (n->count)
		drop(n, 0);
	free(n->items);
	free(n);
}

/* --- one namespace ---------------------------------------------------------------------------- */

static int cookie_of(const struct namespace *item, uint64_t *cookie)
{
	int own = namespace_enter(item);

	if (own < 0)
		return own;
	*cookie = netns_cookie();
	namespace_leave(item, own);
	return *cookie ? 0 : -EMFILE; /* which takes a socket */
}

static int nsid_of(const struct namespace *item)
{
	int fd = open(item->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK), nsid;

	if (fd < 0)
		return -errno;
	nsid = links_nsid(fd);
	close(fd);
	return nsid;
}

static int describe(struct namespace *item)
{
	int err = cookie_of(item, &item->cookie);

	if (err)
		return err;
	item->nsid = nsid_of(item);
	if (item->nsid < 0)
		return item->nsid;
	netns_name(item->inode, item->name);
	return 0;
}

/* The number of a namespace that is no more is given again before the look that misses it ends. */
static void take_nsid(struct namespaces *n, const struct namespace *item)
{
	for (size_t i = 0; i < n->count; i++)
		if (n->items[i] != item && n->items[i]->nsid == item->nsid)
			n->items[i]->nsid = NOBODY;
}

/* One inode may be another namespace's by now: the cookie tells. */
static int meet(struct namespaces *n, const struct namespaces_sink *sink, const char *path,
		ino_t inode)
{
	struct namespace *item = find_inode(n, inode);
	uint64_t cookie;
	int err;

	if (item && item->found)
		return 0;
	if (item) {
		snprintf(item->path, sizeof(item->path), "%s", path);
		err = cookie_of(item, &cookie);
		if (err || cookie == item->cookie) {
			item->found = err != -ENODEV; /* what cannot be looked at stays */
			return err;
		}
		sink->gone(sink->context, item);
	} else {
		item = add(n, inode);
		if (!item)
			return -ENOMEM;
		snprintf(item->path, sizeof(item->path), "%s", path);
	}
	err = describe(item);
	if (err) {
		item->inode = 0; /* nobody's: forgotten at the end of the look */
		item->found = false;
		item->cookie = 0;
		return err;
	}
	item->found = true;
	take_nsid(n, item);
	sink->appeared(sink->context, item);
	return 0;
}

/* --- all of them ------------------------------------------------------------------------------ */

static int meet_path(struct namespaces *n, const struct namespaces_sink *sink, const char *path)
{
	ino_t inode;
	int err = netns_at(path, &inode);

	return err ? err : meet(n, sink, path, inode);
}

static bool is_number(const char *text)
{
	return *text && text[strspn(text, "0123456789")] == '\0';
}

static void tell_of_hidden(struct namespaces *n)
{
	if (!n->told)
		log_warning("--netns all: not all processes may be looked at (CAP_SYS_PTRACE); "
			    "namespaces without a name may be missed");
	n->told = true;
}

/* What was gone before it was looked at is nobody's concern; what may not be entered is. */
static int meet_all(struct namespaces *n, const struct namespaces_sink *sink, const char *dir,
		    const char *tail, bool numbers)
{
	char path[NETNS_NAME_SIZE + 32];
	const struct dirent *e;
	DIR *d = opendir(dir);
	bool hidden = false;
	int err = 0;

	if (!d && errno != ENOENT)
		return -errno;
	while (d && (e = readdir(d)) && err != -EPERM) {
		if (e->d_name[0] == '.' || (numbers && !is_number(e->d_name)))
			continue;
		snprintf(path, sizeof(path), "%s/%s%s", dir, e->d_name, tail);
		err = meet_path(n, sink, path);
		hidden |= err == -EACCES;
	}
	if (d)
		closedir(d);
	if (hidden)
		tell_of_hidden(n);
	return err == -EPERM ? err : 0;
}

static int meet_wanted(struct namespaces *n, const struct namespaces_sink *sink, const char *wanted)
{
	char path[NETNS_NAME_SIZE + 32];
	int err;

	if (!strcmp(wanted, "all")) {
		err = meet_all(n, sink, NETNS_NAMES, "", false);
		return err ? err : meet_all(n, sink, "/proc", "/ns/net", true);
	}
	snprintf(path, sizeof(path), "%s/%s", NETNS_NAMES, wanted);
	err = meet_path(n, sink, path);
	if (err != -ENOENT || !is_number(wanted))
		return err;
	snprintf(path, sizeof(path), "/proc/%s/ns/net", wanted);
	return meet_path(n, sink, path);
}

static void keep_all(struct namespaces *n)
{
	for (size_t i = 0; i < n->count; i++)
		n->items[i]->found = n->items[i]->cookie != 0;
}

int namespaces_look(struct namespaces *n, const struct namespaces_sink *sink, const char **missing)
{
	int err = 0;

	if (!n->wanted->count)
		return 0;
	for (size_t i = 0; i < n->count; i++)
		n->items[i]->found = false;
	for (size_t i = 0; i < n->wanted->count; i++) {
		int one = meet_wanted(n, sink, n->wanted->items[i]);

		if (one == -EMFILE || one == -ENFILE) /* there may be more than it saw */
			keep_all(n);
		if (one && !err) {
			err = one;
			*missing = n->wanted->items[i];
		}
	}
	for (size_t i = n->count; i--;) {
		if (n->items[i]->found)
			continue;
		if (n->items[i]->cookie)
			sink->gone(sink->context, n->items[i]);
		drop(n, i);
	}
	return err;
}
