/* SPDX-License-Identifier: BSD-2-Clause */
/* What the system knows about this process, for the process_* metrics. */
#ifndef USER_PROCESS_STATS_H
#define USER_PROCESS_STATS_H

#include <stdint.h>

struct process_stats {
	uint64_t cpu_ns;
	uint64_t resident_bytes, virtual_bytes;
	uint64_t threads;
	uint64_t open_fds, max_fds;
};

/* Since the epoch, in seconds; 0: /proc cannot be read. Ask once: clocks are adjusted. */
double process_start_time(void);

/* Where /proc cannot be read only cpu_ns and max_fds are known, and the others are 0. */
void process_stats_read(struct process_stats *out);

#endif
