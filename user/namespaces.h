/* SPDX-License-Identifier: BSD-2-Clause */
/* The network namespaces that --netns asks for: found, told apart, missed when they are gone. */
#ifndef USER_NAMESPACES_H
#define USER_NAMESPACES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "config.h"
#include "netns.h"

struct namespaces;

struct namespace
{
	char name[NETNS_NAME_SIZE];      /* in records */
	char path[NETNS_NAME_SIZE + 32]; /* one of those that lead there, as of the last look */
	ino_t inode;
	uint64_t cookie; /* the kernel's number, never given twice */
	int nsid;        /* its number to rtnetlink; LINKS_OWN: without --netns */
	bool own;        /* ours: nothing needs to be entered */
	bool found;      /* by the look that is under way */
};

struct namespaces_sink {
	void *context;
	void (*appeared)(void *context, struct namespace *n);
	void (*gone)(void *context, struct namespace *n); /* forgotten afterwards */
};

/* NULL: no memory. Without --netns there is ours alone, from the start on. */
struct namespaces *namespaces_new(const struct config *config);
void namespaces_free(struct namespaces *n);

/*
 * Looks at what is there: cheap enough for once a second. 0; or a negative errno when something
 * that --netns names is not there (*missing says what) or may not be entered, all others were
 * looked at.
 */
int namespaces_look(struct namespaces *n, const struct namespaces_sink *sink, const char **missing);

/* NULL: none of those. */
struct namespace *namespaces_find(const struct namespaces *n, int nsid);
size_t namespaces_count(const struct namespaces *n);
struct namespace *namespaces_at(const struct namespaces *n, size_t i);

/* Makes this thread's namespace n; a descriptor for namespace_leave(), or a negative errno. */
int namespace_enter(const struct namespace *n);
void namespace_leave(const struct namespace *n, int own);

#endif
