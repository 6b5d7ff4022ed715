/* SPDX-License-Identifier: BSD-2-Clause */
#include "app_text.h"

#include <stdlib.h>
#include <string.h>

#include "utf8.h"

#define TEXTS    (sizeof(struct app_text) / sizeof(char *))
#define MAX_TEXT 4000 /* bytes of one */

struct packed_text {
	uint16_t offset[TEXTS]; /* in chars; 0 = absent */
	char chars[];           /* the first is 0: the absent text */
};
_Static_assert(1 + TEXTS * (MAX_TEXT + 1) <= UINT16_MAX, "offsets have 16 bits");

void packed_text_open(const struct packed_text *packed, struct app_text *out)
{
	const char **texts = (const char **)out;

	for (size_t i = 0; i < TEXTS; i++)
		texts[i] = packed ? packed->chars + packed->offset[i] : "";
}

size_t packed_text_size(const struct packed_text *packed)
{
	size_t last = 0;

	for (size_t i = 0; packed && i < TEXTS; i++)
		last = packed->offset[i] > last ? packed->offset[i] : last;
	return packed ? sizeof(*packed) + last + strlen(packed->chars + last) + 1 : 0;
}

static void copy_clean(char *to, const char *from, size_t length)
{
	for (size_t i = 0; i < length;) {
		size_t n = utf8_printable((const uint8_t *)from + i, length - i);

		if (n)
			memcpy(to + i, from + i, n);
		else
			to[i] = '?';
		i += n ? n : 1;
	}
	to[length] = '\0';
}

/* An earlier text that is the same one, or i. */
static size_t twin_of(const char *const *texts, size_t i)
{
	size_t j = 0;

	while (texts[j] != texts[i])
		j++;
	return j;
}

struct packed_text *app_text_pack(const struct app_text *from)
{
	const char *const *texts = (const char *const *)from;
	size_t length[TEXTS], twin[TEXTS], total = 1;
	struct packed_text *packed;

	for (size_t i = 0; i < TEXTS; i++) {
		twin[i] = twin_of(texts, i);
		length[i] = texts[i] ? strnlen(texts[i], MAX_TEXT) : 0;
		total += length[i] && twin[i] == i ? length[i] + 1 : 0;
	}
	if (total == 1)
		return NULL;
	packed = malloc(sizeof(*packed) + total);
	if (!packed)
		return NULL;
	packed->chars[0] = '\0';
	total = 1;
	for (size_t i = 0; i < TEXTS; i++) {
		packed->offset[i] = !length[i] ? 0 : twin[i] < i ? packed->offset[twin[i]] : total;
		if (!length[i] || twin[i] < i)
			continue;
		copy_clean(packed->chars + total, texts[i], length[i]);
		total += length[i] + 1;
	}
	return packed;
}
