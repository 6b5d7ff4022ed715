/* SPDX-License-Identifier: BSD-2-Clause */
#include "utf8.h"

#include <string.h>

#define HIGH_BITS 0x8080808080808080u

static const uint8_t replacement[3] = { 0xef, 0xbf, 0xbd };

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
		size_t length = utf8_length(s, UTF8_LONGEST);
		size_t wanted = length ? length : sizeof(replacement);

		if (room - used < wanted)
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

void utf8_clean(char *text)
{
	size_t left = strlen(text);

	for (size_t n; left; text += n, left -= n) {
		n = utf8_printable((const uint8_t *)text, left);
		if (n)
			continue;
		*text = '?';
		n = 1;
	}
}

char *utf8_clean_copy(const char *text)
{
	char *copy = strdup(text);

	if (copy)
		utf8_clean(copy);
	return copy;
}
