/* SPDX-License-Identifier: BSD-2-Clause */
#include "ipfix_layout.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "anonymize.h"
#include "ipfix_message.h"

#define PROTOCOL_ICMP   1
#define PROTOCOL_ICMPV6 58

enum iana {
	IANA_TCP_FLAGS = 6,
	IANA_SOURCE_IPV4 = 8,
	IANA_DESTINATION_IPV4 = 12,
	IANA_LAST_SWITCHED = 21,
	IANA_FIRST_SWITCHED = 22,
	IANA_SOURCE_IPV6 = 27,
	IANA_DESTINATION_IPV6 = 28,
	IANA_ICMP_TYPE_CODE = 32,
	IANA_APPLICATION_ID = 95,
	IANA_OBSERVATION_POINT = 138,
	IANA_ICMPV6_TYPE_CODE = 139,
	IANA_FLOW_ID = 148,
	IANA_FLOW_START_MS = 152,
	IANA_FLOW_END_MS = 153,
	IANA_FLOW_START_NS = 156,
	IANA_FLOW_END_NS = 157,
	IANA_DURATION_MS = 161,
	IANA_ICMP_TYPE = 176,
	IANA_ICMP_CODE = 177,
	IANA_ICMPV6_TYPE = 178,
	IANA_ICMPV6_CODE = 179,
	IANA_BIFLOW_DIRECTION = 239,
	IANA_BASIC_LIST = 291,
};

/* What is built, and for whom. */
struct builder {
	const struct config *config;
	const struct columns *columns;
	const struct ipfix_options *options;
	struct ipfix_layout *layout;
	bool ipv6, icmp, reverse;
	bool icmp_apart; /* one of type and code is hidden: not both in one */
};

static const struct {
	enum ipfix_form form;
	uint16_t length;
} forms[] = {
	[FIELD_U8] = { FORM_U8, 1 },
	[FIELD_U16] = { FORM_U16, 2 },
	[FIELD_U32] = { FORM_U32, 4 },
	[FIELD_U64] = { FORM_U64, 8 },
	[FIELD_I32] = { FORM_U32, 4 },
	[FIELD_I64] = { FORM_U64, 8 },
	[FIELD_F64] = { FORM_U64, 8 },
	[FIELD_NS_AS_MS] = { FORM_MS, 8 },
	[FIELD_US_KNOWN] = { FORM_KNOWN, 8 },
	[FIELD_TEXT] = { FORM_TEXT, IPFIX_VARIABLE },
	[FIELD_CHARS] = { FORM_CHARS, IPFIX_VARIABLE },
	[FIELD_ADDR] = { FORM_ADDR4, 4 },
	[FIELD_ADDR_NUMBER] = { FORM_ADDR4, 4 },
	[FIELD_MAC] = { FORM_MAC, 6 },
	[FIELD_OUI] = { FORM_OUI, 3 },
	[FIELD_SPLT_DIRECTION] = { FORM_SPLT_DIRECTION, IPFIX_VARIABLE },
	[FIELD_SPLT_SIZE] = { FORM_SPLT_SIZE, IPFIX_VARIABLE },
	[FIELD_SPLT_GAP_MS] = { FORM_SPLT_GAP, IPFIX_VARIABLE },
};

static bool is_list(enum ipfix_form form)
{
	return form >= FORM_SPLT_DIRECTION && form <= FORM_SPLT_GAP;
}

static bool is_icmp(const struct field *f)
{
	return f->ipfix == IPFIX_IANA(IANA_ICMP_TYPE) || f->ipfix == IPFIX_IANA(IANA_ICMP_CODE);
}

static bool is_reverse(const struct field *f)
{
	return IPFIX_ENTERPRISE(f->ipfix) == IPFIX_ENTERPRISE(IPFIX_REVERSE(0));
}

static bool is_application(const struct field *f)
{
	return !strcmp(f->name, "application_name") || !strcmp(f->name, "master_protocol") ||
	       !strcmp(f->name, "app_protocol");
}

static bool is_hidden(const struct builder *b, size_t column)
{
	return b->options->anonymizer && anonymizer_hides(b->options->anonymizer, column);
}

