/* SPDX-License-Identifier: BSD-2-Clause */
/* Pieces of the text exposition format of Prometheus, version 0.0.4. */
#ifndef USER_METRICS_FORMAT_H
#define USER_METRICS_FORMAT_H

#include "text_buffer.h"

/* The lines in front of a family's samples; type: "counter", "gauge", "histogram". */
void metrics_header(struct text_buffer *b, const char *name, const char *type, const char *help);

/* A label; value NULL: there is none. */
struct metrics_label {
	const char *name, *value;
};

/* A sample up to its value: name, suffix, label, blank. */
void metrics_sample(struct text_buffer *b, const char *name, const char *suffix,
		    struct metrics_label label);
/* Name and value of a label: quoted, escaped, and as UTF-8, which a value must be. */
void metrics_put_label(struct text_buffer *b, struct metrics_label label);
/* ns as seconds, nothing rounded; without needless zeros. */
void metrics_seconds(struct text_buffer *b, unsigned __int128 ns);

#endif
