// SPDX-License-Identifier: BSD-2-Clause
/*
 * Owns the command line of the benchmark capture generator. Invariant: exit 0 means that OUT is
 * complete; otherwise OUT is gone, unless it is not a regular file: a device is never removed.
 */
#include "benchgen.h"

#include <errno.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "capture_out.h"

#define EXIT_USAGE 2
#define U32_MAX    0xffffffffULL

struct bench_mode {
	const char *name;
	int (*generate)(struct capture_out *out, const struct bench_args *args);
	uint64_t count; /* unless -n says otherwise */
	bool wants_sources;
};

static const struct bench_mode bench_modes[] = {
	{ "mix", gen_mix, 1750000, true },
	{ "many", gen_many, 1000000, false },
	{ "elephant", gen_elephant, 3000000, false },
};

static const char usage[] =
	"usage: benchgen [-n COUNT] [-s SEED] [-d SECONDS] [-k PACKETS] mix OUT SOURCE...\n"
	"       benchgen [-n COUNT] [-s SEED] many|elephant OUT\n"
	"  -n  packets (mix: 1750000, elephant: 3000000) or flows (many: 1000000)\n"
	"  -s  seed (1)\n"
	"  -d  seconds within which merged sources start (1200)\n"
	"  -k  packets taken from one source (700)\n";

static const struct bench_mode *find_mode(const char *name)
{
	for (size_t i = 0; i < sizeof(bench_modes) / sizeof(bench_modes[0]); i++)
		if (!strcmp(bench_modes[i].name, name))
			return &bench_modes[i];
	return NULL;
}

static int parse_number(uint64_t *value, int option, const char *text, uint64_t max)
{
	char *end;

	errno = 0;
	*value = strtoull(text, &end, 10);
	if (!errno && end != text && !*end && *text != '-' && *value >= 1 && *value <= max)
		return 0;
	fprintf(stderr, "benchgen: -%c %s: not a number: give 1 to %llu\n", option, text,
		(unsigned long long)max);
	return -EINVAL;
}

static int parse_option(struct bench_args *args, int option)
{
	uint64_t value;

	switch (option) {
	case 'n': return parse_number(&args->count, option, optarg, U32_MAX);
	case 's': return parse_number(&args->seed, option, optarg, U32_MAX);
	case 'd':
		if (parse_number(&value, option, optarg, U32_MAX))
			return -EINVAL;
		args->duration_s = (uint32_t)value;
		return 0;
	case 'k':
		if (parse_number(&value, option, optarg, U32_MAX))
			return -EINVAL;
		args->per_source = (uint32_t)value;
		return 0;
	default: return -EINVAL;
	}
}

static void remove_partial(const char *path)
{
	struct stat st;

	if (!lstat(path, &st) && S_ISREG(st.st_mode))
		remove(path);
}

static int generate(const struct bench_mode *mode, const struct bench_args *args, const char *path)
{
	struct capture_out out;
	int rc, close_rc;

	rc = capture_out_open(&out, path);
	if (rc) {
		fprintf(stderr, "benchgen: %s: %s: name a file that can be written\n", path,
			strerror(-rc));
		return rc;
	}
	rc = mode->generate(&out, args);
	close_rc = capture_out_close(&out);
	if (!rc && close_rc)
		fprintf(stderr, "benchgen: %s: %s: make room and try again\n", path,
			strerror(-close_rc));
	if (rc || close_rc) {
		remove_partial(path);
		return rc ? rc : close_rc;
	}
	printf("packets %llu bytes %llu\n", (unsigned long long)out.packets,
	       (unsigned long long)out.bytes);
	return 0;
}

int main(int argc, char **argv)
{
	struct bench_args args = { .seed = 1, .duration_s = 1200, .per_source = 700 };
	const struct bench_mode *mode;
	int option;

	while ((option = getopt(argc, argv, "n:s:d:k:")) != -1)
		if (parse_option(&args, option))
			goto usage;
	if (argc - optind < 2)
		goto usage;
	mode = find_mode(argv[optind]);
	if (!mode || mode->wants_sources != (argc - optind > 2))
		goto usage;
	if (!args.count)
		args.count = mode->count;
	args.sources = argv + optind + 2;
	return generate(mode, &args, argv[optind + 1]) ? EXIT_FAILURE : EXIT_SUCCESS;
usage:
	fputs(usage, stderr);
	return EXIT_USAGE;
}
