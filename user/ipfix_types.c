/* SPDX-License-Identifier: BSD-2-Clause */
#include "ipfix_types.h"

#include "ipfix_applications.h"
#include "ipfix_record.h"
#include "wire.h"

/* libfixbuf takes all of them or none. */
static const struct ipfix_option_field fields[] = {
	{ 346, 4 },              /* privateEnterpriseNumber, scope */
	{ 303, 2 },              /* informationElementId, scope */
	{ 339, 1 },              /* informationElementDataType */
	{ 344, 1 },              /* informationElementSemantics */
	{ 345, 2 },              /* informationElementUnits */
	{ 342, 8 },              /* informationElementRangeBegin */
	{ 343, 8 },              /* informationElementRangeEnd; 0 to 0: any */
	{ 341, IPFIX_VARIABLE }, /* informationElementName */
	{ 340, IPFIX_VARIABLE }, /* informationElementDescription */
};

const struct ipfix_option ipfix_types_option = {
	.template = IPFIX_FIRST_TEMPLATE + VARIANTS + 1,
	.scopes = 2,
	.fields = 7,
	.items = fields,
};

#define TEXT_ROOM 255

/* IANA's numbers: IPFIX Information Element Data Types, Semantics, Units. */
enum data_type {
	TYPE_OCTETS = 0,
	TYPE_U8 = 1,
	TYPE_U16 = 2,
	TYPE_U32 = 3,
	TYPE_U64 = 4,
	TYPE_I32 = 7,
	TYPE_I64 = 8,
	TYPE_F64 = 10,
	TYPE_STRING = 13,
	TYPE_TIME_MS = 15,
};

enum semantics { SEMANTICS_DEFAULT = 0, SEMANTICS_QUANTITY = 1 };

static const uint8_t data_types[] = {
	[FIELD_U8] = TYPE_U8,
	[FIELD_U16] = TYPE_U16,
	[FIELD_U32] = TYPE_U32,
	[FIELD_U64] = TYPE_U64,
	[FIELD_I32] = TYPE_I32,
	[FIELD_I64] = TYPE_I64,
	[FIELD_F64] = TYPE_F64,
	[FIELD_NS_AS_MS] = TYPE_U64,
	[FIELD_US_KNOWN] = TYPE_U64,
	[FIELD_TEXT] = TYPE_STRING,
	[FIELD_CHARS] = TYPE_STRING,
	[FIELD_ADDR] = TYPE_OCTETS,
	[FIELD_ADDR_NUMBER] = TYPE_OCTETS,
	[FIELD_MAC] = TYPE_OCTETS,
	[FIELD_OUI] = TYPE_OCTETS,
	[FIELD_SPLT_DIRECTION] = TYPE_U8,
	[FIELD_SPLT_SIZE] = TYPE_U32,
	[FIELD_SPLT_GAP_MS] = TYPE_U32,
};

static const struct {
	const char *name;
	uint16_t number;
} units[] = {
	{ "bytes", 2 }, { "packets", 3 }, { "ms", 6 }, { "us", 7 }, { "ns", 8 }, { "hops", 11 },
};

static uint16_t unit_of(const struct field *f)
{
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (!strcmp(units[i].name, f->unit))
			return units[i].number;
	return 0;
}

/* A time since the epoch, not a duration. */
static bool is_time(const struct field *f)
{
	return f->type == FIELD_NS_AS_MS && strstr(f->name, "_seen");
}

static bool is_own(const struct ipfix_item *item)
{
	return item->field && IPFIX_IS_OWN(item->field->ipfix);
}

static uint8_t *put(uint8_t *at, const struct field *f, uint32_t pen)
{
	uint64_t cut = 0;
	bool quantity = *f->unit && !is_time(f);

	at = wire_u16(wire_u32(at, pen), IPFIX_ID(f->ipfix));
	at = wire_u8(at, is_time(f) ? TYPE_TIME_MS : data_types[f->type]);
	at = wire_u8(at, quantity ? SEMANTICS_QUANTITY : SEMANTICS_DEFAULT);
	at = wire_u64(wire_u64(wire_u16(at, unit_of(f)), 0), 0);
	at = ipfix_text_put(at, TEXT_ROOM, f->name, &cut);
	return ipfix_text_put(at, TEXT_ROOM, f->help, &cut);
}

int ipfix_types_add(struct ipfix_message *m, const struct ipfix_layout *layout, uint32_t pen)
{
	uint16_t set = ipfix_types_option.template;
	int err = 0;

	for (size_t i = 0; i < layout->count && !err; i++) {
		uint8_t *at = ipfix_message_place(m, set);
		struct ipfix_written written = { .records = 1 };

		if (!is_own(&layout->items[i]))
			continue;
		written.length = put(at, layout->items[i].field, pen) - at;
		err = ipfix_message_add(m, set, &written);
	}
	return err;
}

size_t ipfix_types_count(const struct ipfix_layout *layout)
{
	size_t count = 0;

	for (size_t i = 0; i < layout->count; i++)
		count += is_own(&layout->items[i]);
	return count;
}
