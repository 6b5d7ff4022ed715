/* SPDX-License-Identifier: BSD-2-Clause */
/* RFC 4180: quotes only where needed, doubled inside; lines end in LF, as every reader accepts. */
#include "format.h"

static void csv_header(struct text_buffer *out, const struct columns *columns)
{
	for (size_t i = 0; i < columns->count; i++) {
		if (i)
			text_char(out, ',');
		text_string(out, columns->items[i]->name);
	}
	text_char(out, '\n');
}

static void csv_text(struct text_buffer *out, const char *text)
{
	if (!*text)
		return;
	if (!text[strcspn(text, ",\"\r\n")]) {
		text_string(out, text);
		return;
	}
	text_char(out, '"');
	for (; *text; text++) {
		if (*text == '"')
			text_char(out, '"');
		text_char(out, *text);
	}
	text_char(out, '"');
}

static void csv_value(struct text_buffer *out, const struct field *f, const struct flow_record *r)
{
	bool list = f->type >= FIELD_SPLT_DIRECTION;

	if (f->type == FIELD_TEXT || f->type == FIELD_CHARS) {
		csv_text(out, format_text_of(f, r));
		return;
	}
	if (list)
		text_char(out, '"');
	format_value(out, f, r);
	if (list)
		text_char(out, '"');
}

static void csv_row(struct text_buffer *out, const struct columns *columns,
		    const struct flow_record *r, struct anonymizer *anonymizer)
{
	for (size_t i = 0; i < columns->count; i++) {
		size_t start;

		if (i)
			text_char(out, ',');
		start = out->length;
		if (!anonymizer || !anonymizer_hides(anonymizer, i)) {
			csv_value(out, columns->items[i], r);
			continue;
		}
		format_value(out, columns->items[i], r);
		if (!out->failed)
			anonymizer_replace(anonymizer, out, start);
	}
	text_char(out, '\n');
}

const struct format format_csv = {
	.header = csv_header,
	.row = csv_row,
};
