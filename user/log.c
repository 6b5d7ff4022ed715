/* SPDX-License-Identifier: BSD-2-Clause */
#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

/* JOURNAL_STREAM is the socket's device and inode; who redirects stderr leaves the variable. */
static bool is_journal(void)
{
	const char *text = getenv("JOURNAL_STREAM");
	unsigned long long device, inode;
	struct stat st;

	return text && sscanf(text, "%llu:%llu", &device, &inode) == 2 &&
	       !fstat(STDERR_FILENO, &st) && st.st_dev == device && st.st_ino == inode;
}

void log_to_stderr(enum log_level level, const char *text)
{
	static const char *const names[] = { "weir: ", "weir: warning: ", "weir: " };
	static const char *const priorities[] = { "<3>", "<4>", "<6>" };

	log_progress(NULL);
	fprintf(stderr, "%s%s\n", is_journal() ? priorities[level] : names[level], text);
}

static void log_line(enum log_level level, const char *format, va_list args)
{
	char text[MESSAGE_SIZE];

	vsnprintf(text, sizeof(text), format, args);
	for (char *c = text; *c; c++)
		if (*c == '\n' || *c == '\r')
			*c = ' ';
	if (level == LOG_LEVEL_ERROR)
		memcpy(last_error, text, sizeof(text));
	if (!current_sink)
		log_to_stderr(level, text);
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
