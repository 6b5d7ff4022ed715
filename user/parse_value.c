/* SPDX-License-Identifier: BSD-2-Clause */
/* Values as people write them: integer arithmetic, nothing rounded, no locale, no messages. */
#include "parse_value.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* A number is read in units of 10^-9, so that fractions stay whole. */
#define NANO 1000000000u

struct unit {
	const char *name;
	uint64_t factor;
};

/* In ns. */
static const struct unit time_units[] = {
	{ "ns", 1 },          { "us", 1000 },         { "ms", 1000000 },       { "s", 1000000000 },
	{ "m", 60000000000 }, { "h", 3600000000000 }, { "d", 86400000000000 }, { NULL, 0 },
};

/* No bare K, M, G: 5m would be minutes and 5M megabytes. */
static const struct unit size_units[] = {
	{ "B", 1 },
	{ "kB", 1000 },
	{ "KB", 1000 },
	{ "MB", 1000000 },
	{ "GB", 1000000000 },
	{ "TB", 1000000000000 },
	{ "KiB", 1ull << 10 },
	{ "MiB", 1ull << 20 },
	{ "GiB", 1ull << 30 },
	{ "TiB", 1ull << 40 },
	{ NULL, 0 },
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/* A number with a minus is one out of range, not a word. */
static bool is_negative(const char *text)
{
	return text[0] == '-' && is_digit(text[1]);
}

int parse_count(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
	uint64_t value = 0;
	bool over = is_negative(text);

	text += over;
	if (!*text)
		return -EINVAL;
	for (; *text; text++) {
		if (!is_digit(*text))
			return -EINVAL;
		over |= __builtin_mul_overflow(value, 10, &value);
		over |= __builtin_add_overflow(value, *text - '0', &value);
	}
	if (over || value < min || value > max)
		return -ERANGE;
	*out = value;
	return 0;
}

/* Reads "12.5" in units of 10^-9 and moves *text behind it. A tenth decimal is -EINVAL. */
static int read_decimal(const char **text, unsigned __int128 *nano)
{
	unsigned __int128 value = 0;
	const char *c = *text;
	uint32_t place = NANO;

	if (!is_digit(*c))
		return -EINVAL;
	for (; is_digit(*c); c++)
		if (value <= UINT64_MAX) /* enough to be out of every range */
			value = value * 10 + (*c - '0');
	value *= NANO;
	if (*c == '.') {
		if (!is_digit(*++c))
			return -EINVAL;
		for (; is_digit(*c); c++) {
			place /= 10;
			if (!place)
				return -EINVAL;
			value += place * (*c - '0');
		}
	}
	*text = c;
	*nano = value;
	return 0;
}

static uint64_t unit_factor(const struct unit *units, const char *name)
{
	for (; units->name; units++)
		if (!strcmp(units->name, name))
			return units->factor;
	return 0;
}

/* bare: the factor of a number without unit; 0 = the unit must be there. */
static int parse_scaled(const char *text, const struct unit *units, uint64_t bare, uint64_t min,
			uint64_t max, uint64_t *out)
{
	bool negative = is_negative(text);
	unsigned __int128 value;
	uint64_t factor;
	int err;

	text += negative;
	err = read_decimal(&text, &value);
	if (err)
		return err;
	factor = *text ? unit_factor(units, text) : bare;
	if (!factor)
		return -EINVAL;
	if (negative || value > (unsigned __int128)max * NANO / factor)
		return -ERANGE;
	value *= factor;
	if (value < (unsigned __int128)min * NANO)
		return -ERANGE;
	if (value % NANO)
		return -EINVAL;
	*out = value / NANO;
	return 0;
}

int parse_duration(const char *text, uint64_t min_ns, uint64_t max_ns, uint64_t *out_ns)
{
	return parse_scaled(text, time_units, NANO, min_ns, max_ns, out_ns);
}

int parse_size(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
	return parse_scaled(text, size_units, 0, min, max, out);
}

int parse_rotation(const char *text, struct rotation *out)
{
	struct rotation rotation = { 0 };
	int err = parse_size(text, 1, ROTATION_MAX_TB * 1000000000000, &rotation.bytes);

	if (err == -EINVAL)
		err = parse_scaled(text, time_units, 0, 1, ROTATION_MAX_SECONDS * NANO,
				   &rotation.interval_ns);
	if (!err)
		*out = rotation;
	return err;
}

int parse_bool(const char *text, bool *out)
{
	static const struct named_value names[] = {
		{ "true", 1 }, { "yes", 1 }, { "on", 1 }, { "1", 1 },  { "false", 0 },
		{ "no", 0 },   { "off", 0 }, { "0", 0 },  { NULL, 0 },
	};

	for (const struct named_value *n = names; n->name; n++) {
		if (!strcasecmp(n->name, text)) {
			*out = n->value;
			return 0;
		}
	}
	return -EINVAL;
}

static int find_value(const char *text, size_t length, const struct named_value *names,
		      uint32_t *out)
{
	for (; names->name; names++) {
		if (strlen(names->name) == length && !memcmp(names->name, text, length)) {
			*out = names->value;
			return 0;
		}
	}
	return -EINVAL;
}

int parse_choice(const char *text, const struct named_value *names, uint32_t *out)
{
	return find_value(text, strlen(text), names, out);
}

static int read_set(const char *list, const struct named_value *names, uint32_t *out)
{
	uint32_t set = 0, value;

	for (;; list++) {
		size_t length = strcspn(list, ",");

		if (find_value(list, length, names, &value) < 0)
			return -EINVAL;
		set |= 1u << value;
		list += length;
		if (!*list)
			break;
	}
	*out = set;
	return 0;
}

int parse_set(const char *text, const struct named_value *names, uint32_t *out)
{
	uint32_t all = 0;
	char *list;
	int err;

	for (const struct named_value *n = names; n->name; n++)
		all |= 1u << n->value;
	if (!strcmp(text, "all") || !strcmp(text, "none")) {
		*out = *text == 'a' ? all : 0;
		return 0;
	}
	err = parse_names(text, &list);
	if (err)
		return err;
	err = read_set(list, names, out);
	free(list);
	return err;
}

int parse_names(const char *text, char **out)
{
	char *names = malloc(strlen(text) + 1), *to = names;

	if (!names)
		return -ENOMEM;
	for (;; text++) {
		const char *from = text, *end = text + strcspn(text, ",");

		text = end;
		while (from < end && is_blank(*from))
			from++;
		while (end > from && is_blank(end[-1]))
			end--;
		if (from == end) {
			free(names);
			return -EINVAL;
		}
		memcpy(to, from, end - from);
		to += end - from;
		*to++ = *text; /* the comma or the end */
		if (!*text)
			break;
	}
	*out = names;
	return 0;
}

static int add_length(struct string_list *list, const char *text, size_t length)
{
	char **items = reallocarray(list->items, list->count + 1, sizeof(*items));

	if (!items)
		return -ENOMEM;
	list->items = items;
	items[list->count] = strndup(text, length);
	if (!items[list->count])
		return -ENOMEM;
	list->count++;
	return 0;
}

int string_list_add(struct string_list *list, const char *text)
{
	return add_length(list, text, strlen(text));
}

int string_list_add_words(struct string_list *list, const char *text)
{
	static const char blanks[] = " \t\r\n";
	int err = 0;

	for (text += strspn(text, blanks); *text && !err; text += strspn(text, blanks)) {
		size_t length = strcspn(text, blanks);

		err = add_length(list, text, length);
		text += length;
	}
	return err;
}

void string_list_clear(struct string_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i]);
	free(list->items);
	*list = (struct string_list){ 0 };
}
