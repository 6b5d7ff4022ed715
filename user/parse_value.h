/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Values as people write them. Every parser takes the whole text or nothing, leaves *out alone on
 * error and prints no message: -EINVAL is not of that form, -ERANGE is outside the bounds.
 */
#ifndef USER_PARSE_VALUE_H
#define USER_PARSE_VALUE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config.h"

/* A table of them ends with a NULL name. */
struct named_value {
	const char *name;
	uint32_t value;
};

#define ROTATION_MAX_SECONDS 1000000000ull
#define ROTATION_MAX_TB      1000ull

/* Decimal digits only. */
int parse_count(const char *text, uint64_t min, uint64_t max, uint64_t *out);
/* "30", "0.5": seconds; "500ms", "60s", "5m", "1h". Nothing is rounded. */
int parse_duration(const char *text, uint64_t min_ns, uint64_t max_ns, uint64_t *out_ns);
/* "100MB" is 10^8, "100MiB" 100 * 2^20; the unit must be there. */
int parse_size(const char *text, uint64_t min, uint64_t max, uint64_t *out);
/* A time or a size, with its unit; more than 0, up to ROTATION_MAX_*. */
int parse_rotation(const char *text, struct rotation *out);
/* true, yes, on, 1 and false, no, off, 0. */
int parse_bool(const char *text, bool *out);
int parse_choice(const char *text, const struct named_value *names, uint32_t *out);
/* "all", "none" or names: a bit per value. Also -ENOMEM. */
int parse_set(const char *text, const struct named_value *names, uint32_t *out);
/* Comma separated; blanks around a name are removed. *out is the caller's. Also -ENOMEM. */
int parse_names(const char *text, char **out);

/* 0 or -ENOMEM. */
int string_list_add(struct string_list *list, const char *text);
/* Adds each word of text. */
int string_list_add_words(struct string_list *list, const char *text);
void string_list_clear(struct string_list *list);

#endif
