/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Protocol Buffers (proto3): a message a record, with its length in front in files and streams. As
 * proto3 has it, zeroes and empty texts are not written; what is not known is not there either, but
 * its field is optional, so that a reader can tell.
 */
#include <endian.h>
#include <math.h>

#include "format.h"
#include "protobuf.h"
#include "utf8.h"

#define NS_PER_MS 1000000u

#define VARINT_MAX 10 /* bytes of 64 bits by 7 */

/* Bytes that are not UTF-8 become three each. */
#define UTF8_GROWTH 3

static size_t varint_length(uint64_t value)
{
	size_t length = 1;

	while (value >>= 7)
		length++;
	return length;
}

static void put_varint(struct text_buffer *out, uint64_t value)
{
	for (; value >= 0x80; value >>= 7)
		text_char(out, (char)(value | 0x80));
	text_char(out, (char)value);
}

static void put_tag(struct text_buffer *out, const struct field *f, enum protobuf_wire wire)
{
	put_varint(out, (uint64_t)protobuf_number(f) << 3 | wire);
}

/* Small for small numbers of either sign. */
static uint64_t zigzag(int64_t value)
{
	return (uint64_t)value << 1 ^ (uint64_t)(value >> 63);
}

/* What stands in out since start gets its length in front. */
static void put_length(struct text_buffer *out, size_t start)
{
	size_t length = out->length - start, head = varint_length(length);

	if (out->failed || !text_has_room(out, head))
		return;
	memmove(out->data + start + head, out->data + start, length);
	out->length = start;
	put_varint(out, length);
	out->length = start + head + length;
}

/* --- values ----------------------------------------------------------------------------------- */

static void put_number(struct text_buffer *out, const struct field *f, uint64_t value)
{
	if (!value)
		return;
	put_tag(out, f, PROTOBUF_VARINT);
	put_varint(out, value);
}

static void put_double(struct text_buffer *out, const struct field *f, double value)
{
	uint64_t bits, little;

	if (value == 0 || !isfinite(value))
		return;
	memcpy(&bits, &value, sizeof(bits));
	little = htole64(bits);
	put_tag(out, f, PROTOBUF_FIXED64);
	text_bytes(out, (const char *)&little, sizeof(little));
}

static void put_known(struct text_buffer *out, const struct field *f, const struct flow_record *r)
{
	if (!timing_is_known(f, r))
		return;
	put_tag(out, f, PROTOBUF_VARINT);
	put_varint(out, *(const uint64_t *)record_value(r, f));
}

static void put_text(struct text_buffer *out, const struct field *f, const char *text)
{
	size_t room = UTF8_GROWTH * strlen(text), start;
	const char *rest;

	if (!*text)
		return;
	put_tag(out, f, PROTOBUF_LENGTH);
	start = out->length;
	if (!text_has_room(out, room))
		return;
	out->length += utf8_copy((uint8_t *)out->data + start, room, text, &rest);
	put_length(out, start);
}

/* As in other formats: addresses, and what the anonymizer makes of a value. */
static void put_formatted(struct text_buffer *out, const struct field *f,
			  const struct flow_record *r, struct anonymizer *anonymizer)
{
	size_t start;

	put_tag(out, f, PROTOBUF_LENGTH);
	start = out->length;
	format_value(out, f, r);
	if (anonymizer && !out->failed)
		anonymizer_replace(anonymizer, out, start);
	put_length(out, start);
}

static int64_t splt_value(const struct flow_record *r, enum field_type type, uint32_t i)
{
	if (i >= r->splt_count)
		return -1;
	if (type == FIELD_SPLT_DIRECTION)
		return r->splt[i].from_dst;
	return type == FIELD_SPLT_SIZE ? (int64_t)r->splt[i].size
				       : (int64_t)(r->splt[i].gap_ns / NS_PER_MS);
}

static void put_list(struct text_buffer *out, const struct field *f, const struct flow_record *r)
{
	size_t start;

	if (!r->splt_length)
		return;
	put_tag(out, f, PROTOBUF_LENGTH);
	start = out->length;
	for (uint32_t i = 0; i < r->splt_length; i++)
		put_varint(out, zigzag(splt_value(r, f->type, i)));
	put_length(out, start);
}

static void put_value(struct text_buffer *out, const struct field *f, const struct flow_record *r)
{
	const void *v = record_value(r, f);

	switch (f->type) {
	case FIELD_U8: put_number(out, f, *(const uint8_t *)v); return;
	case FIELD_U16: put_number(out, f, *(const uint16_t *)v); return;
	case FIELD_U32: put_number(out, f, *(const uint32_t *)v); return;
	case FIELD_U64: put_number(out, f, *(const uint64_t *)v); return;
	case FIELD_I32: put_number(out, f, zigzag(*(const int32_t *)v)); return;
	case FIELD_I64: put_number(out, f, zigzag(*(const int64_t *)v)); return;
	case FIELD_F64: put_double(out, f, *(const double *)v); return;
	case FIELD_NS_AS_MS: put_number(out, f, *(const uint64_t *)v / NS_PER_MS); return;
	case FIELD_US_KNOWN: put_known(out, f, r); return;
	case FIELD_TEXT:
	case FIELD_CHARS: put_text(out, f, format_text_of(f, r)); return;
	case FIELD_ADDR:
	case FIELD_ADDR_NUMBER:
	case FIELD_MAC:
	case FIELD_OUI: put_formatted(out, f, r, NULL); return;
	case FIELD_SPLT_DIRECTION:
	case FIELD_SPLT_SIZE:
	case FIELD_SPLT_GAP_MS: put_list(out, f, r); return;
	}
}

/* --- records ---------------------------------------------------------------------------------- */

/* A hash has room only where the schema has a string. */
static bool is_string(const struct field *f)
{
	return f->type == FIELD_TEXT || f->type == FIELD_CHARS || f->type == FIELD_ADDR ||
	       f->type == FIELD_ADDR_NUMBER || f->type == FIELD_MAC || f->type == FIELD_OUI;
}

static void protobuf_message(struct text_buffer *out, const struct columns *columns,
			     const struct flow_record *r, struct anonymizer *anonymizer)
{
	for (size_t i = 0; i < columns->count; i++) {
		const struct field *f = columns->items[i];

		if (!anonymizer_hides(anonymizer, i))
			put_value(out, f, r);
		else if (is_string(f))
			put_formatted(out, f, r, anonymizer);
	}
}

static void protobuf_row(struct text_buffer *out, const struct columns *columns,
			 const struct flow_record *r, struct anonymizer *anonymizer)
{
	size_t start = out->length;

	protobuf_message(out, columns, r, anonymizer);
	put_length(out, start);
}

const struct format format_protobuf = {
	.row = protobuf_row,
	.message = protobuf_message,
	.binary = true,
};
