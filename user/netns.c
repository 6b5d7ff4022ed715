/* SPDX-License-Identifier: BSD-2-Clause */
#include "netns.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

ino_t netns_own(void)
{
	struct stat st;

	return stat("/proc/thread-self/ns/net", &st) ? 0 : st.st_ino;
}

/* The alphabet's first, so that a namespace of several names always has the same one. */
static void keep_first(char out[NETNS_NAME_SIZE], const char *name)
{
	if (!*out || strcmp(name, out) < 0)
		snprintf(out, NETNS_NAME_SIZE, "%s", name);
}

static bool is_namespace(int dir, const char *name, ino_t inode)
{
	struct stat own, st;

	/* Inodes are numbers of one file system, in which all namespaces are. */
	return !fstatat(dir, name, &st, 0) && st.st_ino == inode &&
	       !stat("/proc/thread-self/ns/net", &own) && st.st_dev == own.st_dev;
}

void netns_name(ino_t inode, char out[NETNS_NAME_SIZE])
{
	DIR *d = opendir(NETNS_NAMES);
	const struct dirent *e;

	*out = '\0';
	while (d && (e = readdir(d)))
		if (e->d_name[0] != '.' && is_namespace(dirfd(d), e->d_name, inode))
			keep_first(out, e->d_name);
	if (d)
		closedir(d);
	if (!*out)
		snprintf(out, NETNS_NAME_SIZE, "%lu", (unsigned long)inode);
}
