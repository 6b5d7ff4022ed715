/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Names of the pods of this node: from the API server, where there is a service account, and from
 * the directories where the kubelet keeps their logs: pods/NAMESPACE_NAME_UID/CONTAINER,
 * containers/NAME_NAMESPACE_CONTAINER-ID.log.
 */
#ifndef USER_PODS_H
#define USER_PODS_H

#define PODS_LOGS "/var/log/pods"

struct pods;

/* "" where something is not known, never NULL. */
struct pod_names {
	const char *namespace, *name, *container, *labels;
};

/*
 * logs: the directory of pods; that of containers is beside it. account: see pod_watch.h, or NULL.
 * NULL when memory is short.
 */
struct pods *pods_new(const char *logs, const char *account);
void pods_free(struct pods *p);
/* Takes what the API server has told. NULL is allowed. */
void pods_poll(struct pods *p);

/*
 * The pod of this UID, and the container of this ID in it ("" = not asked for). An unknown one is
 * looked for again once a second at most. Names live through the next look, so that those of two
 * pods can be had together.
 */
void pods_find(struct pods *p, const char *uid, const char *container, struct pod_names *out);

#endif
