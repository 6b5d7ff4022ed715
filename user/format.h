/* SPDX-License-Identifier: BSD-2-Clause */
/* Formats of a record that stands for itself, a row of the table in output.c each. */
#ifndef USER_FORMAT_H
#define USER_FORMAT_H

#include "anonymize.h"
#include "record.h"
#include "text_buffer.h"

struct format {
	/* What starts a file; may be NULL. */
	void (*header)(struct text_buffer *out, const struct columns *columns);
	/* One record, line end included. anonymizer may be NULL. */
	void (*row)(struct text_buffer *out, const struct columns *columns,
		    const struct flow_record *r, struct anonymizer *anonymizer);
	/* The same that stands alone, without an end; NULL: no record of the format does. */
	void (*message)(struct text_buffer *out, const struct columns *columns,
			const struct flow_record *r, struct anonymizer *anonymizer);
	bool binary; /* rows are no lines of text */
};

extern const struct format format_csv, format_json, format_protobuf, format_table;

/* A value as plain text, without quotes; lists as "[0, 1]". */
void format_value(struct text_buffer *out, const struct field *f, const struct flow_record *r);

/* A text as a string of JSON; bytes that are not UTF-8 become the replacement character. */
void json_text(struct text_buffer *out, const char *text);

/* Whether the value of a FIELD_US_KNOWN column is known. */
bool timing_is_known(const struct field *f, const struct flow_record *r);

/* The value of a text column, else NULL. */
const char *format_text_of(const struct field *f, const struct flow_record *r);

#endif
