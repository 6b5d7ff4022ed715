/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel's interfaces and what becomes of them, by rtnetlink(7). */
#ifndef USER_LINKS_H
#define USER_LINKS_H

#include <stdbool.h>
#include <stdint.h>

struct links;

struct link_seen {
	unsigned int index;
	const char *name; /* borrowed for the call */
	uint16_t vlan_id; /* of an interface of a VLAN (vlan(4)): that VLAN; else 0 */
};

/* Called while interfaces are listed or events read. */
struct links_sink {
	void *context;
	/* It is there; said again whenever something about it changes, its name included. */
	void (*seen)(void *context, const struct link_seen *link);
	void (*gone)(void *context, unsigned int index);
};

/* 0 or a negative errno. */
int links_open(struct links **out);
void links_close(struct links *l);
/* Readable when there are events. */
int links_fd(const struct links *l);

/* All that are there. 0 or a negative errno. */
int links_list(struct links *l, const struct links_sink *sink);
/* What has happened since. False: some of it was lost, so that only a list tells what is there. */
bool links_read(struct links *l, const struct links_sink *sink);

#endif
