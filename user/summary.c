/* SPDX-License-Identifier: BSD-2-Clause */
#include "summary.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

void summary_print(const struct ledger *l)
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	if (!to)
		return;
	summary_print_to(l, to);
	if (!fclose(to)) {
		text[size - 1] = '\0'; /* its line end; the blank in front is text[0] */
		log_to_stderr(LOG_LEVEL_INFO, text + 1);
	}
	free(text);
}

void summary_print_to(const struct ledger *l, FILE *to)
{
	for (int i = 0; i < COUNTERS; i++) {
		const struct counter_info *info = &counter_table[i];

		/* The top level is told even when 0, the reasons only when there is something. */
		if (*info->group && !l->value[i])
			continue;
		fprintf(to, "%s %s %" PRIu64, i ? "," : "", info->path, l->value[i]);
	}
	fputc('\n', to);
}

static void write_group(const struct ledger *l, FILE *to, const char *group)
{
	const char *comma = "";

	fprintf(to, "\"%s\":{", group);
	for (int i = 0; i < COUNTERS; i++) {
		if (strcmp(counter_table[i].group, group))
			continue;
		fprintf(to, "%s\"%s\":%" PRIu64, comma, counter_table[i].name, l->value[i]);
		comma = ",";
	}
	fputc('}', to);
}

static void write_json(const struct ledger *l, FILE *to)
{
	const char *comma = "";

	fputc('{', to);
	for (int i = 0; i < COUNTERS; i++) {
		const char *group = counter_table[i].group;

		if (i && *group && !strcmp(group, counter_table[i - 1].group))
			continue;
		fputs(comma, to);
		if (*group)
			write_group(l, to, group);
		else
			fprintf(to, "\"%s\":%" PRIu64, counter_table[i].name, l->value[i]);
		comma = ",";
	}
	fputs("}\n", to);
}

int summary_write(const struct ledger *l, const char *path)
{
	FILE *to = strcmp(path, "-") ? fopen(path, "w") : stdout;
	int err = 0;

	if (!to) {
		err = -errno;
		log_error("--summary %s: %s; choose a file that can be written", path,
			  strerror(errno));
		return err;
	}
	write_json(l, to);
	if (fflush(to) || ferror(to))
		err = -errno;
	if (to != stdout && fclose(to) && !err)
		err = -errno;
	if (err)
		log_error("--summary %s: %s; choose a file that can be written", path,
			  strerror(-err));
	return err;
}
