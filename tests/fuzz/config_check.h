/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What every accepted configuration keeps to, whichever way it came in: values within the bounds
 * that the option table states.
 */
#ifndef TESTS_FUZZ_CONFIG_CHECK_H
#define TESTS_FUZZ_CONFIG_CHECK_H

#include <stdbool.h>

#include "options.h"
#include "parse_value.h"
#include "support.h"

static inline void check_choice(const struct named_value *v, uint32_t value)
{
	while (v->name && v->value != value)
		v++;
	require(v->name != NULL);
}

static inline void check_set(const struct named_value *v, uint32_t set)
{
	for (; v->name; v++)
		set &= ~(1u << v->value);
	require(!set);
}

/* A, B and C of "A,B,C". */
static inline void check_names(const char *text)
{
	size_t length = strlen(text);

	require(length && text[0] != ',' && text[length - 1] != ',' && !strstr(text, ",,"));
}

static inline void check_rotation(const struct rotation *r)
{
	require(!r->bytes || !r->interval_ns);
	require(r->bytes <= ROTATION_MAX_TB * 1000000000000);
	require(r->interval_ns <= ROTATION_MAX_SECONDS * 1000000000);
}

static inline void check_option(const struct config *config, const struct option_info *o)
{
	const void *at = (const char *)config + o->offset;
	const struct string_list *list = at;
	const char *const *text = at;
	const uint64_t *number = at;

	switch (o->type) {
	case OPTION_COUNT: require(*number >= o->min && *number <= o->max); break;
	case OPTION_DURATION: require(*number <= o->max * 1000000000); break;
	case OPTION_CHOICE: check_choice(o->values, *(const uint32_t *)at); break;
	case OPTION_SET: check_set(o->values, *(const uint32_t *)at); break;
	case OPTION_ROTATION: check_rotation(at); break;
	case OPTION_NAMES:
		if (*text)
			check_names(*text);
		break;
	case OPTION_TEXT: /* an empty filter is everything: weir -r FILE "" */
		require(!*text || **text || !strcmp(o->name, "filter"));
		break;
	case OPTION_LIST:
		for (size_t i = 0; i < list->count; i++)
			require(list->items[i] && *list->items[i]);
		break;
	default: break;
	}
}

static inline void check_config(const struct config *config)
{
	for (size_t i = 0; i < option_count; i++)
		check_option(config, &option_table[i]);
}

#endif
