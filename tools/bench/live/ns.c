// SPDX-License-Identifier: BSD-2-Clause
/*
 * Nanoseconds a packet of weir's kernel program and of the floors under it:
 *     ns FOLDER FLOWS ROUNDS MILLISECONDS CPU
 * runs each program by BPF_PROG_TEST_RUN, a packet of FLOWS flows in turn, and prints a JSON line
 * for each. All programs are loaded at first; a round runs each for so many milliseconds, so a
 * machine that slows down slows all alike. Time is the thread's CPU time over the system call,
 * which is finer than the whole nanoseconds that the kernel tells.
 */
#include <bpf/libbpf.h>
#include <errno.h>
#include <sched.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ns_case.h"

#define MAX_ROUNDS 101
#define TRIAL_RUNS 20000
#define MAX_RUNS   40000000.0

#define FLOOR(step, hook, ...)                                                             \
	{                                                                                  \
		.name = #step, .object = "floors", .program = #step "_" #hook, __VA_ARGS__ \
	}
#define WEIR(hook, ...)                                                                \
	{                                                                              \
		.name = "weir", .object = "weirbench", .program = "bench_weir_" #hook, \
		.counts = true, __VA_ARGS__                                            \
	}

static struct ns_case cases[] = {
	/* clang-format off */
	FLOOR(empty, xdp),
	FLOOR(prelude, xdp),
	FLOOR(parse, xdp),
	FLOOR(floor, xdp, .counts = true),
	WEIR(xdp),
	FLOOR(floor, xdp, .counts = true, .statistics = true),
	WEIR(xdp, .statistics = true),
	FLOOR(empty, tc, .tc = true),
	FLOOR(prelude, tc, .tc = true),
	FLOOR(parse, tc, .tc = true),
	FLOOR(floor, tc, .tc = true, .counts = true),
	WEIR(tc, .tc = true),
	FLOOR(floor, tc, .tc = true, .counts = true, .statistics = true),
	WEIR(tc, .tc = true, .statistics = true),
	/* clang-format on */
};

#define CASES (sizeof(cases) / sizeof(*cases))

struct times {
	uint32_t runs; /* of a round */
	double ns[MAX_ROUNDS];
};

static int silent(enum libbpf_print_level level, const char *format, va_list args)
{
	return level == LIBBPF_WARN ? vfprintf(stderr, format, args) : 0;
}

static int pin(int cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	return sched_setaffinity(0, sizeof(set), &set);
}

static int open_all(const char *folder, uint32_t flows, double round_ns, struct times *times)
{
	for (size_t i = 0; i < CASES; i++) {
		int err = ns_case_open(&cases[i], folder, flows);
		int64_t trial = err ? err : ns_case_run(&cases[i], TRIAL_RUNS);
		double runs;

		if (trial < 0)
			return trial;
		runs = round_ns * TRIAL_RUNS / (trial + 1);
		times[i].runs = runs > MAX_RUNS ? MAX_RUNS : runs < 1000 ? 1000 : runs;
	}
	return 0;
}

/* Each round begins with another program, so that none always follows the same one. */
static int measure(int rounds, struct times *times)
{
	for (int round = 0; round < rounds; round++) {
		for (size_t n = 0; n < CASES; n++) {
			size_t i = (n + round * 5) % CASES;
			int64_t took = ns_case_run(&cases[i], times[i].runs);

			if (took < 0)
				return took;
			times[i].ns[round] = (double)took / times[i].runs;
		}
	}
	return 0;
}

static int report(uint32_t flows, int rounds, struct times *times)
{
	for (size_t i = 0; i < CASES; i++) {
		int err = ns_case_check(&cases[i], flows);

		if (err)
			return err;
		printf("{\"case\":\"%s\",\"hook\":\"%s\",\"statistics\":%s,\"flows\":%u,"
		       "\"rounds\":[",
		       cases[i].name, cases[i].tc ? "tc" : "xdp",
		       cases[i].statistics ? "true" : "false", flows);
		for (int round = 0; round < rounds; round++)
			printf("%s%.2f", round ? "," : "", times[i].ns[round]);
		puts("]}");
	}
	return 0;
}

int main(int argc, char **argv)
{
	static struct times times[CASES];
	uint32_t flows;
	int rounds, err;

	if (argc != 6 || (rounds = atoi(argv[3])) < 1 || rounds > MAX_ROUNDS) {
		fprintf(stderr, "usage: ns FOLDER FLOWS ROUNDS(1-%d) MILLISECONDS CPU\n",
			MAX_ROUNDS);
		return 2;
	}
	flows = strtoul(argv[2], NULL, 10);
	libbpf_set_print(silent);
	if (pin(atoi(argv[5]))) {
		fprintf(stderr, "ns: CPU %s: %s\n", argv[5], strerror(errno));
		return 1;
	}
	err = open_all(argv[1], flows, atof(argv[4]) * 1e6, times);
	if (!err)
		err = measure(rounds, times);
	if (!err)
		err = report(flows, rounds, times);
	for (size_t i = 0; i < CASES; i++)
		ns_case_close(&cases[i]);
	return err ? 1 : 0;
}