/* --- the other direction ---------------------------------------------------------------------- */

/* The column that the destination's packets have this one's values in: src_ip, dst_ip. */
static const struct field *mirror_of(const struct field *f)
{
	const struct field *mirror;
	char name[64];
	size_t length = strlen(f->name);

	if (f->need & NEED_STATE || length >= sizeof(name))
		return f;
	memcpy(name, f->name, length + 1);
	for (char *at = name; *at; at++) {
		if (!strncmp(at, "src", 3))
			at = (char *)mempcpy(at, "dst", 3) - 1;
		else if (!strncmp(at, "dst", 3))
			at = (char *)mempcpy(at, "src", 3) - 1;
	}
	mirror = record_field_by_name(name);
	return mirror ? mirror : f;
}

/* In a flow of one direction, what is of both is of that one. */
static uint32_t offset_of_side(const struct builder *b, uint32_t offset)
{
	size_t side = sizeof(struct record_side_values);
	size_t both = offsetof(struct flow_record, side[SIDE_BOTH]);

	if (b->options->protocol == IPFIX || offset < both || offset >= both + side)
		return offset;
	return offset + (b->reverse ? SIDE_DST2SRC : SIDE_SRC2DST) * side;
}

static uint32_t offset_of(const struct builder *b, const struct field *f)
{
	return offset_of_side(b, b->reverse ? mirror_of(f)->offset : f->offset);
}

static bool has_place(const struct field *f)
{
	return !(f->need & (NEED_STATE | NEED_SPLT));
}

static bool place_is_hidden(const struct builder *b, uint32_t offset)
{
	return anonymizer_hides_value(b->options->anonymizer, b->columns, offset);
}

/* A hidden column must not show in a flow of one direction, be it the other one's. */
static bool shows_hidden(const struct builder *b, const struct field *f)
{
	struct builder there = *b, back = *b;

	there.reverse = false;
	back.reverse = true;
	return has_place(f) && (place_is_hidden(b, offset_of(&there, f)) ||
				place_is_hidden(b, offset_of(&back, f)));
}

/* --- items ------------------------------------------------------------------------------------ */

static bool has_element(const struct ipfix_layout *l, const struct ipfix_item *item)
{
	for (size_t i = 0; i < l->count; i++)
		if (l->items[i].id == item->id && l->items[i].enterprise == item->enterprise &&
		    (!is_list(item->form) || l->items[i].form == item->form))
			return true;
	return false;
}

/* The first column of an element has it: others are names of the same value. */
static void add_item(struct builder *b, const struct ipfix_item *item)
{
	if (!has_element(b->layout, item))
		b->layout->items[b->layout->count++] = *item;
}

static void add_constant(struct builder *b, uint16_t id, uint16_t length, uint32_t value)
{
	add_item(b, &(struct ipfix_item){
			    .id = id,
			    .length = length,
			    .form = length == 1 ? FORM_CONSTANT_8 : FORM_CONSTANT_32,
			    .constant = value,
		    });
}

/* What IPv6 and some elements' own types ask for. */
static void fit_element(const struct builder *b, struct ipfix_item *item)
{
	switch (item->id) {
	case IANA_SOURCE_IPV4:
	case IANA_DESTINATION_IPV4:
		if (!b->ipv6)
			return;
		item->id = item->id == IANA_SOURCE_IPV4 ? IANA_SOURCE_IPV6 : IANA_DESTINATION_IPV6;
		item->form = FORM_ADDR6;
		item->length = 16;
		return;
	case IANA_ICMP_TYPE: item->id = b->ipv6 ? IANA_ICMPV6_TYPE : IANA_ICMP_TYPE; return;
	case IANA_ICMP_CODE: item->id = b->ipv6 ? IANA_ICMPV6_CODE : IANA_ICMP_CODE; return;
	case IANA_FLOW_START_NS:
	case IANA_FLOW_END_NS: item->form = FORM_NTP; return;
	case IANA_DURATION_MS:
		item->form = FORM_MS_32;
		item->length = 4;
		return;
	}
}

