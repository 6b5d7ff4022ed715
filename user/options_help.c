/* SPDX-License-Identifier: BSD-2-Clause */
/* --help and --help-all from the option table, 80 columns wide; --help fits 24 lines. */
#include <string.h>

#include "options.h"

#define WIDTH  80
#define INDENT 31 /* of the help text */

/* Prints words, breaking lines at WIDTH; *column is where the cursor stands. */
static void print_words(FILE *to, const char *text, int *column)
{
	while (*text) {
		int length = strcspn(text, " ");

		if (*column + 1 + length > WIDTH) {
			fprintf(to, "\n%*s", INDENT - 1, "");
			*column = INDENT - 1;
		}
		fprintf(to, " %.*s", length, text);
		*column += 1 + length;
		text += length;
		text += strspn(text, " ");
	}
}

static void print_option(FILE *to, const struct option_info *o)
{
	char letter[8] = "    ", shown[32];
	int column;

	if (o->letter)
		snprintf(letter, sizeof(letter), "-%c, ", o->letter);
	column = fprintf(to, "  %s--%s%s%s", letter, o->name, o->metavar ? " " : "",
			 o->metavar ? o->metavar : "");
	if (column < INDENT - 1)
		column += fprintf(to, "%*s", INDENT - 1 - column, "");
	print_words(to, o->help, &column);
	if (o->default_text && strcmp(o->default_text, "0")) {
		snprintf(shown, sizeof(shown), "[%s]", o->default_text);
		print_words(to, shown, &column);
	}
	fputc('\n', to);
}

void options_print_usage(FILE *to)
{
	fputs("Usage: weir [OPTION]... [FILTER EXPRESSION]\n"
	      "       weir status | detach [--pin DIR] [-i NAME]...\n"
	      "       weir fields | schema NAME | version | help | completions SHELL\n",
	      to);
}

static void print_head(FILE *to)
{
	options_print_usage(to);
	fputs("Measures network flows: one record for a conversation, its application named.\n",
	      to);
}

void options_print_brief(FILE *to)
{
	print_head(to);
	fputc('\n', to);
	for (size_t i = 0; i < option_count; i++)
		if (option_table[i].brief)
			print_option(to, &option_table[i]);
	fputs("\nExample: weir -r capture.pcap -o json tcp port 443\n"
	      "All options: weir --help-all. Columns: weir fields. Manual: man weir.\n",
	      to);
}

void options_print_all(FILE *to)
{
	print_head(to);
	for (size_t i = 0; i < option_count; i++) {
		if (option_table[i].section)
			fprintf(to, "\n%s:\n", option_table[i].section);
		print_option(to, &option_table[i]);
	}
	fputs("\nDefaults are in brackets. An option is also a key of the YAML file\n"
	      "(idle-timeout: 30) and a variable (WEIR_IDLE_TIMEOUT=30): the command line wins\n"
	      "over variables, and they over the file. --stats=no unsets what the others set.\n",
	      to);
}
