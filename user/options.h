/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The one table of options. The command line, the YAML file, the environment, --help and the man
 * page's test all walk it; a setting exists in all of them or in none.
 */
#ifndef USER_OPTIONS_H
#define USER_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "config.h"

struct named_value;

enum option_type {
	OPTION_FLAG,     /* bool: set to true */
	OPTION_NO_FLAG,  /* bool: set to false */
	OPTION_COUNT,    /* uint64_t within min..max */
	OPTION_DURATION, /* uint64_t ns; min..max in seconds */
	OPTION_TEXT,     /* char *, not empty */
	OPTION_NAMES,    /* char *, names separated by commas */
	OPTION_LIST,     /* struct string_list, one item each time */
	OPTION_CHOICE,   /* uint32_t: one of values */
	OPTION_SET,      /* uint32_t: bits of values, all or none */
	OPTION_SIZE,     /* uint64_t bytes within min..max, with a unit */
	OPTION_ROTATION, /* struct rotation */
	OPTION_CONFIG,   /* char *: the YAML file; not a key of that file */
	OPTION_ACTION,   /* help and version: only on the command line */
};

/* What the command line asked for besides a run. */
enum options_action { OPTIONS_RUN, OPTIONS_HELP, OPTIONS_HELP_ALL, OPTIONS_VERSION };

struct option_info {
	const char *name;
	char letter; /* 0 = none */
	enum option_type type;
	enum options_action action; /* of OPTION_ACTION */
	size_t offset;              /* in struct config */
	const char *default_text;   /* NULL = zeroed */
	uint64_t min, max;
	const struct named_value *values;
	const char *metavar;
	const char *help;    /* of a brief row: fits the line with its default */
	const char *section; /* starts a section of --help-all; NULL = goes on */
	bool brief;          /* shown by --help */
};

extern const struct option_info option_table[];
extern const size_t option_count;

/* Longest name and its end, and longest WEIR_* name; a unit test holds the table to them. */
#define OPTION_NAME_SIZE     59
#define OPTION_VARIABLE_SIZE 64

/*
 * Fills *config: defaults, then the YAML file, WEIR_* variables, argv; each level replaces what
 * the lower ones said, lists as a whole. 0, or -EINVAL or -ENOMEM after a message. config_free()
 * either way. With an action other than OPTIONS_RUN only argv was looked at.
 */
int options_parse(struct config *config, int argc, char **argv, enum options_action *action);
void config_free(struct config *config);

/*
 * The same without a command line: defaults; then whatever option_set() says; then what hangs
 * together. 0, or -EINVAL or -ENOMEM after a message.
 */
int options_begin(struct config *config);
int options_end(struct config *config);

/*
 * Sets one option from text. where names the source in messages: "--splt", "WEIR_SPLT",
 * "weir.yaml:3: splt". 0, or -EINVAL or -ENOMEM after a message.
 */
int option_set(struct config *config, const struct option_info *o, const char *text,
	       const char *where, enum config_level level);
/*
 * The value as option_set() takes it, with lists and sets by commas. Returns its length as
 * snprintf() does.
 */
int option_format(const struct config *config, const struct option_info *o, char *out, size_t size);
/* NULL when there is none. */
const struct option_info *option_by_name(const char *name);
bool option_takes_value(const struct option_info *o);
/* idle-timeout -> WEIR_IDLE_TIMEOUT */
void option_variable(const struct option_info *o, char out[OPTION_VARIABLE_SIZE]);

/* options_nearest.c: how many letters are wrong; the name that was meant, or NULL. */
size_t option_distance(const char *text, size_t length, const char *name);
const char *option_nearest(const char *text, size_t length);

/* options_argv.c: what argv asks for besides a run. 0, or -EINVAL after a message. */
int options_action(int argc, char **argv, enum options_action *action);
/* pass 0 looks for actions and --config, pass 1 sets everything else. */
int options_read_argv(struct config *config, int argc, char **argv, enum options_action *action,
		      int pass);
/* options_environment.c */
int options_read_environment(struct config *config);
/* options_yaml.c */
int options_read_yaml(struct config *config, const char *path, enum config_level level);

/* options_help.c */
void options_print_usage(FILE *to);
void options_print_brief(FILE *to);
void options_print_all(FILE *to);

#endif
