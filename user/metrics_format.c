/* SPDX-License-Identifier: BSD-2-Clause */
#include "metrics_format.h"

#include "utf8.h"

#define NS_PER_S 1000000000u

/* In a help text, quotes stay as they are. */
static void put_help(struct text_buffer *b, const char *help)
{
	for (; *help; help++) {
		if (*help == '\n')
			text_bytes(b, "\\n", 2);
		else if (*help == '\\')
			text_bytes(b, "\\\\", 2);
		else
			text_char(b, *help);
	}
}

void metrics_header(struct text_buffer *b, const char *name, const char *type, const char *help)
{
	text_string(b, "# HELP ");
	text_string(b, name);
	text_char(b, ' ');
	put_help(b, help);
	text_string(b, "\n# TYPE ");
	text_string(b, name);
	text_char(b, ' ');
	text_string(b, type);
	text_char(b, '\n');
}

/* One invalid byte in a name would spoil the whole page, so it is spelled out. */
static void put_byte(struct text_buffer *b, unsigned char c)
{
	static const char hex[] = "0123456789abcdef";

	text_bytes(b, "\\\\x", 3);
	text_char(b, hex[c >> 4]);
	text_char(b, hex[c & 15]);
}

static void put_escaped(struct text_buffer *b, const char *text)
{
	const unsigned char *s = (const unsigned char *)text;

	while (*s) {
		size_t n = utf8_length(s, UTF8_LONGEST);

		if (!n)
			put_byte(b, *s);
		else if (*s == '\n')
			text_bytes(b, "\\n", 2);
		else if (*s == '"' || *s == '\\') {
			text_char(b, '\\');
			text_char(b, (char)*s);
		} else
			text_bytes(b, (const char *)s, n);
		s += n ? n : 1;
	}
}

void metrics_put_label(struct text_buffer *b, struct metrics_label label)
{
	text_string(b, label.name);
	text_string(b, "=\"");
	put_escaped(b, label.value);
	text_char(b, '"');
}

void metrics_sample(struct text_buffer *b, const char *name, const char *suffix,
		    struct metrics_label label)
{
	text_string(b, name);
	text_string(b, suffix);
	if (label.value) {
		text_char(b, '{');
		metrics_put_label(b, label);
		text_char(b, '}');
	}
	text_char(b, ' ');
}

void metrics_seconds(struct text_buffer *b, unsigned __int128 ns)
{
	uint32_t rest = ns % NS_PER_S;

	text_u64(b, (uint64_t)(ns / NS_PER_S));
	if (rest)
		text_char(b, '.');
	for (uint32_t unit = NS_PER_S / 10; rest; unit /= 10) {
		text_char(b, '0' + rest / unit);
		rest %= unit;
	}
}
