/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel's interfaces and what becomes of them, by rtnetlink(7). */
#ifndef USER_LINKS_H
#define USER_LINKS_H

#include <stdbool.h>
#include <stdint.h>

struct links;

/* A namespace as the kernel tells it to ours: its number here; LINKS_OWN: ours itself. */
#define LINKS_OWN (-1)

struct link_seen {
	int nsid;
	unsigned int index;
	const char *name; /* borrowed for the call */
	uint16_t vlan_id; /* of an interface of a VLAN (vlan(4)): that VLAN; else 0 */
};

/* Called while interfaces are listed or events read. */
struct links_sink {
	void *context;
	/* It is there; said again whenever something about it changes, its name included. */
	void (*seen)(void *context, const struct link_seen *link);
	void (*gone)(void *context, int nsid, unsigned int index);
};

/*
 * everywhere: events of all namespaces that have a number here come too, which needs
 * CAP_NET_BROADCAST. 0 or a negative errno.
 */
int links_open(struct links **out, bool everywhere);
void links_close(struct links *l);
/* Readable when there are events. */
int links_fd(const struct links *l);

/* All that are there. 0 or a negative errno. */
int links_list(int nsid, const struct links_sink *sink);
/* The number of the namespace behind a descriptor; it gets one if need be. Negative errno. */
int links_nsid(int fd);
/* What has happened since. False: some of it was lost, so that only a list tells what is there. */
bool links_read(struct links *l, const struct links_sink *sink);

#endif
