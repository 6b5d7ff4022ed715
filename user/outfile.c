/* SPDX-License-Identifier: BSD-2-Clause */
#include "outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "log.h"

#define WRITE_SIZE (64 * 1024)
#define NS_PER_S   1000000000ull

static int report(const struct outfile *f, int err)
{
	if (err != -EPIPE)
		log_error("%s: %s; choose a place that can be written",
			  f->name ? f->name : "stdout", strerror(-err));
	return err;
}

static int flush(struct outfile *f)
{
	size_t done = 0;

	if (f->rows.failed || f->header.failed)
		return report(f, -ENOMEM);
	while (done < f->rows.length) {
		ssize_t n = write(f->fd, f->rows.data + done, f->rows.length - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return report(f, -errno);
		done += n;
	}
	f->written += done;
	f->rows.length = 0;
	return 0;
}

static int close_current(struct outfile *f)
{
	int err = 0;

	if (f->fd < 0)
		return 0;
	err = flush(f);
	if (f->fd != STDOUT_FILENO && close(f->fd) < 0 && !err)
		err = report(f, -errno);
	f->fd = -1;
	return err;
}

/* "dir/a.csv", 2 -> "dir/a.2.csv" */
static char *numbered_name(const char *expanded, uint32_t number)
{
	const char *slash = strrchr(expanded, '/'), *dot = strrchr(slash ? slash : expanded, '.');
	int stem = dot ? dot - expanded : (int)strlen(expanded);
	char *name = NULL;

	if (!number)
		return strdup(expanded);
	return asprintf(&name, "%.*s.%u%s", stem, expanded, number, dot ? dot : "") < 0 ? NULL
											: name;
}

static int choose_name(struct outfile *f, uint64_t now_ns)
{
	time_t seconds = now_ns / NS_PER_S;
	char expanded[4096];
	struct tm utc;

	if (!gmtime_r(&seconds, &utc) || !strftime(expanded, sizeof(expanded), f->pattern, &utc))
		return -ENAMETOOLONG;
	f->repeats = f->last_expanded && !strcmp(f->last_expanded, expanded) ? f->repeats + 1 : 0;
	free(f->last_expanded);
	free(f->name);
	f->last_expanded = strdup(expanded);
	f->name = numbered_name(expanded, f->repeats);
	return f->last_expanded && f->name ? 0 : -ENOMEM;
}

static int open_name(struct outfile *f)
{
	f->fd = open(f->name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	f->written = 0;
	if (f->fd < 0)
		return report(f, -errno);
	text_bytes(&f->rows, f->header.data, f->header.length);
	return 0;
}

static bool rotates(const struct outfile *f)
{
	return f->rotation.interval_ns || f->rotation.bytes;
}

int outfile_open(struct outfile *f, const char *pattern, const struct rotation *rotation)
{
	*f = (struct outfile){ .pattern = pattern, .fd = -1 };
	if (!strcmp(pattern, "-")) {
		f->fd = STDOUT_FILENO;
		f->line_buffered = isatty(STDOUT_FILENO);
		return 0;
	}
	f->rotation = *rotation;
	if (rotates(f))
		return 0;
	f->name = strdup(pattern);
	if (!f->name)
		return report(f, -ENOMEM);
	return open_name(f);
}

int outfile_begin_row(struct outfile *f, uint64_t now_ns)
{
	uint64_t start = f->rotation.interval_ns ? now_ns - now_ns % f->rotation.interval_ns : 0;
	bool next = f->fd < 0;
	int err;

	if (!rotates(f))
		return 0;
	if (f->rotation.interval_ns && start > f->period_start_ns)
		next = true;
	if (f->rotation.bytes && f->written + f->rows.length >= f->rotation.bytes)
		next = true;
	if (!next)
		return 0;
	err = close_current(f);
	if (err)
		return err;
	f->period_start_ns = start;
	err = choose_name(f, f->rotation.interval_ns ? start : now_ns);
	if (err) {
		log_error("%s: %s; shorten the name", f->pattern, strerror(-err));
		return err;
	}
	return open_name(f);
}

int outfile_end_row(struct outfile *f)
{
	return f->rows.length >= WRITE_SIZE || f->line_buffered ? flush(f) : 0;
}

int outfile_flush(struct outfile *f)
{
	return f->fd >= 0 && f->rows.length ? flush(f) : 0;
}

int outfile_close(struct outfile *f)
{
	int err = close_current(f);

	text_free(&f->rows);
	text_free(&f->header);
	free(f->name);
	free(f->last_expanded);
	f->name = f->last_expanded = NULL;
	return err;
}
