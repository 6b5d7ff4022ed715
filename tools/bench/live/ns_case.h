/* SPDX-License-Identifier: BSD-2-Clause */
/* One BPF program that is measured: its own object with its own maps. */
#ifndef BENCH_LIVE_NS_CASE_H
#define BENCH_LIVE_NS_CASE_H

#include <stdbool.h>
#include <stdint.h>

struct ns_case {
	const char *name;
	const char *object; /* file, without .bpf.o */
	const char *program;
	bool tc;         /* else XDP */
	bool counts;     /* it has flows, and must have made one entry for each */
	bool statistics; /* values of 384 bytes instead of 128 */

	struct bpf_object *opened;
	int fd;
};

/* Loads the program, ages its map and has it meet each of the flows. 0 or a negative errno; the
 * message is out by then. */
int ns_case_open(struct ns_case *c, const char *folder, uint32_t flows);
void ns_case_close(struct ns_case *c);

/* CPU time of this thread for so many runs, or a negative errno. */
int64_t ns_case_run(const struct ns_case *c, uint32_t runs);

/* 0 when every packet of the runs went into one of the flows' entries; else the message is out. */
int ns_case_check(const struct ns_case *c, uint32_t flows);

#endif
