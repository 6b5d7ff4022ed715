/* SPDX-License-Identifier: BSD-2-Clause */
#include "journal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define JOURNAL_SOCKET "/run/systemd/journal/socket"

/* JOURNAL_STREAM is the stream's device and inode; who redirects stderr leaves the variable. */
bool journal_is_stderr(void)
{
	const char *text = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;

	return text && sscanf(text, "%llu:%llu", &device, &inode) == 2 &&
	       !fstat(STDERR_FILENO, &st) && st.st_dev == device && st.st_ino == inode;
}

/* Messages are rare: nothing is kept open, so that a journal that starts anew is found again. */
static bool send_datagram(const char *data, size_t size)
{
	const struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = JOURNAL_SOCKET };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	bool sent = fd >= 0 && sendto(fd, data, size, MSG_NOSIGNAL,
				      (const struct sockaddr *)&address, sizeof(address)) >= 0;

	if (fd >= 0)
		close(fd);
	return sent;
}

bool journal_send(int priority, const char *text, const char *fields)
{
	char *data;
	int size = asprintf(&data, "MESSAGE=%s\nPRIORITY=%d\nSYSLOG_IDENTIFIER=weir\n%s", text,
			    priority, fields ? fields : "");
	bool sent;

	if (size < 0)
		return false;
	sent = send_datagram(data, size);
	free(data);
	return sent;
}
