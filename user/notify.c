/* SPDX-License-Identifier: BSD-2-Clause */
#include "notify.h"

#include <errno.h>
#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "log.h"

#define NS_PER_US ((uint64_t)1000)
#define STATUS_NS ((uint64_t)5000000000)

/* A path, or with @ in front a name in the abstract namespace. Its length; 0 = none. */
static socklen_t read_address(struct sockaddr_un *address)
{
	const char *name = getenv("NOTIFY_SOCKET");
	size_t length = name ? strlen(name) : 0;

	if (length < 2 || length >= sizeof(address->sun_path) || !strchr("/@", *name))
		return 0;
	address->sun_family = AF_UNIX;
	memcpy(address->sun_path, name, length);
	if (*name == '@')
		address->sun_path[0] = '\0';
	return offsetof(struct sockaddr_un, sun_path) + length;
}

static uint64_t number_of(const char *variable)
{
	const char *text = getenv(variable);

	return text ? strtoull(text, NULL, 10) : 0;
}

static uint64_t read_watchdog(void)
{
	uint64_t pid = number_of("WATCHDOG_PID");

	if (pid && pid != (uint64_t)getpid()) /* somebody else's */
		return 0;
	return number_of("WATCHDOG_USEC") / 2 * NS_PER_US;
}

void notify_open(struct notify *n)
{
	struct sockaddr_un address = { 0 };
	socklen_t length = read_address(&address);

	*n = (struct notify){ .fd = -1 };
	if (!length)
		return;
	n->fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (n->fd >= 0 && !connect(n->fd, (struct sockaddr *)&address, length)) {
		n->watchdog_ns = read_watchdog();
		return;
	}
	log_warning("NOTIFY_SOCKET: %s; nobody is told when weir is ready", strerror(errno));
	notify_close(n);
}

void notify_close(struct notify *n)
{
	if (n->fd >= 0)
		close(n->fd);
	n->fd = -1;
}

static bool tell(const struct notify *n, const char *text)
{
	return send(n->fd, text, strlen(text), MSG_NOSIGNAL) >= 0;
}

bool notify_wants_status(const struct notify *n, uint64_t now_ns)
{
	return n->fd >= 0 && !n->told_stopping && now_ns >= n->status_at_ns;
}

void notify_turn(struct notify *n, uint64_t now_ns, const char *status)
{
	char text[512];

	if (n->fd < 0)
		return;
	if (!n->told_ready)
		n->told_ready = tell(n, "READY=1");
	if (n->watchdog_ns && now_ns >= n->alive_at_ns && tell(n, "WATCHDOG=1"))
		n->alive_at_ns = now_ns + n->watchdog_ns;
	if (!status)
		return;
	snprintf(text, sizeof(text), "STATUS=%s", status);
	if (tell(n, text))
		n->status_at_ns = now_ns + STATUS_NS;
}

void notify_reloading(struct notify *n, uint64_t now_ns)
{
	char text[64];

	if (n->fd < 0)
		return;
	snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%" PRIu64, now_ns / NS_PER_US);
	if (tell(n, text)) /* else what was not told yet still has to be */
		n->told_ready = false;
}

void notify_stopping(struct notify *n)
{
	if (n->fd >= 0 && !n->told_stopping)
		n->told_stopping = tell(n, "STOPPING=1\nSTATUS=writing the last records");
}
