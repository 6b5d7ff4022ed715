/* SPDX-License-Identifier: BSD-2-Clause */
/* Values in JSON, for what writes objects of its own shape. */
#ifndef USER_JSON_TEXT_H
#define USER_JSON_TEXT_H

#include "anonymize.h"
#include "record.h"
#include "text_buffer.h"

/* In quotes; bytes that are not UTF-8 become the replacement character. */
void json_text(struct text_buffer *out, const char *text);
/* Integers past 2^53 are strings, what is not known is null. */
void json_value(struct text_buffer *out, const struct field *f, const struct flow_record *r);
/* Its hash, in quotes. */
void json_hidden(struct text_buffer *out, const struct field *f, const struct flow_record *r,
		 struct anonymizer *anonymizer);

#endif
