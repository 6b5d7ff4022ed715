/* SPDX-License-Identifier: BSD-2-Clause */
/* Options of the shipped plugins: numbers, choices, and the words of a refusal. */
#ifndef USER_PLUGINS_PLUGIN_OPTIONS_H
#define USER_PLUGINS_PLUGIN_OPTIONS_H

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <weir/plugin.h>

static inline int __attribute__((format(printf, 2, 3)))
option_refuse(const struct weir_plugin_args *args, const char *format, ...)
{
	va_list values;

	va_start(values, format);
	vsnprintf(args->why, args->why_size, format, values);
	va_end(values);
	return -EINVAL;
}

static inline int option_unknown(const struct weir_plugin_args *args,
				 const struct weir_plugin_option *o, const char *known)
{
	return option_refuse(args, "\"%.40s\" is none of its options: %s", o->key, known);
}

static inline bool option_is(const struct weir_plugin_option *o, const char *key)
{
	return !strcmp(o->key, key);
}

/* Decimal digits only. */
static inline int option_number(const struct weir_plugin_args *args,
				const struct weir_plugin_option *o, uint64_t min, uint64_t max,
				uint64_t *value)
{
	char *end;

	errno = 0;
	*value = strtoull(o->value, &end, 10);
	if (isdigit((unsigned char)*o->value) && !*end && !errno && *value >= min && *value <= max)
		return 0;
	return option_refuse(args, "%s: \"%.40s\" is no number from %" PRIu64 " to %" PRIu64,
			     o->key, o->value, min, max);
}

/* names end with NULL; listed tells them in the message. */
static inline int option_choice(const struct weir_plugin_args *args,
				const struct weir_plugin_option *o, const char *const *names,
				const char *listed, unsigned int *choice)
{
	for (*choice = 0; names[*choice]; (*choice)++)
		if (!strcmp(o->value, names[*choice]))
			return 0;
	return option_refuse(args, "%s: \"%.40s\" is none of %s", o->key, o->value, listed);
}

/*
 * A context that is a copy of defaults, of size bytes, and what each option sets in it. *context is
 * the caller's, to free; after an error it is left alone.
 */
static inline int options_open(void **context, const struct weir_plugin_args *args,
			       const void *defaults, size_t size,
			       int (*set)(void *context, const struct weir_plugin_args *args,
					  const struct weir_plugin_option *o))
{
	void *c = malloc(size);
	int err = c ? 0 : -ENOMEM;

	if (c)
		memcpy(c, defaults, size);
	for (size_t i = 0; i < args->count && !err; i++)
		err = set(c, args, &args->options[i]);
	if (err)
		free(c);
	else
		*context = c;
	return err;
}

#endif
