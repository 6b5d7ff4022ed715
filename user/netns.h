/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Network namespaces. None is kept open: a descriptor of one, or a socket in it, would keep it and
 * its interfaces alive when everybody else has left.
 */
#ifndef USER_NETNS_H
#define USER_NETNS_H

#include <limits.h>
#include <stdint.h>
#include <sys/types.h>

/* Where `ip netns` keeps the names. */
#define NETNS_NAMES "/run/netns"

#define NETNS_NAME_SIZE (NAME_MAX + 1)

/* The inode of this thread's; 0: there is no /proc. */
ino_t netns_own(void);
/* The first name of it in NETNS_NAMES, or its inode as a number. */
void netns_name(ino_t inode, char out[NETNS_NAME_SIZE]);

/*
 * The inode of the namespace that a path leads to. -ENOENT: it leads to none; -EACCES: it is that
 * of a process that may not be looked at (ptrace(2)).
 */
int netns_at(const char *path, ino_t *inode);
/* The kernel's number of this thread's namespace, never given twice; 0: not known (before 5.14). */
uint64_t netns_cookie(void);
/*
 * This thread's namespace is that of path from here on. A descriptor for netns_leave(), or a
 * negative errno; -ENODEV: path does not lead to that inode (any more).
 */
int netns_enter(const char *path, ino_t inode);
void netns_leave(int own);

#endif
