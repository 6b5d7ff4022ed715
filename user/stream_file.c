/* SPDX-License-Identifier: BSD-2-Clause */
#include "stream_file.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

struct stream {
	int fd;
	void (*waits)(void *context);
	void *context;
};

static ssize_t stream_read(void *cookie, char *to, size_t size)
{
	struct stream *s = cookie;
	struct pollfd pollfd = { .fd = s->fd, .events = POLLIN };

	if (!poll(&pollfd, 1, 0))
		s->waits(s->context);
	return read(s->fd, to, size);
}

static int stream_close(void *cookie)
{
	struct stream *s = cookie;
	int err = close(s->fd);

	free(s);
	return err;
}

FILE *stream_file_open(int fd, void (*waits)(void *context), void *context)
{
	const cookie_io_functions_t calls = { .read = stream_read, .close = stream_close };
	struct stream *s = malloc(sizeof(*s));
	FILE *file = NULL;

	if (s) {
		*s = (struct stream){ fd, waits, context };
		file = fopencookie(s, "rb", calls);
	}
	if (!file) {
		free(s);
		close(fd);
		errno = ENOMEM;
	}
	return file;
}
