/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Aligned columns for a terminal. Rows are printed as flows end, so a column's width is fixed by
 * its kind. A longer text is cut and marked with "~"; a longer number is not, as it would mislead.
 */
#include "format.h"

#define WIDTH_NUMBER 9

static size_t column_width(const struct field *f)
{
	size_t name = strlen(f->name), width;

	switch (f->type) {
	case FIELD_ADDR: width = 22; break;
	case FIELD_MAC: width = 17; break;
	case FIELD_TEXT: width = 24; break;
	case FIELD_CHARS: width = 30; break;
	case FIELD_NS_AS_MS: width = 13; break;
	case FIELD_ADDR_NUMBER: width = 10; break;
	case FIELD_SPLT_DIRECTION:
	case FIELD_SPLT_SIZE:
	case FIELD_SPLT_GAP_MS: width = 32; break;
	case FIELD_U8:
	case FIELD_U16: width = 5; break;
	default: width = WIDTH_NUMBER;
	}
	return name > width ? name : width;
}

static bool aligned_right(const struct field *f)
{
	return f->type <= FIELD_US_KNOWN || f->type == FIELD_ADDR_NUMBER;
}

/* What stands in out since start, cut or padded to the column's width. */
static void fit(struct text_buffer *out, size_t start, const struct field *f, bool last)
{
	size_t width = column_width(f), length = out->length - start;

	if (out->failed)
		return;
	if (length > width && !last && !aligned_right(f)) {
		out->length = start + width;
		out->data[out->length - 1] = '~';
	}
	for (size_t i = length; i < width && !(last && !aligned_right(f)); i++)
		text_char(out, ' ');
	if (aligned_right(f) && length < width && !out->failed) {
		memmove(out->data + start + width - length, out->data + start, length);
		memset(out->data + start, ' ', width - length);
	}
	text_bytes(out, last ? "\n" : "  ", last ? 1 : 2);
}

static void table_header(struct text_buffer *out, const struct columns *columns)
{
	for (size_t i = 0; i < columns->count; i++) {
		size_t start = out->length;

		text_string(out, columns->items[i]->name);
		fit(out, start, columns->items[i], i + 1 == columns->count);
	}
}

/* Nothing of a packet reaches the terminal raw: bytes from 0x80 on may be controls too. */
static void make_printable(struct text_buffer *out, size_t start)
{
	for (size_t i = start; i < out->length; i++)
		if (out->data[i] < ' ' || out->data[i] > '~')
			out->data[i] = '?';
}

static void table_row(struct text_buffer *out, const struct columns *columns,
		      const struct flow_record *r, struct anonymizer *anonymizer)
{
	for (size_t i = 0; i < columns->count; i++) {
		size_t start = out->length;

		format_value(out, columns->items[i], r);
		if (anonymizer_hides(anonymizer, i) && !out->failed)
			anonymizer_replace(anonymizer, out, start);
		make_printable(out, start);
		fit(out, start, columns->items[i], i + 1 == columns->count);
	}
}

const struct format format_table = {
	.header = table_header,
	.row = table_row,
};
