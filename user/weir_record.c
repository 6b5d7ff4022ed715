/* SPDX-License-Identifier: BSD-2-Clause */
/* Reading a record through the public API. */
#include "weir_record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "format.h"

#define NS_PER_MS 1000000u

void weir_record_destroy(struct weir_record *r)
{
	text_free(&r->text);
	free(r->list);
	*r = (struct weir_record){ 0 };
}

enum weir_type weir_type_of(enum field_type type)
{
	switch (type) {
	case FIELD_I32:
	case FIELD_I64: return WEIR_INT;
	case FIELD_F64: return WEIR_DOUBLE;
	case FIELD_TEXT:
	case FIELD_CHARS: return WEIR_TEXT;
	case FIELD_ADDR: return WEIR_ADDRESS;
	case FIELD_MAC:
	case FIELD_OUI: return WEIR_MAC;
	case FIELD_ADDR_NUMBER: return WEIR_UINT128;
	case FIELD_SPLT_DIRECTION:
	case FIELD_SPLT_SIZE:
	case FIELD_SPLT_GAP_MS: return WEIR_LIST;
	default: return WEIR_UINT;
	}
}

static const struct field *field_of(const struct weir_record *r, int id)
{
	return id >= 0 && (size_t)id < r->columns->count ? r->columns->items[id] : NULL;
}

int weir_record__id(const struct weir_record *r, const char *name)
{
	return columns_id(r->columns, name);
}

/* --- numbers ---------------------------------------------------------------------------------- */

static uint64_t read_uint(const struct weir_record *r, const struct field *f)
{
	const void *v = record_value(r->values, f);

	switch (f->type) {
	case FIELD_U8: return *(const uint8_t *)v;
	case FIELD_U16: return *(const uint16_t *)v;
	case FIELD_U32: return *(const uint32_t *)v;
	case FIELD_NS_AS_MS: return *(const uint64_t *)v / NS_PER_MS;
	default: return *(const uint64_t *)v;
	}
}

static int64_t read_int(const struct weir_record *r, const struct field *f)
{
	const void *v = record_value(r->values, f);

	return f->type == FIELD_I32 ? *(const int32_t *)v : *(const int64_t *)v;
}

static bool is_known(const struct weir_record *r, const struct field *f)
{
	return f->type != FIELD_US_KNOWN || timing_is_known(f, r->values);
}

int weir_record__u64(const struct weir_record *r, int id, uint64_t *value)
{
	const struct field *f = field_of(r, id);
	int64_t number;

	if (!f)
		return -ENOENT;
	if (!is_known(r, f))
		return -ENODATA;
	switch (weir_type_of(f->type)) {
	case WEIR_UINT: *value = read_uint(r, f); return 0;
	case WEIR_INT:
		number = read_int(r, f);
		if (number < 0)
			return -EINVAL;
		*value = (uint64_t)number;
		return 0;
	default: return -EINVAL;
	}
}

int weir_record__i64(const struct weir_record *r, int id, int64_t *value)
{
	const struct field *f = field_of(r, id);
	uint64_t number;
	int err;

	if (f && weir_type_of(f->type) == WEIR_INT) {
		*value = read_int(r, f);
		return 0;
	}
	err = weir_record__u64(r, id, &number);
	if (err)
		return err;
	if (number > INT64_MAX)
		return -EINVAL;
	*value = (int64_t)number;
	return 0;
}

int weir_record__f64(const struct weir_record *r, int id, double *value)
{
	const struct field *f = field_of(r, id);

	if (!f)
		return -ENOENT;
	if (!is_known(r, f))
		return -ENODATA;
	switch (weir_type_of(f->type)) {
	case WEIR_UINT: *value = (double)read_uint(r, f); return 0;
	case WEIR_INT: *value = (double)read_int(r, f); return 0;
	case WEIR_DOUBLE: *value = *(const double *)record_value(r->values, f); return 0;
	default: return -EINVAL;
	}
}

/* --- what has a length ------------------------------------------------------------------------ */

int weir_record__text(const struct weir_record *r, int id, const char **value)
{
	const struct field *f = field_of(r, id);

	if (!f)
		return -ENOENT;
	*value = format_text_of(f, r->values);
	return *value ? 0 : -EINVAL;
}

static int64_t list_value(const struct flow_record *r, enum field_type type, uint32_t i)
{
	const struct splt_entry *entry = &r->splt[i];

	if (i >= r->splt_count)
		return -1;
	if (type == FIELD_SPLT_DIRECTION)
		return entry->from_dst;
	return type == FIELD_SPLT_SIZE ? entry->size : (int64_t)(entry->gap_ns / NS_PER_MS);
}

static void fill_list(const struct flow_record *r, enum field_type type, int64_t *to)
{
	for (uint32_t i = 0; i < r->splt_length; i++)
		to[i] = list_value(r, type, i);
}

