/* SPDX-License-Identifier: BSD-2-Clause */
/* Datagrams and streams to a host, and streams to a UNIX socket. */
#include <errno.h>
#include <linux/sockios.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "clock.h"
#include "transport.h"

#define CONNECT_MS 10000

/* IPv6's least MTU, which every path carries, without its headers: 1280 - 40 - 8. */
#define DATAGRAM_BYTES 1232

struct transport {
	int type;          /* SOCK_* */
	char *host, *port; /* port NULL: host is the path of a UNIX socket */
	int fd;
};

static int refuse(char why[TRANSPORT_WHY_SIZE], const char *words)
{
	snprintf(why, TRANSPORT_WHY_SIZE, "%s", words);
	return -EINVAL;
}

static int failed(char why[TRANSPORT_WHY_SIZE], int err)
{
	snprintf(why, TRANSPORT_WHY_SIZE, "%s", strerror(err));
	return -err;
}

static void socket_disconnect(struct transport *t)
{
	if (t->fd >= 0)
		close(t->fd);
	t->fd = -1;
}

static void socket_close(struct transport *t)
{
	socket_disconnect(t);
	free(t->host);
	free(t->port);
	free(t);
}

/* --- addresses -------------------------------------------------------------------------------- */

static struct transport *transport_new(int type, const char *host, size_t length, const char *port)
{
	struct transport *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->type = type;
	t->fd = -1;
	t->host = strndup(host, length);
	t->port = port ? strdup(port) : NULL;
	if (t->host && (t->port || !port))
		return t;
	socket_close(t);
	return NULL;
}

static bool is_port(const char *text)
{
	char *end;
	unsigned long port = strtoul(text, &end, 10);

	return *text >= '0' && *text <= '9' && !*end && port > 0 && port <= 65535;
}

/* "host:port", "[2001:db8::1]:port" */
static int inet_open(struct transport **out, int type, const char *address,
		     char why[TRANSPORT_WHY_SIZE])
{
	const char *colon = strrchr(address, ':'), *host = address;
	size_t length = colon ? (size_t)(colon - address) : 0;

	*out = NULL;
	if (!length)
		return refuse(why, "give host:port");
	if (!is_port(colon + 1))
		return refuse(why, "the port is 1 to 65535");
	if (*host == '[' && host[length - 1] == ']') {
		host++;
		length -= 2;
	} else if (memchr(host, ':', length)) {
		return refuse(why, "an IPv6 address stands in brackets: [2001:db8::1]:4739");
	}
	if (!length)
		return refuse(why, "give host:port");
	*out = transport_new(type, host, length, colon + 1);
	return *out ? 0 : -ENOMEM;
}

static int udp_open(struct transport **out, const char *address, char why[TRANSPORT_WHY_SIZE])
{
	return inet_open(out, SOCK_DGRAM, address, why);
}

static int tcp_open(struct transport **out, const char *address, char why[TRANSPORT_WHY_SIZE])
{
	return inet_open(out, SOCK_STREAM, address, why);
}

static int unix_open(struct transport **out, const char *address, char why[TRANSPORT_WHY_SIZE])
{
	*out = NULL;
	if (*address != '/')
		return refuse(why, "give the whole path of the socket: unix:/run/collector.sock");
	if (strlen(address) >= sizeof(((struct sockaddr_un *)0)->sun_path))
		return refuse(why, "the path of a socket has 107 bytes at most");
	*out = transport_new(SOCK_STREAM, address, strlen(address), NULL);
	return *out ? 0 : -ENOMEM;
}

/* --- connecting ------------------------------------------------------------------------------- */

/* Until fd is ready. 0, -ETIMEDOUT, or -ECANCELED. */
static int wait_for(int fd, short events, int timeout_ms, const atomic_bool *ending)
{
	uint64_t until = monotonic_ns() + (uint64_t)timeout_ms * 1000000;
	struct pollfd p = { .fd = fd, .events = events };

	do {
		if (poll(&p, 1, TRANSPORT_WAIT_MS) > 0)
			return 0;
		if (*ending)
			return -ECANCELED;
	} while (monotonic_ns() < until);
	return -ETIMEDOUT;
}

static int connect_fd(int fd, const struct sockaddr *address, socklen_t length,
		      const atomic_bool *ending)
{
	socklen_t size = sizeof(int);
	int err = 0;

	if (!connect(fd, address, length))
		return 0;
	if (errno != EINPROGRESS)
		return -errno;
	err = wait_for(fd, POLLOUT, CONNECT_MS, ending);
	if (err)
		return err;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &size))
		return -errno;
	return -err;
}

