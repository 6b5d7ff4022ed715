/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Which interfaces -i asks for: names, patterns as of a shell (fnmatch(3)), "all", and with a "!"
 * in front what is left out. What is left out goes before what is named, in whatever order.
 */
#ifndef USER_INTERFACE_NAMES_H
#define USER_INTERFACE_NAMES_H

#include <stdbool.h>

#include "config.h"

enum interface_verdict { INTERFACE_OTHER, INTERFACE_WANTED, INTERFACE_EXCLUDED };

/* Only exclusions: everything else is wanted. */
enum interface_verdict interface_names_match(const struct string_list *names, const char *name);
/* One name of one interface, which must be there at the start. */
bool interface_name_is_plain(const char *item);
/* There may be any number of interfaces, none included. */
bool interface_names_are_open(const struct string_list *names);
/* Flows have to be told apart by interface. */
bool interface_names_are_many(const struct config *config);

#endif
