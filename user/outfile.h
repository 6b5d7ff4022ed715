/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where an output's rows go: stdout or a file, perhaps a new one from time to time. Rows are
 * collected and written whole, so that a reader of the file never sees half of one for long.
 *
 * With --rotate the name is a strftime(3) pattern in UTC packet time, which never runs back here.
 * A name that was used before in this run gets ".1", ".2" ... before its last extension, so
 * nothing of the run is overwritten. The row that reaches a limit of bytes is the file's last.
 */
#ifndef USER_OUTFILE_H
#define USER_OUTFILE_H

#include "config.h"
#include "text_buffer.h"

struct outfile {
	struct text_buffer rows;   /* what is to be written */
	struct text_buffer header; /* starts every file */
	const char *pattern;       /* borrowed; "-" = stdout */
	char *name;                /* of the open file; NULL before the first */
	void *used_names;          /* tsearch(3) tree: expansions of the pattern so far */
	uint64_t clock_ns;         /* newest packet time */
	struct rotation rotation;
	uint64_t period_start_ns; /* of the current file */
	uint64_t written;         /* bytes in the current file, those from before included */
	int fd;
	bool waits;         /* open, but not begun yet: a file from before is still whole */
	bool made;          /* there was no file of this name before */
	bool append;        /* what is in a file stays */
	bool header_always; /* also where a file goes on: not a line of names, but a protocol's */
	bool line_buffered; /* a terminal, or live input: somebody waits for each row */
};

/*
 * Without rotation the file is opened at once, but left as it is until outfile_begin(): the run may
 * yet turn out not to be possible. With append what is in files stays. 0, or a negative errno after
 * a message.
 */
int outfile_open(struct outfile *f, const char *pattern, const struct rotation *rotation,
		 bool append);
/* Before the first row is written: without append what was in the file is gone. Errors as above. */
int outfile_begin(struct outfile *f);
/* Whether the header has to be the next in the file that is open: the caller's, after opening. */
bool outfile_wants_header(const struct outfile *f);
/* Whether a row of packet time now_ns begins a new file. */
bool outfile_is_due(const struct outfile *f, uint64_t now_ns);
/* Before a row of packet time now_ns: opens the file or the next one. */
int outfile_begin_row(struct outfile *f, uint64_t now_ns);
/* After a row. -EPIPE without a message, other errors with one. */
int outfile_end_row(struct outfile *f);
/* Writes the rows so far, if there is a file for them. */
int outfile_flush(struct outfile *f);
/*
 * After outfile_flush(): if the file was moved away or removed, as logrotate(8) does, the next row
 * begins a new one under its name. One that is where it was goes on.
 */
int outfile_reopen(struct outfile *f);
/* Forgets the rows that are not written. */
void outfile_drop(struct outfile *f);
/* A file that was not begun is left as it was before, or removed if it was not there. */
int outfile_close(struct outfile *f);

#endif
