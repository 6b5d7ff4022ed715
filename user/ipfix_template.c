/* SPDX-License-Identifier: BSD-2-Clause */
#include "ipfix_template.h"

#include "wire.h"

static uint8_t *put_field(uint8_t *to, const struct ipfix_item *item)
{
	if (!item->enterprise)
		return wire_u16(wire_u16(to, item->id), item->length);
	to = wire_u16(wire_u16(to, IPFIX_ENTERPRISE_BIT | item->id), item->length);
	return wire_u32(to, item->enterprise);
}

static int add(struct ipfix_message *m, uint16_t set, const uint8_t *end)
{
	const struct ipfix_written written = {
		.length = end - ipfix_message_place(m, set),
		.templates = 1,
	};

	return ipfix_message_add(m, set, &written);
}

int ipfix_template_add(struct ipfix_message *m, const struct ipfix_layout *layout)
{
	uint16_t set = ipfix_template_set(m->protocol);
	uint8_t *at = ipfix_message_place(m, set);

	at = wire_u16(wire_u16(at, layout->id), layout->count);
	for (size_t i = 0; i < layout->count; i++)
		at = put_field(at, &layout->items[i]);
	return add(m, set, at);
}

/* IPFIX counts fields, NetFlow v9 their bytes in the template (RFC 3954 section 6.1). */
int ipfix_option_template_add(struct ipfix_message *m, const struct ipfix_option *option)
{
	uint16_t set = ipfix_options_template_set(m->protocol);
	uint16_t all = option->scopes + option->fields;
	uint8_t *at = wire_u16(ipfix_message_place(m, set), option->template);

	if (m->protocol == IPFIX)
		at = wire_u16(wire_u16(at, all), option->scopes);
	else
		at = wire_u16(wire_u16(at, 4 * option->scopes), 4 * option->fields);
	for (uint16_t i = 0; i < all; i++)
		at = wire_u16(wire_u16(at, option->items[i].id), option->items[i].length);
	return add(m, set, at);
}
