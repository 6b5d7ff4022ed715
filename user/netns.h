/* SPDX-License-Identifier: BSD-2-Clause */
/* Network namespaces: what they are called. */
#ifndef USER_NETNS_H
#define USER_NETNS_H

#include <limits.h>
#include <sys/types.h>

/* Where `ip netns` keeps the names. */
#define NETNS_NAMES "/run/netns"

#define NETNS_NAME_SIZE (NAME_MAX + 1)

/* The inode of this thread's; 0: there is no /proc. */
ino_t netns_own(void);
/* The first name of it in NETNS_NAMES, or its inode as a number. */
void netns_name(ino_t inode, char out[NETNS_NAME_SIZE]);

#endif
