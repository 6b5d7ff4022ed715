/* SPDX-License-Identifier: BSD-2-Clause */
#include "summary.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

/* For the journal: WEIR_LOST_RING_FULL=0, and so on. */
static void print_fields(const struct ledger *l, FILE *to)
{
	for (int i = 0; i < COUNTERS; i++) {
		fputs("WEIR_", to);
		for (const char *c = counter_table[i].path; *c; c++)
			fputc(*c == '.' ? '_' : toupper((unsigned char)*c), to);
		fprintf(to, "=%" PRIu64 "\n", l->value[i]);
	}
}

/* NULL: no memory. */
static char *text_of(const struct ledger *l, void (*print)(const struct ledger *l, FILE *to))
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	if (!to)
		return NULL;
	print(l, to);
	if (!fclose(to))
		return text;
	free(text);
	return NULL;
}

void summary_print(const struct ledger *l)
{
	char *text = text_of(l, summary_print_to), *fields = text_of(l, print_fields);

	if (text) {
		text[strcspn(text, "\n")] = '\0';
		log_to_stderr(LOG_LEVEL_INFO, text + 1, fields); /* without the blank in front */
	}
	free(text);
	free(fields);
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
