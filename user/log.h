/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Messages for people, on stderr, one line each: "weir: what: why; mend". Nothing is printed for
 * what is normal.
 */
#ifndef USER_LOG_H
#define USER_LOG_H

#include <stdbool.h>

/* While a progress line is on the terminal, messages clear it first. */
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warning(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Rewrites the progress line in place; NULL removes it. Only for a stderr that is a terminal. */
void log_progress(const char *line);

#endif
