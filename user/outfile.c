/* SPDX-License-Identifier: BSD-2-Clause */
#include "outfile.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
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

/* A pipe that somebody else has made non-blocking is full: waits for its reader. */
static void await_reader(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLOUT };

	poll(&p, 1, -1);
}

static int flush(struct outfile *f)
{
	size_t done = 0;

	if (f->rows.failed || f->header.failed)
		return report(f, -ENOMEM);
	while (done < f->rows.length) {
		ssize_t n = write(f->fd, f->rows.data + done, f->rows.length - done);

		if (n < 0 && errno == EAGAIN)
			await_reader(f->fd);
		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n < 0)
			return report(f, -errno);
		done += n;
	}
	f->written += done;
	f->rows.length = 0;
	return 0;
}

/* As it was before. */
static void give_up(struct outfile *f)
{
	if (f->made)
		unlink(f->name);
	f->rows.length = 0;
}

static int close_current(struct outfile *f)
{
	int err = 0;

	if (f->fd < 0)
		return 0;
	if (f->waits)
		give_up(f);
	else
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

struct used_name {
	uint32_t repeats;
	char expanded[];
};

static int compare_names(const void *a, const void *b)
{
	return strcmp(((const struct used_name *)a)->expanded,
		      ((const struct used_name *)b)->expanded);
}

/* NULL when memory is short. */
static struct used_name *note_name(struct outfile *f, const char *expanded)
{
	struct used_name *name = malloc(sizeof(*name) + strlen(expanded) + 1), **found;

	if (!name)
		return NULL;
	name->repeats = 0;
	strcpy(name->expanded, expanded);
	found = tsearch(name, &f->used_names, compare_names);
	if (found && *found == name)
		return name;
	free(name);
	if (!found)
		return NULL;
	(*found)->repeats++;
	return *found;
}

static int choose_name(struct outfile *f, uint64_t now_ns)
{
	time_t seconds = now_ns / NS_PER_S;
	const struct used_name *name;
	char expanded[4096];
	struct tm utc;

	if (!gmtime_r(&seconds, &utc) || !strftime(expanded, sizeof(expanded), f->pattern, &utc)) {
		log_error("%s: the name is too long; shorten it", f->pattern);
		return -ENAMETOOLONG;
	}
	free(f->name);
	f->name = NULL;
	name = note_name(f, expanded);
	if (name)
		f->name = numbered_name(expanded, name->repeats);
	return f->name ? 0 : report(f, -ENOMEM);
}

/* With append the size counts from what was there. */
static int open_as(struct outfile *f, int flags)
{
	struct stat st;

	flags |= f->append ? O_APPEND : 0;
	f->fd = open(f->name, O_WRONLY | O_CREAT | O_CLOEXEC | flags, 0666);
	if (f->fd < 0 || fstat(f->fd, &st))
		return -errno;
	f->written = f->append && S_ISREG(st.st_mode) ? (uint64_t)st.st_size : 0;
	return 0;
}

/* A new file, or one from before as it is. */
static int open_waiting(struct outfile *f)
{
	int err = open_as(f, O_EXCL);

	f->made = !err;
	if (err == -EEXIST)
		err = open_as(f, 0);
	f->waits = !err;
	return err ? report(f, err) : 0;
}

static int open_name(struct outfile *f)
{
	int err = open_as(f, f->append ? 0 : O_TRUNC);

	if (err)
		return report(f, err);
	if (outfile_wants_header(f))
		text_bytes(&f->rows, f->header.data, f->header.length);
	return 0;
}

bool outfile_wants_header(const struct outfile *f)
{
	return f->fd >= 0 && (!f->written || f->header_always);
}

static bool rotates(const struct outfile *f)
{
	return f->rotation.interval_ns || f->rotation.bytes;
}

int outfile_open(struct outfile *f, const char *pattern, const struct rotation *rotation,
		 bool append)
{
	int err;

	*f = (struct outfile){ .pattern = pattern, .fd = -1, .append = append };
	if (!strcmp(pattern, "-")) {
		f->fd = STDOUT_FILENO;
		f->line_buffered = isatty(STDOUT_FILENO);
		return 0;
	}
	f->rotation = *rotation;
	if (rotates(f))
		return 0;
	f->name = strdup(pattern);
	err = f->name ? open_waiting(f) : report(f, -ENOMEM);
	if (err)
		outfile_close(f);
	return err;
}

int outfile_begin(struct outfile *f)
{
	struct stat st;

	if (!f->waits)
		return 0;
	f->waits = false;
	if (f->append)
		return 0;
	/* pipes and devices have nothing from before */
	if (!fstat(f->fd, &st) && S_ISREG(st.st_mode) && ftruncate(f->fd, 0))
		return report(f, -errno);
	return 0;
}

/* Start of the period that the clock is in. */
static uint64_t period_start(const struct outfile *f, uint64_t clock_ns)
{
	uint64_t interval_ns = f->rotation.interval_ns;

	return interval_ns ? clock_ns - clock_ns % interval_ns : clock_ns;
}

bool outfile_is_due(const struct outfile *f, uint64_t now_ns)
{
	if (f->fd < 0)
		return true;
	if (!rotates(f))
		return false;
	if (f->rotation.interval_ns && period_start(f, now_ns) > f->period_start_ns)
		return true;
	return f->rotation.bytes && f->written + f->rows.length >= f->rotation.bytes;
}

int outfile_begin_row(struct outfile *f, uint64_t now_ns)
{
	bool due = outfile_is_due(f, now_ns);
	int err;

	if (now_ns > f->clock_ns)
		f->clock_ns = now_ns;
	if (!due)
		return 0;
	err = close_current(f);
	if (err)
		return err;
	f->period_start_ns = period_start(f, f->clock_ns);
	err = rotates(f) ? choose_name(f, f->period_start_ns) : 0;
	return err ? err : open_name(f);
}

int outfile_end_row(struct outfile *f)
{
	return f->rows.length >= WRITE_SIZE || f->line_buffered ? flush(f) : 0;
}

int outfile_flush(struct outfile *f)
{
	return f->fd >= 0 && f->rows.length && !f->waits ? flush(f) : 0;
}

/* Whether the name still stands for the open file. */
static bool is_in_place(const struct outfile *f)
{
	struct stat named, open;

	return !stat(f->name, &named) && !fstat(f->fd, &open) && named.st_dev == open.st_dev &&
	       named.st_ino == open.st_ino;
}

int outfile_reopen(struct outfile *f)
{
	return f->fd < 0 || f->fd == STDOUT_FILENO || is_in_place(f) ? 0 : close_current(f);
}

void outfile_drop(struct outfile *f)
{
	f->rows.length = 0;
	f->rows.failed = f->header.failed = false;
}

int outfile_close(struct outfile *f)
{
	int err = close_current(f);

	text_free(&f->rows);
	text_free(&f->header);
	free(f->name);
	tdestroy(f->used_names, free);
	f->name = NULL;
	f->used_names = NULL;
	return err;
}