static struct ipfix_item item_of(const struct builder *b, const struct field *f)
{
	struct ipfix_item item = {
		.enterprise =
			IPFIX_IS_OWN(f->ipfix) ? b->config->ipfix_pen : IPFIX_ENTERPRISE(f->ipfix),
		.id = IPFIX_ID(f->ipfix),
		.length = forms[f->type].length,
		.form = forms[f->type].form,
		.in_state = f->need & NEED_STATE,
		.offset = offset_of(b, f),
		.field = f,
	};

	if (is_list(item.form)) {
		item.enterprise = 0;
		item.id = IANA_BASIC_LIST;
	} else if (!item.enterprise) {
		fit_element(b, &item);
	}
	return item;
}

/* nfdump reads type and code together only. */
static void add_icmp(struct builder *b, const struct ipfix_item *item)
{
	bool ipfix = b->options->protocol == IPFIX;

	if (!b->icmp)
		return;
	if (ipfix)
		add_item(b, item);
	if (b->icmp_apart)
		return;
	add_item(b, &(struct ipfix_item){
			    .id = ipfix && b->ipv6 ? IANA_ICMPV6_TYPE_CODE : IANA_ICMP_TYPE_CODE,
			    .length = 2,
			    .form = FORM_ICMP,
		    });
}

static void add_column(struct builder *b, const struct field *f)
{
	struct ipfix_item item = item_of(b, f);

	if (is_icmp(f))
		add_icmp(b, &item);
	else
		add_item(b, &item);
}

/*
 * What NetFlow v9 has of a column: no enterprises, no variable lengths, and not the flow's number,
 * by which nfdump 1.7 takes a record for an event of a firewall.
 */
static bool fits_netflow9(const struct ipfix_item *item)
{
	return !item->enterprise && item->length != IPFIX_VARIABLE && item->id != IANA_FLOW_ID;
}

/* The times of RFC 3954, and beside them those that do not end after 49 days. */
static void add_netflow9_time(struct builder *b, const struct ipfix_item *time)
{
	struct ipfix_item switched = *time;

	switched.id = time->id == IANA_FLOW_START_MS ? IANA_FIRST_SWITCHED : IANA_LAST_SWITCHED;
	switched.length = 4;
	switched.form = FORM_UPTIME;
	add_item(b, &switched);
	add_item(b, time);
}

static void add_netflow9_column(struct builder *b, const struct field *f)
{
	struct ipfix_item item = item_of(b, f);

	if (!fits_netflow9(&item) || shows_hidden(b, f))
		return;
	if (is_icmp(f)) {
		add_icmp(b, &item);
	} else if (item.id == IANA_FLOW_START_MS || item.id == IANA_FLOW_END_MS) {
		add_netflow9_time(b, &item);
	} else {
		add_item(b, &item);
	}
}

static bool any_is_reverse(const struct ipfix_layout *l)
{
	for (size_t i = 0; i < l->count; i++)
		if (l->items[i].field && is_reverse(l->items[i].field))
			return true;
	return false;
}

/* The application by number, where columns tell it and none of them is hidden. */
static bool tells_application(const struct builder *b)
{
	bool told = false;

	for (size_t i = 0; i < b->columns->count; i++) {
		if (!is_application(b->columns->items[i]))
			continue;
		if (is_hidden(b, i))
			return false;
		told = true;
	}
	return told;
}

/* What no column is. */
static void add_extras(struct builder *b)
{
	if (!b->layout->count)
		return;
	if (tells_application(b))
		add_item(b, &(struct ipfix_item){ .id = IANA_APPLICATION_ID,
						  .length = 4,
						  .form = FORM_APPLICATION });
	if (b->options->protocol == NETFLOW9)
		return;
	if (any_is_reverse(b->layout))
		add_constant(b, IANA_BIFLOW_DIRECTION, 1, 1); /* the source is the initiator */
	if (b->config->ipfix_point)
		add_constant(b, IANA_OBSERVATION_POINT, 4, b->config->ipfix_point);
}

static size_t least_of(const struct ipfix_item *item)
{
	if (item->length != IPFIX_VARIABLE)
		return item->length;
	return IPFIX_LENGTH_PREFIX + (is_list(item->form) ? IPFIX_LIST_HEAD : 0);
}

