/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "options.h"

#define USAGE "usage: weir [OPTION]... [FILTER EXPRESSION]\n       weir fields | version | help\n"

static void print_option(FILE *to, const struct option_info *o, bool brief)
{
	char left[80];
	int n = snprintf(left, sizeof(left), "  %c%c%c --%s%s%s", o->letter ? '-' : ' ',
			 o->letter ? o->letter : ' ', o->letter ? ',' : ' ', o->name,
			 o->metavar ? " " : "", o->metavar ? o->metavar : "");

	if (brief) {
		int room = 80 - 31;

		fprintf(to, "%-30s %.*s\n", left, room, o->help);
		return;
	}
	fprintf(to, "%-36s%s%s", left, n >= 36 ? " " : "", o->help);
	if (o->default_text && strcmp(o->default_text, "0"))
		fprintf(to, " [%s]", o->default_text);
	fputc('\n', to);
}

void options_print_brief(FILE *to)
{
	fputs(USAGE, to);
	fputs("Turns packets into flow records, one for each connection and its answer.\n", to);
	for (size_t i = 0; i < option_count; i++)
		if (option_table[i].brief)
			print_option(to, &option_table[i], true);
	fputs("All options: weir --help-all. Columns: weir fields. Manual: man weir.\n", to);
}

void options_print_all(FILE *to)
{
	fputs(USAGE, to);
	for (size_t i = 0; i < option_count; i++) {
		if (option_table[i].section)
			fprintf(to, "\n%s:\n", option_table[i].section);
		print_option(to, &option_table[i], false);
	}
	fputs("\nEvery option is also a key of the YAML file (idle-timeout: 30) and a variable\n"
	      "(WEIR_IDLE_TIMEOUT=30); the command line wins over variables, they over the file.\n",
	      to);
}
