/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any flow record becomes Protocol Buffers of its columns and JSON of any --names: walked here,
 * field by field and value by value. Input: a choice of columns, texts, then records as those of
 * fuzz_ipfix.
 */
#include "format.h"
#include "ipfix_material.h"
#include "names.h"
#include "protobuf.h"
#include "support.h"
#include "utf8.h"

#define MAX_RECORDS 8
#define MAX_LIST    256

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	support_silence();
	return 0;
}

static void check_utf8(const uint8_t *text, size_t length)
{
	for (size_t i = 0, n; i < length; i += n) {
		n = utf8_length(text + i, length - i);
		require(n > 0);
	}
}

/* --- Protocol Buffers ------------------------------------------------------------------------- */

static uint64_t take_varint(struct input *in)
{
	uint64_t value = 0;

	for (int shift = 0;; shift += 7) {
		uint8_t byte;

		require(in->left && shift < 70);
		byte = input_u8(in);
		value |= (uint64_t)(byte & 0x7f) << shift;
		if (byte < 0x80)
			return value;
	}
}

static const struct field *field_of(const struct columns *columns, uint64_t number)
{
	for (size_t i = 0; i < columns->count; i++)
		if (protobuf_number(columns->items[i]) == number)
			return columns->items[i];
	return NULL;
}

static enum protobuf_wire wire_of(enum field_type type)
{
	if (type == FIELD_F64)
		return PROTOBUF_FIXED64;
	return type <= FIELD_US_KNOWN ? PROTOBUF_VARINT : PROTOBUF_LENGTH;
}

static void check_field(const struct field *f, struct input *in, const struct flow_record *r)
{
	struct input inner;
	size_t length;
	uint32_t count = 0;

	if (wire_of(f->type) == PROTOBUF_VARINT) {
		take_varint(in);
		return;
	}
	length = f->type == FIELD_F64 ? sizeof(double) : take_varint(in);
	require(length <= in->left);
	inner = (struct input){ in->at, length };
	in->at += length;
	in->left -= length;
	if (f->type < FIELD_SPLT_DIRECTION && f->type != FIELD_F64)
		check_utf8(inner.at, inner.left);
	if (f->type < FIELD_SPLT_DIRECTION)
		return;
	for (; inner.left; count++)
		take_varint(&inner);
	require(count == r->splt_length);
}

static void check_protobuf(const struct columns *columns, const struct flow_record *r)
{
	struct text_buffer out = { 0 };
	struct input in;

	format_protobuf.row(&out, columns, r, NULL);
	require(!out.failed);
	in = (struct input){ (const uint8_t *)out.data, out.length };
	require(take_varint(&in) == in.left);
	while (in.left) {
		uint64_t tag = take_varint(&in);
		const struct field *f = field_of(columns, tag >> 3);

		require(f && wire_of(f->type) == (tag & 7));
		check_field(f, &in, r);
	}
	text_free(&out);
}

/* --- JSON ------------------------------------------------------------------------------------- */

static void skip_value(struct input *in);

static void skip_char(struct input *in, char c)
{
	require(in->left && input_u8(in) == (uint8_t)c);
}

static bool comes(const struct input *in, char c)
{
	return in->left && *in->at == (uint8_t)c;
}

static void skip_string(struct input *in)
{
	const uint8_t *start;

	skip_char(in, '"');
	start = in->at;
	while (!comes(in, '"')) {
		bool escaped = comes(in, '\\');

		require(in->left && *in->at >= 0x20);
		input_u8(in);
		if (escaped)
			require(strchr("\"\\u", input_u8(in)) != NULL);
	}
	check_utf8(start, in->at - start);
	input_u8(in);
}

/* Members of an object, or of a list: what their first and last characters say. */
static void skip_members(struct input *in, char open, char close)
{
	skip_char(in, open);
	while (!comes(in, close)) {
		while (comes(in, ' '))
			input_u8(in);
		if (open == '{') {
			skip_string(in);
			skip_char(in, ':');
		}
		skip_value(in);
		if (!comes(in, close))
			skip_char(in, ',');
	}
	input_u8(in);
}

static void skip_value(struct input *in)
{
	const uint8_t *start = in->at;

	if (comes(in, '{')) {
		skip_members(in, '{', '}');
	} else if (comes(in, '[')) {
		skip_members(in, '[', ']');
	} else if (comes(in, '"')) {
		skip_string(in);
	} else if (comes(in, 'n')) {
		for (const char *c = "null"; *c; c++)
			skip_char(in, *c);
	} else {
		while (in->left && strchr("-0123456789.", *in->at))
			input_u8(in);
		require(in->at > start);
	}
}

static void check_json(const struct columns *columns, const struct flow_record *r)
{
	struct text_buffer out = { 0 };
	struct input in;

	format_json.row(&out, columns, r, NULL);
	require(!out.failed);
	in = (struct input){ (const uint8_t *)out.data, out.length };
	skip_value(&in);
	skip_char(&in, '\n');
	require(!in.left);
	text_free(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct flow_record records[MAX_RECORDS];
	static struct material material;
	struct input in = { data, size };
	struct columns columns;
	size_t count = 0;

	make_material(&material, &in);
	make_columns(&columns, &in);
	for (; count < MAX_RECORDS && in.left; count++) {
		make_record(&records[count], &material, &in);
		records[count].splt_length %= MAX_LIST;
		check_protobuf(&columns, &records[count]);
	}
	for (enum names names = NAMES_PLAIN; names <= NAMES_OCSF; names++) {
		require(names_plan(&columns, names) == 0);
		for (size_t i = 0; i < count; i++)
			check_json(&columns, &records[i]);
	}
	columns_free(&columns);
	free_material(&material);
	return 0;
}
