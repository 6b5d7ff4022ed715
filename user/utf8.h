/* SPDX-License-Identifier: BSD-2-Clause */
/* Texts from packets may be any bytes; formats that promise UTF-8 (RFC 3629) ask here. */
#ifndef USER_UTF8_H
#define USER_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Length of the valid sequence at s, where left bytes are (1 at least); 0 if there is none.
 * Bytes behind one that does not belong are not looked at, so a zero ends a text of any left.
 */
static inline size_t utf8_length(const uint8_t *s, size_t left)
{
	uint8_t low = *s == 0xe0 ? 0xa0 : *s == 0xf0 ? 0x90 : 0x80;
	uint8_t high = *s == 0xed ? 0x9f : *s == 0xf4 ? 0x8f : 0xbf;
	size_t n = *s < 0x80                 ? 1
		   : *s >= 0xc2 && *s < 0xe0 ? 2
		   : (*s & 0xf0) == 0xe0     ? 3
		   : *s >= 0xf0 && *s < 0xf5 ? 4
					     : 0;

	if (!n || n > left || (n > 1 && (s[1] < low || s[1] > high)))
		return 0;
	for (size_t i = 2; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	return n;
}

/* The same, and 0 for control characters, C0 and C1. */
static inline size_t utf8_printable(const uint8_t *s, size_t left)
{
	bool control = *s < ' ' || *s == 0x7f || (*s == 0xc2 && left > 1 && s[1] < 0xa0);

	return control ? 0 : utf8_length(s, left);
}

#define UTF8_LONGEST 4

/*
 * Copies a text without its end, as much as goes into room in whole sequences; bytes that are
 * not UTF-8 become the replacement character. Returns the bytes written; *rest is what did not
 * go in, "" if all did.
 */
size_t utf8_copy(uint8_t *to, size_t room, const char *text, const char **rest);

/* What is not printable UTF-8 becomes '?', in its place. */
void utf8_clean(char *text);
/* A copy of text so cleaned, for free(); NULL when memory is short. */
char *utf8_clean_copy(const char *text);

#endif
