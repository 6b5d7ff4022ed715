/* SPDX-License-Identifier: BSD-2-Clause */
/* Which of the capabilities that BPF needs this process has not, for messages. */
#ifndef USER_CAPABILITIES_H
#define USER_CAPABILITIES_H

#include <stddef.h>

/*
 * "CAP_BPF and CAP_PERFMON"; "" when none is missing. CAP_SYS_ADMIN stands for these two, as the
 * kernel has it.
 */
const char *capabilities_missing(char *text, size_t size);

#endif
