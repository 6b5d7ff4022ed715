/* SPDX-License-Identifier: BSD-2-Clause */
#include "log.h"

#include <stdarg.h>
#include <stdio.h>

static bool progress_shown;

void log_progress(const char *line)
{
	if (!line && !progress_shown)
		return;
	fprintf(stderr, "\r\033[K%s", line ? line : "");
	fflush(stderr);
	progress_shown = line != NULL;
}

static void log_line(const char *prefix, const char *format, va_list args)
{
	char text[1024];

	log_progress(NULL);
	vsnprintf(text, sizeof(text), format, args);
	for (char *c = text; *c; c++)
		if (*c == '\n' || *c == '\r')
			*c = ' ';
	fprintf(stderr, "weir: %s%s\n", prefix, text);
}

void log_error(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_line("", format, args);
	va_end(args);
}

void log_warning(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	log_line("warning: ", format, args);
	va_end(args);
}