/* --- layouts ---------------------------------------------------------------------------------- */

/* Columns of this kind, in their order. */
static void add_columns(struct builder *b, bool reverse)
{
	for (size_t i = 0; i < b->columns->count; i++) {
		const struct field *f = b->columns->items[i];

		if (is_hidden(b, i) || is_reverse(f) != reverse)
			continue;
		if (b->options->protocol == IPFIX)
			add_column(b, f);
		else
			add_netflow9_column(b, f);
	}
}

static int build_layout(struct builder *b)
{
	struct ipfix_layout *l = b->layout;
	size_t extras = 3;
	/* both directions of a flow go together */
	size_t most = b->options->protocol == IPFIX ? IPFIX_RECORD_MAX : IPFIX_RECORD_MAX / 2;

	/* a column is two items at most */
	l->items = calloc(2 * b->columns->count + extras, sizeof(*l->items));
	if (!l->items)
		return -ENOMEM;
	/* nfdump takes the reverse TCP flags for those of the flow, unless these come later */
	add_columns(b, true);
	add_columns(b, false);
	add_extras(b);
	for (size_t i = l->count; i-- > 0;) {
		l->items[i].behind = l->least;
		l->least += least_of(&l->items[i]);
	}
	/* a template has 8 bytes an element at most */
	if (!l->count || l->least > most || 4 + 8 * l->count > IPFIX_RECORD_MAX)
		return -EINVAL;
	return 0;
}

static int build_variant(struct ipfix_layouts *out, struct builder b, enum ipfix_variant variant)
{
	int err;

	b.ipv6 = variant == VARIANT_IPV6 || variant == VARIANT_ICMPV6;
	b.icmp |= variant == VARIANT_ICMP || variant == VARIANT_ICMPV6;
	b.layout = &out->forward[variant];
	b.layout->id = IPFIX_FIRST_TEMPLATE + variant;
	err = build_layout(&b);
	if (err || b.options->protocol == IPFIX)
		return err;
	b.reverse = true;
	b.layout = &out->reverse[variant];
	b.layout->id = IPFIX_FIRST_TEMPLATE + variant;
	return build_layout(&b);
}

/* Whether columns tell of ICMP (or of something else). */
static bool tells_icmp(const struct builder *b, bool icmp)
{
	for (size_t i = 0; i < b->columns->count; i++)
		if (is_icmp(b->columns->items[i]) == icmp && !is_hidden(b, i))
			return true;
	return false;
}

int ipfix_layouts_build(struct ipfix_layouts *out, const struct config *config,
			const struct columns *columns, const struct ipfix_options *options)
{
	struct builder b = { .config = config, .columns = columns, .options = options };
	int err = 0;

	*out = (struct ipfix_layouts){
		.variants = VARIANT_ICMP,
		.applications = tells_application(&b),
	};
	if (tells_icmp(&b, true) && tells_icmp(&b, false))
		out->variants = VARIANTS;
	b.icmp = !tells_icmp(&b, false);
	b.icmp_apart = place_is_hidden(&b, offsetof(struct flow_record, icmp_type)) ||
		       place_is_hidden(&b, offsetof(struct flow_record, icmp_code));
	for (size_t i = 0; i < out->variants && !err; i++)
		err = build_variant(out, b, i);
	if (err)
		ipfix_layouts_free(out);
	return err;
}

void ipfix_layouts_free(struct ipfix_layouts *layouts)
{
	for (size_t i = 0; i < VARIANTS; i++) {
		free(layouts->forward[i].items);
		free(layouts->reverse[i].items);
	}
	*layouts = (struct ipfix_layouts){ 0 };
}

enum ipfix_variant ipfix_variant_of(const struct ipfix_layouts *layouts,
				    const struct flow_record *r)
{
	bool ipv6 = r->ip_version == 6;

	if (layouts->variants == VARIANTS &&
	    r->protocol == (ipv6 ? PROTOCOL_ICMPV6 : PROTOCOL_ICMP))
		return ipv6 ? VARIANT_ICMPV6 : VARIANT_ICMP;
	return ipv6 ? VARIANT_IPV6 : VARIANT_IPV4;
}
