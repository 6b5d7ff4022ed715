/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one table of options. argv, the YAML file, the environment, --help and the man page's test
 * all walk it.
 */
#ifndef USER_OPTIONS_H
#define USER_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "config.h"

enum option_type {
	OPTION_FLAG,     /* bool: set to true */
	OPTION_NO_FLAG,  /* bool: set to false */
	OPTION_COUNT,    /* uint64_t within min..max */
	OPTION_DURATION, /* uint64_t ns; min..max in seconds */
	OPTION_TEXT,     /* char * */
	OPTION_LIST,     /* struct string_list, one item each time */
	OPTION_CHOICE,   /* uint32_t: place in choices, "a|b|c" */
	OPTION_TUNNELS,  /* uint32_t */
	OPTION_ROTATION, /* struct rotation */
	OPTION_ACTION,   /* handled by options_parse(): help, version, config */
};

struct option_info {
	const char *name;
	char letter; /* 0 = none */
	enum option_type type;
	size_t offset;            /* in struct config */
	const char *default_text; /* NULL = zeroed */
	uint64_t min, max;
	const char *choices;
	const char *metavar;
	const char *help;
	const char *section; /* starts a section of --help-all; NULL = goes on */
	bool brief;          /* shown by --help */
};

extern const struct option_info option_table[];
extern const size_t option_count;

/* What the command line asked for besides a run. */
enum options_action { OPTIONS_RUN, OPTIONS_HELP, OPTIONS_HELP_ALL, OPTIONS_VERSION };

/*
 * Fills *config: defaults, then the YAML file, WEIR_* variables, argv; each level replaces what
 * the lower ones said, lists as a whole. 0, or -EINVAL after a message. config_free() either way.
 */
int options_parse(struct config *config, int argc, char **argv, enum options_action *action);
void config_free(struct config *config);

/*
 * Sets one option from text. level: items of a list from a lower level are dropped first. where
 * names the source in messages: "--splt", "WEIR_SPLT", "weir.yaml:3: splt".
 */
int option_set(struct config *config, const struct option_info *o, const char *text,
	       const char *where, int level);
/* NULL when there is none. */
const struct option_info *option_by_name(const char *name);

/* options_yaml.c */
int options_read_yaml(struct config *config, const char *path, int level);

/* options_help.c */
void options_print_brief(FILE *to);
void options_print_all(FILE *to);

#endif
