/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Options from WEIR_* variables. Other programs own names that begin so too (Kubernetes makes
 * WEIR_SERVICE_HOST for a service called weir), so only what looks like a slip of the pen is
 * refused.
 */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "options.h"

#define PREFIX_LENGTH 5 /* WEIR_ */

/* Helps and versions are asked for on the command line only. */
static bool has_variable(const struct option_info *o)
{
	return o->type != OPTION_ACTION;
}

/* The option that length letters behind WEIR_ all but spell; NULL when they spell one, or none. */
static const struct option_info *misspelled(const char *text, size_t length)
{
	const struct option_info *near = NULL;
	char name[OPTION_NAME_SIZE];

	if (length >= sizeof(name))
		return NULL;
	for (size_t i = 0; i < length; i++)
		name[i] = text[i] == '_' ? '-' : tolower((unsigned char)text[i]);
	for (size_t i = 0; i < option_count; i++) {
		size_t far = option_distance(name, length, option_table[i].name);

		if (!far)
			return NULL;
		if (has_variable(&option_table[i]) && far <= (length > 5 ? 2 : 1))
			near = &option_table[i];
	}
	return near;
}

static int refuse_misspelled(void)
{
	for (char **variable = environ; variable && *variable; variable++) {
		const char *name = *variable;
		size_t length = strcspn(name, "=");
		const struct option_info *meant = NULL;
		char right[OPTION_VARIABLE_SIZE];

		if (!strncmp(name, "WEIR_", PREFIX_LENGTH))
			meant = misspelled(name + PREFIX_LENGTH, length - PREFIX_LENGTH);
		if (!meant)
			continue;
		option_variable(meant, right);
		log_error("%.*s: unknown variable; did you mean %s?", (int)length, name, right);
		return -EINVAL;
	}
	return 0;
}

/* An empty variable is as good as none. */
int options_read_environment(struct config *config)
{
	int err = refuse_misspelled();

	for (size_t i = 0; i < option_count && !err; i++) {
		const struct option_info *o = &option_table[i];
		char name[OPTION_VARIABLE_SIZE];
		const char *value;

		option_variable(o, name);
		value = getenv(name);
		if (value && *value && has_variable(o) && o->type != OPTION_CONFIG)
			err = option_set(config, o, value, name, LEVEL_ENVIRONMENT);
	}
	return err;
}
