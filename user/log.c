/* SPDX-License-Identifier: BSD-2-Clause */
#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>

#include "journal.h"

#define MESSAGE_SIZE 1024

static bool progress_shown;
static _Thread_local const struct log_sink *current_sink;
static _Thread_local char last_error[MESSAGE_SIZE];

const struct log_sink *log_use(const struct log_sink *sink)
{
	const struct log_sink *before = current_sink;

	current_sink = sink;
	return before;
}

const char *log_last_error(void)
{
	return last_error;
}

void log_progress(const char *line)
{
	if (!line && !progress_shown)
		return;
	fprintf(stderr, "\r\033[K%s", line ? line : "");
	fflush(stderr);
	progress_shown = line != NULL;
}

void log_to_stderr(enum log_level level, const char *text, const char *fields)
{
	static const char *const names[] = { "weir: ", "weir: warning: ", "weir: " };
	static const int priorities[] = { LOG_ERR, LOG_WARNING, LOG_INFO };

	log_progress(NULL);
	if (!journal_is_stderr())
		fprintf(stderr, "%s%s\n", names[level], text);
	else if (!journal_send(priorities[level], text, fields))
		fprintf(stderr, "<%d>%s\n", priorities[level], text);
}

/* One line, and nothing that a terminal obeys: some words are a peer's. */
static void make_plain(char *text)
{
	for (unsigned char *c = (unsigned char *)text; *c; c++)
		if (*c < ' ' || *c == 0x7f)
			*c = ' ';
}

static void log_line(enum log_level level, const char *format, va_list args)
{
	char text[MESSAGE_SIZE];

	vsnprintf(text, sizeof(text), format, args);
	make_plain(text);
	if (level == LOG_LEVEL_ERROR)
		memcpy(last_error, text, sizeof(text));
	if (!current_sink)
		log_to_stderr(level, text, NULL);
	else if (current_sink->write)
		current_sink->write(current_sink->context, level, text);
}

void log_error(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_line(LOG_LEVEL_ERROR, format, args);
	va_end(args);
}

void log_warning(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_line(LOG_LEVEL_WARNING, format, args);
	va_end(args);
}
