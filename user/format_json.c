/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One JSON object a line (RFC 8259). Integers past 2^53 are strings, because readers that keep
 * numbers as doubles would round them.
 */
#include "json_text.h"

#include "format.h"
#include "names.h"
#include "utf8.h"

#define EXACT_IN_DOUBLE (1ull << 53)

static void json_escape(struct text_buffer *out, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";

	text_bytes(out, "\\u00", 4);
	text_char(out, hex[c >> 4]);
	text_char(out, hex[c & 15]);
}

void json_text(struct text_buffer *out, const char *text)
{
	const unsigned char *s = (const unsigned char *)text;

	text_char(out, '"');
	while (*s) {
		size_t n = utf8_length(s, UTF8_LONGEST);

		if (!n) {
			text_bytes(out, "\\ufffd", 6);
			s++;
			continue;
		}
		if (*s == '"' || *s == '\\')
			text_char(out, '\\');
		if (*s < 0x20 || *s == 0x7f)
			json_escape(out, *s);
		else
			text_bytes(out, (const char *)s, n);
		s += n;
	}
	text_char(out, '"');
}

static bool is_quoted(const struct field *f, const struct flow_record *r)
{
	const uint64_t *value = record_value(r, f);

	switch (f->type) {
	case FIELD_ADDR:
	case FIELD_MAC:
	case FIELD_OUI: return true;
	case FIELD_ADDR_NUMBER: return r->ip_version != 4;
	case FIELD_U64: return *value > EXACT_IN_DOUBLE;
	case FIELD_I64: return *value + EXACT_IN_DOUBLE > 2 * EXACT_IN_DOUBLE;
	default: return false;
	}
}

void json_value(struct text_buffer *out, const struct field *f, const struct flow_record *r)
{
	const char *text = format_text_of(f, r);
	bool quoted = is_quoted(f, r);
	size_t start = out->length;

	if (text) {
		json_text(out, text);
		return;
	}
	if (quoted)
		text_char(out, '"');
	format_value(out, f, r);
	if (quoted)
		text_char(out, '"');
	if (out->length == start)
		text_string(out, "null");
}

void json_hidden(struct text_buffer *out, const struct field *f, const struct flow_record *r,
		 struct anonymizer *anonymizer)
{
	size_t start;

	text_char(out, '"');
	start = out->length;
	format_value(out, f, r);
	if (!out->failed)
		anonymizer_replace(anonymizer, out, start);
	text_char(out, '"');
}

static void json_message(struct text_buffer *out, const struct columns *columns,
			 const struct flow_record *r, struct anonymizer *anonymizer)
{
	if (columns->names) {
		names_write(out, columns, r, anonymizer);
		return;
	}
	text_char(out, '{');
	for (size_t i = 0; i < columns->count; i++) {
		const struct field *f = columns->items[i];

		if (i)
			text_char(out, ',');
		text_char(out, '"');
		text_string(out, f->name);
		text_bytes(out, "\":", 2);
		if (anonymizer_hides(anonymizer, i))
			json_hidden(out, f, r, anonymizer);
		else
			json_value(out, f, r);
	}
	text_char(out, '}');
}

static void json_row(struct text_buffer *out, const struct columns *columns,
		     const struct flow_record *r, struct anonymizer *anonymizer)
{
	json_message(out, columns, r, anonymizer);
	text_char(out, '\n');
}

const struct format format_json = {
	.row = json_row,
	.message = json_message,
};
