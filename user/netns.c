/* SPDX-License-Identifier: BSD-2-Clause */
#include "netns.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#define OWN "/proc/thread-self/ns/net"

#ifndef SO_NETNS_COOKIE
#define SO_NETNS_COOKIE 71 /* <asm/socket.h> of Linux 5.14 */
#endif

ino_t netns_own(void)
{
	struct stat st;

	return stat(OWN, &st) ? 0 : st.st_ino;
}

/* Inodes are numbers of one file system, in which all namespaces are. */
static bool is_of_namespaces(const struct stat *st)
{
	struct stat own;

	return !stat(OWN, &own) && st->st_dev == own.st_dev;
}

int netns_at(const char *path, ino_t *inode)
{
	struct stat st;

	if (stat(path, &st))
		return errno == EACCES ? -EACCES : -ENOENT;
	if (!is_of_namespaces(&st))
		return -ENOENT;
	*inode = st.st_ino;
	return 0;
}

uint64_t netns_cookie(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	socklen_t size = sizeof(uint64_t);
	uint64_t cookie = 0;

	if (fd < 0)
		return 0;
	if (getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size))
		cookie = 0;
	close(fd);
	return cookie;
}

int netns_enter(const char *path, ino_t inode)
{
	int own = open(OWN, O_RDONLY | O_CLOEXEC), err = own < 0 ? -errno : 0;
	int fd = err ? -1 : open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;

	if (!err && fd < 0)
		err = errno == EMFILE || errno == ENFILE ? -errno : -ENODEV;
	if (!err && (fstat(fd, &st) || st.st_ino != inode))
		err = -ENODEV;
	if (!err && setns(fd, CLONE_NEWNET))
		err = -errno;
	if (fd >= 0)
		close(fd);
	if (err && own >= 0)
		close(own);
	return err ? err : own;
}

void netns_leave(int own)
{
	/* Nothing may go on in the wrong one; it cannot fail where the way in did not. */
	if (setns(own, CLONE_NEWNET))
		abort();
	close(own);
}

/* The alphabet's first, so that a namespace of several names always has the same one. */
static void keep_first(char out[NETNS_NAME_SIZE], const char *name)
{
	if (!*out || strcmp(name, out) < 0)
		snprintf(out, NETNS_NAME_SIZE, "%s", name);
}

static bool is_namespace(int dir, const char *name, ino_t inode)
{
	struct stat st;

	return !fstatat(dir, name, &st, 0) && st.st_ino == inode && is_of_namespaces(&st);
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
