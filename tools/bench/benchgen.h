/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The three benchmark captures. Each generator is a pure function of its arguments (and, for mix,
 * of the bytes of its sources): the same arguments give the same file on every machine.
 * All return 0 or a negative errno, after having printed why.
 */
#ifndef WEIR_BENCHGEN_H
#define WEIR_BENCHGEN_H

#include <stdint.h>

struct capture_out;

struct bench_args {
	uint64_t count; /* packets (mix, elephant) or flows (many) */
	uint64_t seed;
	uint32_t duration_s;  /* mix: sources start within this time */
	uint32_t per_source;  /* mix: packets taken from one source */
	char *const *sources; /* mix: NULL-terminated paths */
};

int gen_mix(struct capture_out *out, const struct bench_args *args);
int gen_many(struct capture_out *out, const struct bench_args *args);
int gen_elephant(struct capture_out *out, const struct bench_args *args);

#endif
