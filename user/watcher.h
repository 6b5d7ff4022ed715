/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keeps the interfaces that -i asks for watched: those that are there, those that appear, under
 * whatever name they have by then; forgets those that go. How one is watched is the source's.
 */
#ifndef USER_WATCHER_H
#define USER_WATCHER_H

#include <net/if.h>
#include <stdbool.h>
#include <stdint.h>

#include "config.h"
#include "namespaces.h"
#include "watch_list.h"

struct watcher;

/* An interface that is asked for. */
struct watch {
	char name[IFNAMSIZ];
	struct namespace *ns;
	unsigned int index; /* 0: not one of the kernel's (libpcap's "any") */
	uint16_t number;    /* in the watch list */
	uint16_t vlan_id;   /* of a VLAN's interface: that of its packets, which do not say so */
	const char *plain;  /* the -i that names it, NULL: a pattern matches it */
	void *hold;         /* the source's, while it is attached; NULL = it is not */
	bool waits;         /* attaching is tried again when something about it changes */
	bool marked;        /* while lists are compared */
};

struct watcher_hooks {
	void *context;
	/* Sets w->hold. 0 or a negative errno; -ENODEV: it has gone; -EAGAIN: not ready yet. */
	int (*attach)(void *context, struct watch *w);
	/* gone: there is no such interface any more. */
	void (*detach)(void *context, struct watch *w, bool gone);
	/* Its name has changed, or its VLAN has become known. */
	void (*changed)(void *context, const struct watch *w);
	const char *(*reason)(void *context); /* of the last error; NULL: it was said */
	/* A namespace is no more, and nothing in it is watched. NULL: nobody cares. */
	void (*left)(void *context, const struct namespace *ns);
	/* One could not be attached; it was said. NULL: nobody counts. */
	void (*failed)(void *context);
};

/* NULL: no memory. All borrowed. */
struct watcher *watcher_new(const struct config *config, struct watch_list *list,
			    const struct watcher_hooks *hooks);
/*
 * Attaches to what is there. 0; or a negative errno where a name without pattern could not be
 * attached (*failed: which), or nothing may be: then reason() says why and nothing was said.
 */
int watcher_start(struct watcher *w, const char **failed);
/* Detaches everything. */
void watcher_free(struct watcher *w);

/* To be polled for reading; negative: none. */
int watcher_fd(const struct watcher *w);
/* Does what is to be done; readable: there are events. To be called a few times a second. */
void watcher_follow(struct watcher *w, bool readable);

/* What is asked for at this moment. */
size_t watcher_count(const struct watcher *w);
struct watch *watcher_at(const struct watcher *w, size_t i);
/* Detaches; to be attached again when something about the interface changes. */
void watcher_lost(struct watcher *w, struct watch *watch);
/* Tries at once what waits. */
void watcher_retry(struct watcher *w);

#endif
