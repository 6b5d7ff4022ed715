/* SPDX-License-Identifier: BSD-2-Clause */
/* The host's log: a datagram a record, as syslog(3) writes it (RFC 3164), to /dev/log. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>

#include "transport.h"

struct transport {
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	int fd;
};

static int failed(char why[TRANSPORT_WHY_SIZE], const struct transport *t)
{
	int err = errno;

	snprintf(why, TRANSPORT_WHY_SIZE, "%s: %s", t->path, strerror(err));
	return -err;
}

/* "syslog:", or "syslog:/path" for another socket than /dev/log. */
static int syslog_open(struct transport **out, const char *address, char why[TRANSPORT_WHY_SIZE])
{
	struct transport *t;

	*out = NULL;
	if (*address && (*address != '/' || strlen(address) >= sizeof(t->path))) {
		snprintf(why, TRANSPORT_WHY_SIZE, "give syslog: or syslog:/path/of/socket");
		return -EINVAL;
	}
	t = calloc(1, sizeof(*t));
	if (!t)
		return -ENOMEM;
	t->fd = -1;
	strcpy(t->path, *address ? address : "/dev/log");
	*out = t;
	return 0;
}

static void syslog_disconnect(struct transport *t)
{
	if (t->fd >= 0)
		close(t->fd);
	t->fd = -1;
}

static void syslog_close(struct transport *t)
{
	syslog_disconnect(t);
	free(t);
}

/* A log that does not read for so long is asked again later. */
static int syslog_connect(struct transport *t, const atomic_bool *ending,
			  char why[TRANSPORT_WHY_SIZE])
{
	const struct timeval wait = { .tv_usec = TRANSPORT_WAIT_MS * 1000 };
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int err;

	(void)ending;
	strcpy(address.sun_path, t->path);
	t->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (t->fd < 0)
		return failed(why, t);
	setsockopt(t->fd, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof(wait));
	if (!connect(t->fd, (struct sockaddr *)&address, sizeof(address)))
		return 0;
	err = failed(why, t);
	syslog_disconnect(t);
	return err;
}

static int syslog_send(struct transport *t, const void *bytes, size_t length,
		       const atomic_bool *ending, char why[TRANSPORT_WHY_SIZE])
{
	char head[80], when[32];
	time_t now = time(NULL);
	struct tm local;
	struct iovec parts[2] = { { .iov_base = head }, { .iov_base = (void *)bytes } };
	struct msghdr message = { .msg_iov = parts, .msg_iovlen = 2 };

	(void)ending;
	localtime_r(&now, &local);
	strftime(when, sizeof(when), "%b %e %H:%M:%S", &local);
	parts[0].iov_len =
		(size_t)snprintf(head, sizeof(head), "<%d>%s weir[%d]: ", LOG_DAEMON | LOG_INFO,
				 when, (int)getpid());
	parts[1].iov_len = length - (((const char *)bytes)[length - 1] == '\n');
	if (sendmsg(t->fd, &message, MSG_NOSIGNAL) >= 0)
		return 0;
	return errno == EMSGSIZE ? (failed(why, t), -EBADMSG) : failed(why, t);
}

const struct transport_ops transport_syslog = {
	.scheme = "syslog",
	.lines = true,
	.row_by_row = true,
	.open = syslog_open,
	.connect = syslog_connect,
	.send = syslog_send,
	.disconnect = syslog_disconnect,
	.close = syslog_close,
};
