/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The kernel program on an interface: XDP and TCX by links, which end with their holder, clsact
 * filters where the kernel has no TCX (before 6.6). Other programs on the hook stay as they are.
 */
#ifndef USER_BPF_ATTACH_H
#define USER_BPF_ATTACH_H

#include <net/if.h>
#include <stdbool.h>

#include "bpf_probe.h"
#include "config.h"
#include "watcher.h"

/* <linux/bpf.h> of Linux 6.6, which Debian 12's headers are older than. */
#define BPF_ATTACH_TCX_INGRESS 46
#define BPF_ATTACH_TCX_EGRESS  47

/* Processes that may watch one interface by clsact filters: handles 1 to this. */
#define BPF_ATTACH_HANDLES 8

/* A place on an interface that takes a program. */
enum bpf_slot { SLOT_XDP, SLOT_IN, SLOT_OUT, SLOTS };

struct bpf_attachment {
	char name[IFNAMSIZ];
	uint64_t netns;      /* cookie of another namespace than ours, or 0 */
	unsigned int index;  /* 0: not attached */
	int link[SLOTS];     /* fd of a link, or -1 */
	bool clsact[SLOTS];  /* a filter of ours */
	bool made_clsact;    /* the qdisc is ours too */
	int lock;            /* fd that says which filters belong to a living process */
	unsigned int handle; /* of the clsact filters */
	int promisc;         /* fd that keeps the interface promiscuous, or -1 */
};

/*
 * Attaches to interface w of this thread's namespace. 0, or negative with a bpf_reason(): -ENODEV
 * no such interface, or the name is another's by now, -EBUSY another XDP program is there,
 * -EOPNOTSUPP the driver or link type cannot, -EPERM.
 */
int bpf_attach(struct bpf_attachment *a, struct bpf_probe *probe, const struct config *config,
	       const struct watch *w);
/* keep: links are pinned and stay. The interface may be gone. */
void bpf_detach(struct bpf_attachment *a, bool keep);
/* Its interface is called otherwise now; so are pinned links. */
void bpf_attach_rename(struct bpf_attachment *a, const struct config *config, const char *name);
/* Removes the pins of its links. */
void bpf_attach_unpin(const struct bpf_attachment *a, const struct config *config);
/*
 * Before anything is attached: pinned links follow the names of their interfaces; those of
 * interfaces that are gone, or that nobody asks for any more, go.
 */
void bpf_attach_sort_pins(const struct config *config);
/* Removes clsact filters of weir that nobody holds; how many, or negative errno. */
int bpf_detach_leftovers(const char *name);
/* Ids of our filters of a handle, in and out; returns how many. */
int bpf_attach_filters(unsigned int index, unsigned int handle, uint32_t ids[2]);

#endif