int weir_record__list(const struct weir_record *r, int id, const int64_t **values, size_t *count)
{
	struct weir_record *scratch = (struct weir_record *)r;
	const struct field *f = field_of(r, id);
	size_t length = r->values->splt_length;
	int64_t *grown;

	if (!f)
		return -ENOENT;
	if (weir_type_of(f->type) != WEIR_LIST)
		return -EINVAL;
	if (length > r->list_room) {
		grown = reallocarray(r->list, length, sizeof(*grown));
		if (!grown)
			return -ENOMEM;
		scratch->list = grown;
		scratch->list_room = length;
	}
	fill_list(r->values, f->type, scratch->list);
	*values = r->list;
	*count = length;
	return 0;
}

static void begin_text(struct weir_record *r)
{
	r->text.length = 0;
	r->text.failed = false;
}

int weir_record__format(const struct weir_record *r, int id, char *buffer, size_t size)
{
	struct text_buffer *text = &((struct weir_record *)r)->text;
	const struct field *f = field_of(r, id);
	size_t n;

	if (!f)
		return -ENOENT;
	begin_text((struct weir_record *)r);
	format_value(text, f, r->values);
	if (text->failed)
		return -ENOMEM;
	n = text->length < size ? text->length : size ? size - 1 : 0;
	if (n)
		memcpy(buffer, text->data, n);
	if (size)
		buffer[n] = '\0';
	return (int)text->length;
}

/* --- rows ------------------------------------------------------------------------------------- */

/* A row under way: its columns stand in front, what they point to is put behind. */
struct row {
	char *start;
	size_t used, size;
};

static char *row_place(struct row *row, size_t length)
{
	char *at = row->start + row->used;

	if (length > row->size - row->used)
		return NULL;
	row->used += length;
	return at;
}

static bool row_put(struct row *row, uint64_t *column, const void *bytes, size_t length)
{
	char *at = row_place(row, length);

	if (!at)
		return false;
	memcpy(at, bytes, length);
	*column = (uint64_t)length << 32 | (uint64_t)(at - row->start);
	return true;
}

static bool row_put_list(struct row *row, uint64_t *column, const struct flow_record *r,
			 enum field_type type)
{
	size_t length = r->splt_length * sizeof(int64_t);
	char *at;

	row->used = (row->used + 7) & ~(size_t)7;
	at = row->used <= row->size ? row_place(row, length) : NULL;
	if (!at)
		return false;
	fill_list(r, type, (int64_t *)at);
	*column = (uint64_t)length << 32 | (uint64_t)(at - row->start);
	return true;
}

static bool row_put_number(struct row *row, uint64_t *column, const struct flow_record *r,
			   const struct field *f)
{
	const uint8_t *addr = record_value(r, f);
	uint8_t number[16] = { 0 };

	if (r->ip_version == 4)
		memcpy(number + 12, addr + 12, 4);
	else
		memcpy(number, addr, 16);
	return row_put(row, column, number, sizeof(number));
}

static bool row_put_text(struct row *row, uint64_t *column, struct weir_record *r,
			 const struct field *f)
{
	const char *text = format_text_of(f, r->values);

	if (text)
		return row_put(row, column, text, strlen(text));
	begin_text(r);
	format_value(&r->text, f, r->values);
	return !r->text.failed && row_put(row, column, r->text.data, r->text.length);
}

static bool row_column(struct row *row, uint64_t *column, struct weir_record *r,
		       const struct field *f)
{
	if (!is_known(r, f)) {
		*column = (uint64_t)WEIR_ABSENT;
		return true;
	}
	switch (weir_type_of(f->type)) {
	case WEIR_UINT: *column = read_uint(r, f); return true;
	case WEIR_INT: *column = (uint64_t)read_int(r, f); return true;
	case WEIR_DOUBLE:
		/* -0.0 has the bits of WEIR_ABSENT; it becomes 0.0 */
		memcpy(column, &(double){ *(const double *)record_value(r->values, f) + 0.0 }, 8);
		return true;
	case WEIR_UINT128: return row_put_number(row, column, r->values, f);
	case WEIR_LIST: return row_put_list(row, column, r->values, f->type);
	default: return row_put_text(row, column, r, f);
	}
}

int weir_record__row(const struct weir_record *r, void *buffer, size_t size)
{
	struct row row = { .start = buffer, .size = size & ~(size_t)7 };
	uint64_t *columns = buffer;

	if (!row_place(&row, r->columns->count * sizeof(*columns)))
		return -ENOSPC;
	for (size_t i = 0; i < r->columns->count; i++)
		if (!row_column(&row, &columns[i], (struct weir_record *)r, r->columns->items[i]))
			return r->text.failed ? -ENOMEM : -ENOSPC;
	while (row.used & 7)
		row.start[row.used++] = 0;
	return (int)row.used;
}
