/* SPDX-License-Identifier: BSD-2-Clause */
#include "ipfix_record.h"

#include "format.h"
#include "utf8.h"
#include "wire.h"

#define NS_PER_MS 1000000u
#define NS_PER_S  1000000000u

/* From 1900, where NTP begins to count, to 1970. */
#define NTP_EPOCH_S 2208988800u
#define NTP_MORE    1503238553u /* 0.35 ns in units of 2^-32 ns */

#define LONG_TEXT 255 /* bytes from which a length takes three */

#define LIST_ORDERED 4 /* RFC 6313 section 4.4 */

#define APPLICATION_USER_DEFINED (6u << 24)

/*
 * Between 0.1 and 0.4 ns more, so that who cuts, rounds, or computes with doubles as tshark does,
 * gets the same ns again.
 */
static uint64_t ntp_of(uint64_t ns)
{
	uint64_t fraction = (((ns % NS_PER_S) << 32) + NTP_MORE) / NS_PER_S;

	return (ns / NS_PER_S + NTP_EPOCH_S) << 32 | fraction;
}

static uint32_t ms_32(uint64_t ns)
{
	uint64_t ms = ns / NS_PER_MS;

	return ms < UINT32_MAX ? ms : UINT32_MAX;
}

static uint64_t known(const struct field *f, const struct flow_record *r, const uint64_t *value)
{
	return timing_is_known(f, r) ? *value : UINT64_MAX;
}

uint32_t ipfix_application_id(const struct flow_record *r)
{
	/* 12 bits each: nDPI has some 500; what has more has no number here */
	if ((r->master_protocol | r->app_protocol) >> 12)
		return APPLICATION_USER_DEFINED;
	return APPLICATION_USER_DEFINED | r->master_protocol << 12 | r->app_protocol;
}

uint8_t *ipfix_text_put(uint8_t *to, size_t room, const char *text, uint64_t *cut)
{
	const char *rest;
	size_t length;

	if (!*text) /* as most columns of a record are */
		return wire_u8(to, 0);
	length = utf8_copy(to + 1, room - 1, text, &rest);
	if (length < LONG_TEXT) {
		*cut += *rest != '\0';
		return wire_u8(to, length) + length;
	}
	length = utf8_copy(to + 3, room - 3, text, &rest);
	*cut += *rest != '\0';
	return wire_u16(wire_u8(to, LONG_TEXT), length) + length;
}

static uint8_t *put_splt_value(uint8_t *to, enum ipfix_form form, const struct splt_entry *e)
{
	switch (form) {
	case FORM_SPLT_DIRECTION: return wire_u8(to, e->from_dst);
	case FORM_SPLT_SIZE: return wire_u32(to, e->size);
	default: return wire_u32(to, ms_32(e->gap_ns));
	}
}

/* RFC 6313 wants three bytes of length in front of a list, and no padding values behind it. */
static uint8_t *put_splt(uint8_t *to, size_t room, const struct ipfix_item *item,
			 const struct flow_record *r, uint32_t pen, uint64_t *cut)
{
	uint16_t size = item->form == FORM_SPLT_DIRECTION ? 1 : 4;
	size_t count = r->splt_count < r->splt_length ? r->splt_count : r->splt_length;
	size_t most = (room - IPFIX_LENGTH_PREFIX - IPFIX_LIST_HEAD) / size;

	if (count > most) {
		count = most;
		++*cut;
	}
	to = wire_u16(wire_u8(to, LONG_TEXT), IPFIX_LIST_HEAD + count * size);
	to = wire_u8(to, LIST_ORDERED);
	to = wire_u16(to, IPFIX_ENTERPRISE_BIT | IPFIX_ID(item->field->ipfix));
	to = wire_u32(wire_u16(to, size), pen);
	for (size_t i = 0; i < count; i++)
		to = put_splt_value(to, item->form, &r->splt[i]);
	return to;
}

static uint8_t *put_text(uint8_t *to, size_t room, const char *const *text, uint64_t *cut)
{
	return ipfix_text_put(to, room, *text ? *text : "", cut);
}

/* For a value of variable length, which leaves to those behind it what they need at least. */
static size_t room_of(const struct ipfix_item *item, const uint8_t *to, const uint8_t *end)
{
	return end - to - item->behind;
}

uint8_t *ipfix_record_put(uint8_t *to, const struct ipfix_layout *layout,
			  const struct flow_record *r, const struct ipfix_message *m, uint32_t pen,
			  uint64_t *cut)
{
	const struct ipfix_item *item = layout->items, *last = item + layout->count;
	const uint8_t *end = to + IPFIX_RECORD_MAX;

	for (; item < last; item++) {
		const void *v = item->in_state ? record_value(r, item->field)
					       : (const char *)r + item->offset;

		switch (item->form) {
		case FORM_U8: to = wire_u8(to, *(const uint8_t *)v); break;
		case FORM_U16: to = wire_u16(to, *(const uint16_t *)v); break;
		case FORM_U32: to = wire_u32(to, *(const uint32_t *)v); break;
		case FORM_U64: to = wire_u64(to, *(const uint64_t *)v); break;
		case FORM_MS: to = wire_u64(to, *(const uint64_t *)v / NS_PER_MS); break;
		case FORM_MS_32: to = wire_u32(to, ms_32(*(const uint64_t *)v)); break;
		case FORM_NTP: to = wire_u64(to, ntp_of(*(const uint64_t *)v)); break;
		case FORM_UPTIME:
			to = wire_u32(to, ipfix_message_uptime(m, *(const uint64_t *)v));
			break;
		case FORM_KNOWN: to = wire_u64(to, known(item->field, r, v)); break;
		case FORM_ADDR4: to = mempcpy(to, (const uint8_t *)v + 12, 4); break;
		case FORM_ADDR6: to = mempcpy(to, v, 16); break;
		case FORM_MAC: to = mempcpy(to, v, 6); break;
		case FORM_OUI: to = mempcpy(to, v, 3); break;
		case FORM_TEXT: to = put_text(to, room_of(item, to, end), v, cut); break;
		case FORM_CHARS: to = ipfix_text_put(to, room_of(item, to, end), v, cut); break;
		case FORM_SPLT_DIRECTION:
		case FORM_SPLT_SIZE:
		case FORM_SPLT_GAP:
			to = put_splt(to, room_of(item, to, end), item, r, pen, cut);
			break;
		case FORM_APPLICATION: to = wire_u32(to, ipfix_application_id(r)); break;
		case FORM_ICMP: to = wire_u16(to, r->icmp_type << 8 | r->icmp_code); break;
		case FORM_CONSTANT_8: to = wire_u8(to, item->constant); break;
		case FORM_CONSTANT_32: to = wire_u32(to, item->constant); break;
		}
	}
	return to;
}
