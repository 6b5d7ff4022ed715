/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a service manager is told: sd_notify(3)'s protocol, a datagram of VAR=VALUE lines to
 * NOTIFY_SOCKET, which systemd documents as stable. Written here, since libsystemd would bring six
 * libraries for one sendto(2). Without the variable everything here does nothing.
 */
#ifndef USER_NOTIFY_H
#define USER_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

struct notify {
	int fd;               /* connected; -1 = nobody listens */
	bool told_ready;      /* READY=1 is out */
	bool told_stopping;   /* STOPPING=1 is out */
	uint64_t watchdog_ns; /* between two signs of life: half of WATCHDOG_USEC; 0 = not asked */
	uint64_t alive_at_ns; /* when the next one is due */
	uint64_t status_at_ns;
};

/* A socket that cannot be reached is told once; the run goes on. */
void notify_open(struct notify *n);
void notify_close(struct notify *n);

/* Whether a status should be told with this turn. */
bool notify_wants_status(const struct notify *n, uint64_t now_ns);
/*
 * A turn of the main loop: ready the first time, then signs of life and, unless NULL, the status.
 * Never waits: what finds the manager's queue full is told with a later turn.
 */
void notify_turn(struct notify *n, uint64_t now_ns, const char *status);
/* Around what SIGHUP asks for; ready again with the next turn. */
void notify_reloading(struct notify *n, uint64_t now_ns);
void notify_stopping(struct notify *n);

#endif
