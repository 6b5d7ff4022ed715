/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages for people, one line each: "what: why; mend". They go to this thread's sink; without one
 * to stderr behind "weir: ". Nothing is said about what is normal.
 */
#ifndef USER_LOG_H
#define USER_LOG_H

#include <stdbool.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO };

struct log_sink {
	void (*write)(void *context, enum log_level level, const char *text); /* NULL: silence */
	void *context;
};

/* Borrowed until another one is set; NULL: stderr. Returns the one before. */
const struct log_sink *log_use(const struct log_sink *sink);
/* This thread's last error, "" without one. */
const char *log_last_error(void);

void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));
/*
 * A message on stderr as the sink that is none writes it. Where stderr is systemd's journal, the
 * message goes there with its priority and the fields, which nobody else gets: "NAME=value\n" each,
 * or NULL. A journal that has no socket here gets a line with <3>, <4> or <6> in front, see
 * sd-daemon(3).
 */
void log_to_stderr(enum log_level level, const char *text, const char *fields);

/*
 * Rewrites the progress line in place; NULL removes it. Only for a stderr that is a terminal.
 * Messages that go to stderr clear it first.
 */
void log_progress(const char *line);

#endif
