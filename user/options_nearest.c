/* SPDX-License-Identifier: BSD-2-Clause */
/* What a mistyped option name may have meant. */
#include <string.h>

#include "options.h"

/* Letters to insert, remove or change (Levenshtein); OPTION_NAME_SIZE bounds name. */
size_t option_distance(const char *text, size_t length, const char *name)
{
	size_t row[OPTION_NAME_SIZE], width = strlen(name);

	for (size_t j = 0; j <= width; j++)
		row[j] = j;
	for (size_t i = 0; i < length; i++) {
		size_t diagonal = row[0];

		row[0] = i + 1;
		for (size_t j = 0; j < width; j++) {
			size_t best = diagonal + (text[i] != name[j]);

			diagonal = row[j + 1];
			if (row[j] + 1 < best)
				best = row[j] + 1;
			if (diagonal + 1 < best)
				best = diagonal + 1;
			row[j + 1] = best;
		}
	}
	return row[width];
}

/* A name that contains what was typed is nearer than any other. */
const char *option_nearest(const char *text, size_t length)
{
	const char *best = NULL;
	size_t least = length + 1; /* twice the distance; half of the text may be wrong */

	for (size_t i = 0; i < option_count; i++) {
		const char *name = option_table[i].name;
		size_t far = 2 * option_distance(text, length, name);

		if (length > 2 && memmem(name, strlen(name), text, length))
			far = 1;
		if (far < least) {
			least = far;
			best = name;
		}
	}
	return best;
}
