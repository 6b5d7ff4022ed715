/* SPDX-License-Identifier: BSD-2-Clause */
#include "interface_names.h"

#include <fnmatch.h>
#include <string.h>

static bool matches(const char *item, const char *name)
{
	return !strcmp(item, "all") || !fnmatch(item, name, 0);
}

enum interface_verdict interface_names_match(const struct string_list *names, const char *name)
{
	bool wanted = false, named = false;

	for (size_t i = 0; i < names->count; i++) {
		const char *item = names->items[i];

		if (*item == '!' && matches(item + 1, name))
			return INTERFACE_EXCLUDED;
		named |= *item != '!';
		wanted |= *item != '!' && matches(item, name);
	}
	return wanted || (!named && names->count) ? INTERFACE_WANTED : INTERFACE_OTHER;
}

bool interface_name_is_plain(const char *item)
{
	return *item != '!' && strcmp(item, "all") && !strpbrk(item, "*?[");
}

bool interface_names_are_open(const struct string_list *names)
{
	for (size_t i = 0; i < names->count; i++)
		if (!interface_name_is_plain(names->items[i]))
			return true;
	return false;
}

bool interface_names_are_many(const struct config *config)
{
	const struct string_list *names = &config->interfaces;

	return names->count > 1 || interface_names_are_open(names) || config->netns.count;
}