/* The socket stays non-blocking: who sends waits by poll(). */
static int try_address(struct transport *t, int family, const struct sockaddr *address,
		       socklen_t length, const atomic_bool *ending)
{
	int err;

	t->fd = socket(family, t->type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (t->fd < 0)
		return -errno;
	err = connect_fd(t->fd, address, length, ending);
	if (err)
		socket_disconnect(t);
	return err;
}

static int inet_connect(struct transport *t, const atomic_bool *ending,
			char why[TRANSPORT_WHY_SIZE])
{
	const struct addrinfo hints = { .ai_socktype = t->type, .ai_flags = AI_ADDRCONFIG };
	struct addrinfo *found, *a;
	int err = getaddrinfo(t->host, t->port, &hints, &found);

	if (err) {
		snprintf(why, TRANSPORT_WHY_SIZE, "%s", gai_strerror(err));
		return -EHOSTUNREACH;
	}
	err = -EHOSTUNREACH;
	for (a = found; a && err && err != -ECANCELED; a = a->ai_next)
		err = try_address(t, a->ai_family, a->ai_addr, a->ai_addrlen, ending);
	freeaddrinfo(found);
	return err ? failed(why, -err) : 0;
}

static int unix_connect(struct transport *t, const atomic_bool *ending,
			char why[TRANSPORT_WHY_SIZE])
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int err;

	strncpy(address.sun_path, t->host, sizeof(address.sun_path) - 1);
	err = try_address(t, AF_UNIX, (struct sockaddr *)&address, sizeof(address), ending);
	return err ? failed(why, -err) : 0;
}

/* --- sending ---------------------------------------------------------------------------------- */

/*
 * A stream that the other side has closed still takes bytes, which nobody will read: ask first.
 * What the other side sends is not for us.
 */
static int check_stream(int fd)
{
	char bytes[512];
	ssize_t n;

	while ((n = recv(fd, bytes, sizeof(bytes), MSG_DONTWAIT)) > 0)
		;
	if (!n)
		return -EPIPE;
	return errno == EAGAIN || errno == EWOULDBLOCK ? 0 : -errno;
}

static int stream_send(struct transport *t, const void *bytes, size_t length,
		       const atomic_bool *ending, char why[TRANSPORT_WHY_SIZE])
{
	const char *at = bytes;
	int err = check_stream(t->fd);

	while (!err && length) {
		ssize_t n = send(t->fd, at, length, MSG_NOSIGNAL);

		if (n > 0) {
			at += n;
			length -= (size_t)n;
		} else if (errno == EAGAIN || errno == EWOULDBLOCK) {
			err = wait_for(t->fd, POLLOUT, INT32_MAX, ending);
		} else if (errno != EINTR) {
			err = -errno;
		}
	}
	return err ? failed(why, -err) : 0;
}

static size_t stream_unacknowledged(const struct transport *t)
{
	int bytes = 0;

	return ioctl(t->fd, SIOCOUTQ, &bytes) ? 0 : (size_t)bytes;
}

/* It was reset, or the other side has left bytes unread that the system then forgets. */
static bool stream_is_lost(const struct transport *t)
{
	struct pollfd p = { .fd = t->fd };

	return poll(&p, 1, 0) > 0 && p.revents & POLLERR;
}

/* What the network has told since somebody asked. */
static int pending_error(int fd)
{
	socklen_t size = sizeof(int);
	int err = 0;

	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &size) ? errno : err;
}

/*
 * A host without a listener says so, at once if it is this one: then the datagram is kept and sent
 * again later. What it says later is of the datagram before.
 */
static int datagram_send(struct transport *t, const void *bytes, size_t length,
			 const atomic_bool *ending, char why[TRANSPORT_WHY_SIZE])
{
	int before = pending_error(t->fd), err;

	while (send(t->fd, bytes, length, MSG_NOSIGNAL) < 0) {
		if (errno == EMSGSIZE) {
			failed(why, errno);
			return -EBADMSG;
		}
		if (errno != EAGAIN && errno != EWOULDBLOCK && errno != ENOBUFS && errno != EINTR)
			return failed(why, errno);
		if (wait_for(t->fd, POLLOUT, INT32_MAX, ending))
			return failed(why, ECANCELED);
	}
	err = pending_error(t->fd);
	if (err || before)
		failed(why, err ? err : before);
	return err ? -err : before != 0;
}

const struct transport_ops transport_udp = {
	.scheme = "udp",
	.max_message = DATAGRAM_BYTES,
	.refuses_late = true,
	.open = udp_open,
	.connect = inet_connect,
	.send = datagram_send,
	.disconnect = socket_disconnect,
	.close = socket_close,
};

const struct transport_ops transport_tcp = {
	.scheme = "tcp",
	.stream = true,
	.open = tcp_open,
	.connect = inet_connect,
	.send = stream_send,
	.unacknowledged = stream_unacknowledged,
	.is_lost = stream_is_lost,
	.disconnect = socket_disconnect,
	.close = socket_close,
};

const struct transport_ops transport_unix = {
	.scheme = "unix",
	.stream = true,
	.open = unix_open,
	.connect = unix_connect,
	.send = stream_send,
	.unacknowledged = stream_unacknowledged,
	.is_lost = stream_is_lost,
	.disconnect = socket_disconnect,
	.close = socket_close,
};
