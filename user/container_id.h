/* SPDX-License-Identifier: BSD-2-Clause */
/* What the path of a cgroup tells of containers and pods, by the habits of their runtimes. */
#ifndef USER_CONTAINER_ID_H
#define USER_CONTAINER_ID_H

#define CONTAINER_ID_SIZE 65 /* 64 hexadecimal digits and the end */
#define POD_UID_SIZE      37

/*
 * The innermost container: docker-ID.scope, cri-containerd-ID.scope, crio-ID.scope,
 * libpod-ID.scope and the like, or a plain ID; "" if there is none.
 */
void container_id(const char *path, char id[CONTAINER_ID_SIZE]);

/* The pod below kubepods, as the API server writes it; "" if there is none. */
void container_pod_uid(const char *path, char uid[POD_UID_SIZE]);

#endif
