/* SPDX-License-Identifier: BSD-2-Clause */
/* The line that tells a person at a terminal how far a long read has come. */
#ifndef USER_PROGRESS_H
#define USER_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

struct progress {
	bool shown;           /* stderr is a terminal and not -q */
	uint64_t total_bytes; /* of all files; 0 = unknown */
	uint64_t start_ns, last_ns;
};

void progress_init(struct progress *p, bool quiet, uint64_t total_bytes);
/* Cheap enough to call every few thousand packets; draws a few times a second, after the first. */
void progress_update(struct progress *p, uint64_t packets, uint64_t bytes);
void progress_end(struct progress *p);

#endif
