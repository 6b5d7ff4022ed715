/* SPDX-License-Identifier: BSD-2-Clause */
/* Which of the capabilities that something needs this process has not, for messages. */
#ifndef USER_CAPABILITIES_H
#define USER_CAPABILITIES_H

#include <stddef.h>

enum capabilities_for {
	CAPABILITIES_BPF = 1,
	CAPABILITIES_NETNS = 2, /* to hear of other network namespaces, number and enter them */
};

/*
 * "CAP_BPF and CAP_PERFMON"; "" when none is missing. CAP_SYS_ADMIN stands for these two, as the
 * kernel has it.
 */
const char *capabilities_missing(enum capabilities_for what, char *text, size_t size);

#endif
