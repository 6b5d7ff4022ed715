/* SPDX-License-Identifier: BSD-2-Clause */
#include "json_scan.h"

#include <string.h>

#define BLANKS     " \t\r\n"
#define DELIMITERS BLANKS ",:]}"

static bool is_one_of(char c, const char *set)
{
	return c && strchr(set, c);
}

/* Behind this character and blanks before it, if it comes next. */
static bool pass(struct json_span *text, char c)
{
	while (text->at < text->end && is_one_of(*text->at, BLANKS))
		text->at++;
	if (text->at == text->end || *text->at != c)
		return false;
	text->at++;
	return true;
}

/* Behind the quote that ends a string, from behind the one that begins it. */
static bool pass_string(struct json_span *text)
{
	while (text->at < text->end) {
		char c = *text->at++;

		if (c == '"')
			return true;
		if (c == '\\' && text->at < text->end)
			text->at++;
	}
	return false;
}

static bool pass_scalar(struct json_span *text)
{
	const char *from = text->at;

	while (text->at < text->end && !is_one_of(*text->at, DELIMITERS))
		text->at++;
	return text->at > from;
}

bool json_value_next(struct json_span *text, struct json_span *value)
{
	size_t depth = 0;

	while (text->at < text->end && is_one_of(*text->at, BLANKS))
		text->at++;
	value->at = text->at;
	do {
		if (pass(text, '"')) {
			if (!pass_string(text))
				return false;
		} else if (pass(text, '{') || pass(text, '[')) {
			depth++;
		} else if (depth && (pass(text, '}') || pass(text, ']'))) {
			depth--;
		} else if (!(depth && (pass(text, ',') || pass(text, ':'))) && !pass_scalar(text)) {
			return false;
		}
	} while (depth);
	value->end = text->at;
	return true;
}

static bool is_name(struct json_span key, const char *name)
{
	size_t length = strlen(name);

	return (size_t)(key.end - key.at) == length + 2 && *key.at == '"' &&
	       !memcmp(key.at + 1, name, length);
}

bool json_member(struct json_span object, const char *name, struct json_span *value)
{
	struct json_span key;

	if (!pass(&object, '{'))
		return false;
	do {
		if (!json_value_next(&object, &key) || !pass(&object, ':') ||
		    !json_value_next(&object, value))
			return false;
		if (is_name(key, name))
			return true;
	} while (pass(&object, ','));
	return false;
}

bool json_element(struct json_span *array, struct json_span *element)
{
	return (pass(array, '[') || pass(array, ',')) && json_value_next(array, element);
}

bool json_is(struct json_span value, const char *word)
{
	size_t length = strlen(word);

	return (size_t)(value.end - value.at) == length && !memcmp(value.at, word, length);
}
