/* SPDX-License-Identifier: BSD-2-Clause */
#include "utf8.h"

#include <string.h>

#define HIGH_BITS 0x8080808080808080u

static const uint8_t replacement[3] = { 0xef, 0xbf, 0xbd };

int utf8_length(const unsigned char *s)
{
	int n = *s < 0x80                 ? 1
		: *s >= 0xc2 && *s < 0xe0 ? 2
		: (*s & 0xf0) == 0xe0     ? 3
		: *s >= 0xf0 && *s < 0xf5 ? 4
					  : 0;

	for (int i = 1; i < n; i++)
		if ((s[i] & 0xc0) != 0x80)
			return 0;
	if ((*s == 0xe0 && s[1] < 0xa0) || (*s == 0xed && s[1] > 0x9f) ||
	    (*s == 0xf0 && s[1] < 0x90) || (*s == 0xf4 && s[1] > 0x8f))
		return 0;
	return n;
}

static int is_ascii(const char *text, size_t length)
{
	uint64_t word, all = 0;

	for (; length >= sizeof(word); text += sizeof(word), length -= sizeof(word)) {
		memcpy(&word, text, sizeof(word));
		all |= word;
	}
	for (; length; text++, length--)
		all |= *(const uint8_t *)text;
	return !(all & HIGH_BITS);
}

static size_t copy_sequences(uint8_t *to, size_t room, const char *text, const char **rest)
{
	const uint8_t *s = (const uint8_t *)text;
	size_t used = 0;

	while (*s) {
		int length = utf8_length(s), wanted = length ? length : (int)sizeof(replacement);

		if (room - used < (size_t)wanted)
			break;
		memcpy(to + used, length ? s : replacement, wanted);
		used += wanted;
		s += length ? length : 1;
	}
	*rest = (const char *)s;
	return used;
}

size_t utf8_copy(uint8_t *to, size_t room, const char *text, const char **rest)
{
	size_t length = strnlen(text, room);

	if (!is_ascii(text, length))
		return copy_sequences(to, room, text, rest);
	memcpy(to, text, length);
	*rest = text + length;
	return length;
}
