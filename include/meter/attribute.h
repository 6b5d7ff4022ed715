/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What the kernel's attribution programs (bpf/attribute.bpf.c) tell the agent: which process has
 * used which socket. In host byte order but for addresses.
 */
#ifndef METER_ATTRIBUTE_H
#define METER_ATTRIBUTE_H

#include "port.h"

/* The cgroup's path: names from the innermost group outwards, each ended by a zero. */
#define ATTRIBUTE_NAME_MAX  128u /* of a name, its zero included; what is longer is cut */
#define ATTRIBUTE_DEPTH     12u
#define ATTRIBUTE_PATH_MAX  (ATTRIBUTE_DEPTH * ATTRIBUTE_NAME_MAX)
#define ATTRIBUTE_PROCESS   16u /* of a process's name, its zero included: TASK_COMM_LEN */
#define ATTRIBUTE_RETELL_NS 30000000000ull /* a socket in use is told of again this often */
#define ATTRIBUTE_SWITCHES  8u             /* a socket used in turns is shared: nobody's */

#define ATTRIBUTE_KNOWN 8192u /* sockets in use that cost least; a power of two */

enum attribute_type {
	ATTRIBUTE_SOCKET = 1, /* struct attribute_socket */
	ATTRIBUTE_RENAME = 2, /* struct attribute_rename */
};

struct attribute_process {
	__u32 pid; /* of the whole process, as the host numbers it */
	__u32 zero;
	__u64 start_ns; /* since boot: tells processes of one pid apart */
	char name[ATTRIBUTE_PROCESS];
};

/*
 * A process has used a socket, or holds one when the agent starts. The path behind it is followed
 * by what makes the message a multiple of 8 bytes.
 */
struct attribute_socket {
	__u32 type;
	__u32 path_len; /* bytes of the cgroup's path behind this; 0: not asked for, or root */
	__u64 socket;   /* cookie */
	__u64 time_ns;  /* CLOCK_MONOTONIC */
	__u64 cgroup_id;
	struct attribute_process process;
	__u8 local[16], remote[16]; /* network order, IPv4 as ::ffff:a.b.c.d; zeros: any, none */
	__u16 local_port, remote_port;
	__u32 netns; /* inode number */
	__u8 protocol;
	__u8 ipv4;   /* of IPv4: zeros in local are those of IPv4 alone */
	__u8 shared; /* processes use it in turns; nothing more will be told */
	__u8 pad[5];
};
_Static_assert(sizeof(struct attribute_socket) == 112, "attribute_socket has no padding");

/* A process is called otherwise, by exec or by itself. */
struct attribute_rename {
	__u32 type;
	__u32 zero;
	struct attribute_process process;
};
_Static_assert(sizeof(struct attribute_rename) == 40, "attribute_rename has no padding");

/* Set before load. */
struct attribute_config {
	__u64 retell_jiffies; /* ATTRIBUTE_RETELL_NS in ticks of the kernel */
	__u32 paths;          /* tell the cgroup and its path */
	__u32 zero;
};

#endif
