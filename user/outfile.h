/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where an output's rows go: stdout or a file, perhaps a new one from time to time. Rows are
 * collected and written whole, so that a reader of the file never sees half of one for long.
 *
 * With --rotate the name is a strftime(3) pattern in UTC packet time. A name that was used before
 * in this run gets ".1", ".2" ... before its last extension, so nothing is overwritten.
 */
#ifndef USER_OUTFILE_H
#define USER_OUTFILE_H

#include "config.h"
#include "text_buffer.h"

struct outfile {
	struct text_buffer rows;   /* what is to be written */
	struct text_buffer header; /* starts every file; not counted against the limit */
	const char *pattern;       /* borrowed; "-" = stdout */
	char *name;                /* of the open file; NULL before the first */
	char *last_expanded;       /* pattern's last expansion, to number repeated names */
	struct rotation rotation;
	uint64_t period_start_ns; /* of the current file */
	uint64_t written;         /* bytes in the current file */
	uint32_t repeats;
	int fd;
	bool line_buffered; /* a terminal or a pipe: somebody is waiting for each row */
};

/* Without rotation the file is opened at once. 0, or a negative errno after a message. */
int outfile_open(struct outfile *f, const char *pattern, const struct rotation *rotation);
/* Before a row of packet time now_ns: opens the file or the next one. */
int outfile_begin_row(struct outfile *f, uint64_t now_ns);
/* After a row. -EPIPE without a message, other errors with one. */
int outfile_end_row(struct outfile *f);
/* Writes the rows so far, if there is a file for them. */
int outfile_flush(struct outfile *f);
int outfile_close(struct outfile *f);

#endif
