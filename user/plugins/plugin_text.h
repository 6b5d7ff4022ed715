/* SPDX-License-Identifier: BSD-2-Clause */
/* Text that grows, for columns of WEIR_STORE_STRING. */
#ifndef USER_PLUGINS_PLUGIN_TEXT_H
#define USER_PLUGINS_PLUGIN_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "../utf8.h"

struct text {
	char *at; /* malloc()ed */
	size_t length, room;
	bool failed; /* memory was short */
};

static inline bool text_grow(struct text *t, size_t n)
{
	size_t room = t->room * 2 > t->length + n ? t->room * 2 : t->length + n + 32;
	char *grown = t->failed ? NULL : realloc(t->at, room);

	if (!grown) {
		t->failed = true;
		return false;
	}
	t->at = grown;
	t->room = room;
	return true;
}

static inline void text_add_bytes(struct text *t, const void *bytes, size_t n)
{
	if (!n || (t->room - t->length < n && !text_grow(t, n)))
		return;
	memcpy(t->at + t->length, bytes, n);
	t->length += n;
}

static inline void text_add(struct text *t, const char *s)
{
	text_add_bytes(t, s, strlen(s));
}

static inline void text_add_number(struct text *t, uint64_t value)
{
	char digits[20], *at = digits + sizeof(digits);

	do {
		*--at = '0' + value % 10;
		value /= 10;
	} while (value);
	text_add_bytes(t, at, digits + sizeof(digits) - at);
}

/* Bytes of a packet: controls, bad UTF-8, "\" and those of special become \DDD (RFC 1035). */
static inline void text_add_escaped(struct text *t, const uint8_t *s, size_t length,
				    const char *special)
{
	for (size_t i = 0, n; i < length; i += n) {
		char escaped[4] = { '\\', '0' + s[i] / 100, '0' + s[i] / 10 % 10, '0' + s[i] % 10 };

		n = utf8_printable(s + i, length - i);
		if (n && s[i] != '\\' && !strchr(special, s[i])) {
			text_add_bytes(t, s + i, n);
			continue;
		}
		n = 1;
		text_add_bytes(t, escaped, sizeof(escaped));
	}
}

/* The text, to free(); NULL when memory was short. t is empty again. */
static inline char *text_take(struct text *t)
{
	char *taken;

	text_add_bytes(t, "", 1);
	taken = t->failed ? NULL : t->at;
	if (t->failed)
		free(t->at);
	*t = (struct text){ 0 };
	return taken;
}

#endif
