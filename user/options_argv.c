/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Options from the command line, by getopt_long() with arrays made from the table. It is read
 * twice, because the file that it names ranks below it.
 */
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "options.h"

#define MAX_OPTIONS 64
#define LONG_VALUE  256 /* above every letter */

struct getopt_tables {
	struct option longs[MAX_OPTIONS + 1];
	char shorts[2 * MAX_OPTIONS + 2];
};

/* A flag may be unset: --stats=no against a file that sets it. */
static int argument_kind(const struct option_info *o)
{
	if (option_takes_value(o))
		return required_argument;
	return o->type == OPTION_ACTION ? no_argument : optional_argument;
}

static void make_getopt_tables(struct getopt_tables *t)
{
	char *shorts = t->shorts;

	memset(t, 0, sizeof(*t));
	*shorts++ = ':'; /* tell a missing value from an unknown option */
	for (size_t i = 0; i < option_count && i < MAX_OPTIONS; i++) {
		const struct option_info *o = &option_table[i];

		t->longs[i].name = o->name;
		t->longs[i].has_arg = argument_kind(o);
		t->longs[i].val = LONG_VALUE + i;
		if (!o->letter)
			continue;
		*shorts++ = o->letter;
		if (option_takes_value(o))
			*shorts++ = ':';
	}
}

static const struct option_info *option_of(int value)
{
	if (value >= LONG_VALUE && value < LONG_VALUE + (int)option_count)
		return &option_table[value - LONG_VALUE];
	for (size_t i = 0; i < option_count; i++)
		if (value && option_table[i].letter == value)
			return &option_table[i];
	return NULL;
}

static int refuse_long(const char *word)
{
	size_t length = strcspn(word + 2, "="), found = 0;
	const char *first = NULL, *second = NULL, *nearest = option_nearest(word + 2, length);

	for (size_t i = 0; i < option_count && length; i++) {
		if (strncmp(option_table[i].name, word + 2, length))
			continue;
		if (found++ == 0)
			first = option_table[i].name;
		else
			second = option_table[i].name;
	}
	if (second)
		log_error("--%.*s: could be --%s or --%s; give the whole name", (int)length,
			  word + 2, first, second);
	else if (nearest)
		log_error("--%.*s: unknown option; did you mean --%s?", (int)length, word + 2,
			  nearest);
	else
		log_error("--%.*s: unknown option; see weir --help-all", (int)length, word + 2);
	return -EINVAL;
}

/* found is what getopt_long() returned: ':' or '?'. */
static int refuse_argument(int found, char **argv)
{
	const struct option_info *o = option_of(optopt);

	if (found == ':' && o)
		log_error("--%s: has no value; give %s", o->name, o->metavar);
	else if (optopt >= LONG_VALUE && o)
		log_error("--%s: takes no value; leave it out", o->name);
	else if (optopt)
		log_error("-%c: unknown option; see weir --help", optopt);
	else
		return refuse_long(argv[optind - 1]);
	return -EINVAL;
}

/* The words after the options, joined by spaces, are the filter: tcpdump's way. "" is none. */
static int join_filter(struct config *config, int count, char **words, bool given)
{
	size_t length = 1;
	char *text, *end;

	if (!count)
		return 0;
	if (given) {
		log_error("--filter: the word \"%s\" is a filter too; give one filter, quoted as a "
			  "whole",
			  words[0]);
		return -EINVAL;
	}
	for (int i = 0; i < count; i++)
		length += strlen(words[i]) + 1;
	text = malloc(length);
	if (!text) {
		log_error("--filter: out of memory; free some");
		return -ENOMEM;
	}
	end = text;
	for (int i = 0; i < count; i++) {
		if (i)
			*end++ = ' ';
		end = stpcpy(end, words[i]);
	}
	*end = '\0';
	free(config->filter);
	config->filter = *text ? text : NULL;
	if (!*text)
		free(text);
	return 0;
}

/* Whether this pass sets o. An action wins over every other option. */
static bool wanted(const struct option_info *o, int pass, enum options_action *action)
{
	if (o->type == OPTION_ACTION && *action == OPTIONS_RUN)
		*action = o->action;
	if (o->type == OPTION_ACTION)
		return false;
	return (o->type == OPTION_CONFIG) == (pass == 0);
}

static int set_argument(struct config *config, const struct option_info *o)
{
	char where[OPTION_NAME_SIZE + 2] = "--";

	strncat(where, o->name, OPTION_NAME_SIZE - 1);
	if (o->type == OPTION_CONFIG && config->config_file) {
		log_error("%s: is given twice; give one file", where);
		return -EINVAL;
	}
	return option_set(config, o, optarg ? optarg : "true", where, LEVEL_ARGV);
}

int options_read_argv(struct config *config, int argc, char **argv, enum options_action *action,
		      int pass)
{
	struct getopt_tables tables;
	bool filter_given = false;
	int found, err;

	make_getopt_tables(&tables);
	optind = 0; /* starts GNU getopt anew */
	opterr = 0;
	while ((found = getopt_long(argc, argv, tables.shorts, tables.longs, NULL)) != -1) {
		const struct option_info *o = option_of(found);

		if (!o)
			return refuse_argument(found, argv);
		if (!wanted(o, pass, action))
			continue;
		filter_given |= !strcmp(o->name, "filter");
		err = set_argument(config, o);
		if (err)
			return err;
	}
	return pass ? join_filter(config, argc - optind, argv + optind, filter_given) : 0;
}
