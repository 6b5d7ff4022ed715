/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Why the kernel refused, in words: "cause; mend". Held back until it is known whether it is an
 * error, or the reason for another hook. libbpf's own lines are kept to find the cause in.
 */
#ifndef USER_BPF_REASON_H
#define USER_BPF_REASON_H

#include "config.h"

#define BPF_REASON_FILES "allow more open files: ulimit -n, or LimitNOFILE= of its unit"

void bpf_reason_begin(void); /* forgets what was */
/* Notes cause and mend (formatted) and returns err. */
int bpf_reason(int err, const char *cause, const char *mend_format, ...)
	__attribute__((format(printf, 3, 4)));
/* For an error of loading; returns the errno that tells its kind. */
int bpf_reason_load(int err, const struct config *config);
const char *bpf_reason_text(void);

#endif
