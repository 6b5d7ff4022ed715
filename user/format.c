/* SPDX-License-Identifier: BSD-2-Clause */
#include "format.h"

#define NS_PER_MS 1000000u

const void *record_value(const struct flow_record *r, const struct field *f)
{
	static const uint64_t zeros[2];

	if (!(f->need & NEED_STATE))
		return (const char *)r + f->offset;
	return r->state ? (const char *)r->state + f->offset : (const char *)zeros;
}

static void splt_list(struct text_buffer *out, enum field_type type, const struct flow_record *r)
{
	char *at;

	if (!text_has_room(out, (r->splt_length + 1) * (size_t)TEXT_NUMBER_ROOM))
		return;
	at = out->data + out->length;
	*at++ = '[';
	for (uint32_t i = 0; i < r->splt_length; i++) {
		if (i)
			at = mempcpy(at, ", ", 2);
		if (i >= r->splt_count)
			at = mempcpy(at, "-1", 2);
		else if (type == FIELD_SPLT_DIRECTION)
			*at++ = '0' + r->splt[i].from_dst;
		else if (type == FIELD_SPLT_SIZE)
			at = text_put_u64(at, r->splt[i].size);
		else
			at = text_put_u64(at, r->splt[i].gap_ns / NS_PER_MS);
	}
	*at++ = ']';
	out->length = at - out->data;
}

/* Which bit of timing_known vouches for it. */
bool timing_is_known(const struct field *f, const struct flow_record *r)
{
	if (f->offset == offsetof(struct flow_record, client_rtt_us))
		return r->timing_known & TIMING_CLIENT_RTT;
	if (f->offset == offsetof(struct flow_record, server_rtt_us))
		return r->timing_known & TIMING_SERVER_RTT;
	return r->timing_known & TIMING_APP_LATENCY;
}

const char *format_text_of(const struct field *f, const struct flow_record *r)
{
	const char *text = NULL;

	if (f->type == FIELD_CHARS)
		return record_value(r, f);
	if (f->type == FIELD_TEXT) {
		text = *(const char *const *)record_value(r, f);
		return text ? text : "";
	}
	return NULL;
}

static void address_number(struct text_buffer *out, const uint8_t *addr,
			   const struct flow_record *r)
{
	uint8_t number[16] = { 0 };

	if (r->ip_version == 4)
		memcpy(number + 12, addr + 12, 4);
	else
		memcpy(number, addr, 16);
	text_u128(out, number);
}

void format_value(struct text_buffer *out, const struct field *f, const struct flow_record *r)
{
	const void *v = record_value(r, f);

	switch (f->type) {
	case FIELD_U8: text_u64(out, *(const uint8_t *)v); return;
	case FIELD_U16: text_u64(out, *(const uint16_t *)v); return;
	case FIELD_U32: text_u64(out, *(const uint32_t *)v); return;
	case FIELD_U64: text_u64(out, *(const uint64_t *)v); return;
	case FIELD_I32: text_i64(out, *(const int32_t *)v); return;
	case FIELD_I64: text_i64(out, *(const int64_t *)v); return;
	case FIELD_F64: text_double(out, *(const double *)v); return;
	case FIELD_NS_AS_MS: text_u64(out, *(const uint64_t *)v / NS_PER_MS); return;
	case FIELD_US_KNOWN:
		if (timing_is_known(f, r))
			text_u64(out, *(const uint64_t *)v);
		return;
	case FIELD_TEXT:
	case FIELD_CHARS: text_string(out, format_text_of(f, r)); return;
	case FIELD_ADDR: text_address(out, v, r->ip_version == 4); return;
	case FIELD_ADDR_NUMBER: address_number(out, v, r); return;
	case FIELD_MAC: text_mac(out, v, 6); return;
	case FIELD_OUI: text_mac(out, v, 3); return;
	case FIELD_SPLT_DIRECTION:
	case FIELD_SPLT_SIZE:
	case FIELD_SPLT_GAP_MS: splt_list(out, f->type, r); return;
	}
}
