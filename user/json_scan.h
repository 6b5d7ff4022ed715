/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A way through a long text of JSON that makes no copy of it, so that memory is bounded whatever
 * it holds. Values are spans; what is in them is to be checked by who parses them.
 */
#ifndef USER_JSON_SCAN_H
#define USER_JSON_SCAN_H

#include <stdbool.h>

struct json_span {
	const char *at, *end;
};

/* The value that comes next, up to its last bracket; *text goes on behind it. False: none does. */
bool json_value_next(struct json_span *text, struct json_span *value);
/* The object's first member of this name, a whole value. False: there is none. */
bool json_member(struct json_span object, const char *name, struct json_span *value);
/* The next element; *array goes on behind it. False: there is none. */
bool json_element(struct json_span *array, struct json_span *element);
/* Whether it is this word: "true". */
bool json_is(struct json_span value, const char *word);

#endif
