/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The pods of this node as the API server of Kubernetes tells them: one request that goes on, of
 * which every line is a change. Nothing here waits: the owner calls pod_watch_poll() now and then.
 */
#ifndef USER_POD_WATCH_H
#define USER_POD_WATCH_H

#include <stdbool.h>

#include "pods.h"

struct pod_watch;

/*
 * account: the directory of a service account's token and ca.crt. Where the API server is the
 * environment says (KUBERNETES_SERVICE_HOST, KUBERNETES_SERVICE_PORT), and the node's name, if
 * NODE_NAME is given: else all pods are watched. *out is NULL without account or address.
 * 0, or -ENOMEM.
 */
int pod_watch_new(struct pod_watch **out, const char *account);
/* NULL is allowed, here and below. */
void pod_watch_free(struct pod_watch *w);

/* Takes what has come; connects anew when it is time. Says once what is wrong. */
void pod_watch_poll(struct pod_watch *w);

/* Names live until the next poll. True: all that was asked for is known. */
bool pod_watch_find(const struct pod_watch *w, const char *uid, const char *container,
		    struct pod_names *out);

#endif
