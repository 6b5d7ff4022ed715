/* SPDX-License-Identifier: BSD-2-Clause */
#include "process_stats.h"

#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "clock.h"

/* proc(5): fields of /proc/self/stat from the third one on, behind the name's bracket. */
enum { STAT_THREADS = 20 - 3, STAT_START = 22 - 3, STAT_VSIZE = 23 - 3, STAT_RSS = 24 - 3, STATS };

static bool read_file(const char *path, char *out, size_t size)
{
	FILE *from = fopen(path, "re");
	size_t n = from ? fread(out, 1, size - 1, from) : 0;

	if (from)
		fclose(from);
	out[n] = '\0';
	return n > 0;
}

/* A name may hold blanks and brackets, so the last bracket counts. */
static bool read_stat(uint64_t fields[STATS])
{
	char text[2048], *at, *rest = NULL;
	int n = 0;

	if (!read_file("/proc/self/stat", text, sizeof(text)))
		return false;
	at = strrchr(text, ')');
	at = at ? strtok_r(at + 1, " ", &rest) : NULL;
	for (; at && n < STATS; at = strtok_r(NULL, " ", &rest))
		fields[n++] = strtoull(at, NULL, 10);
	return n == STATS;
}

/* Start times count from the boot, by the clock that goes on in suspend. */
static double boot_time(void)
{
	return (clock_ns(CLOCK_REALTIME) / 1e9) - (clock_ns(CLOCK_BOOTTIME) / 1e9);
}

double process_start_time(void)
{
	uint64_t fields[STATS];

	if (!read_stat(fields))
		return 0;
	return boot_time() + (double)fields[STAT_START] / sysconf(_SC_CLK_TCK);
}

static uint64_t count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	uint64_t count = 0;

	if (!dir)
		return 0;
	while (readdir(dir))
		count++;
	closedir(dir);
	return count > 3 ? count - 3 : 0; /* without . and .. and that of dir */
}

void process_stats_read(struct process_stats *out)
{
	uint64_t fields[STATS];
	struct rlimit limit;

	*out = (struct process_stats){ .cpu_ns = clock_ns(CLOCK_PROCESS_CPUTIME_ID) };
	if (!getrlimit(RLIMIT_NOFILE, &limit))
		out->max_fds = limit.rlim_cur;
	if (!read_stat(fields))
		return;
	out->virtual_bytes = fields[STAT_VSIZE];
	out->resident_bytes = fields[STAT_RSS] * sysconf(_SC_PAGESIZE);
	out->threads = fields[STAT_THREADS];
	out->open_fds = count_fds();
}
