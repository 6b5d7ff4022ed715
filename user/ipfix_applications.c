/* SPDX-License-Identifier: BSD-2-Clause */
#include "ipfix_applications.h"

#include <stdlib.h>

#include "ipfix_record.h"
#include "utf8.h"
#include "wire.h"

#define NAME_V9 32 /* bytes, padded with zeros: NetFlow v9 has no variable lengths */

static const struct ipfix_option_field fields[] = {
	{ 95, 4 },              /* applicationId */
	{ 96, IPFIX_VARIABLE }, /* applicationName */
};

static const struct ipfix_option_field fields_v9[] = {
	{ 1, 4 }, /* scope: system */
	{ 95, 4 },
	{ 96, NAME_V9 },
};

const struct ipfix_option ipfix_applications_option = {
	.template = IPFIX_FIRST_TEMPLATE + VARIANTS,
	.scopes = 1,
	.fields = 1,
	.items = fields,
};

const struct ipfix_option ipfix_applications_option_v9 = {
	.template = IPFIX_FIRST_TEMPLATE + VARIANTS,
	.scopes = 1,
	.fields = 2,
	.items = fields_v9,
};

void ipfix_applications_free(struct ipfix_applications *a)
{
	free(a->known);
}

static uint32_t slot_of(uint32_t id)
{
	return id * 2654435761u / (UINT32_MAX / IPFIX_APPLICATION_SLOTS + 1);
}

static bool has_room(struct ipfix_applications *a)
{
	size_t room = a->room ? 2 * a->room : 64;
	struct ipfix_application *known;

	if (a->count < a->room)
		return true;
	if (a->count == IPFIX_APPLICATIONS)
		return false;
	known = reallocarray(a->known, room, sizeof(*known));
	if (!known)
		return false;
	a->known = known;
	a->room = room;
	return true;
}

static void add_known(struct ipfix_applications *a, uint32_t slot, uint32_t id, const char *name)
{
	struct ipfix_application *new;
	const char *rest;

	if (!has_room(a))
		return;
	new = &a->known[a->count++];
	new->id = id;
	new->name[utf8_copy((uint8_t *)new->name, sizeof(new->name) - 1, name, &rest)] = '\0';
	a->slots[slot] = a->count;
}

void ipfix_applications_learn(struct ipfix_applications *a, const struct flow_record *r)
{
	uint32_t id = ipfix_application_id(r), slot = slot_of(id);

	while (a->slots[slot]) {
		if (a->known[a->slots[slot] - 1].id == id)
			return;
		slot = (slot + 1) % IPFIX_APPLICATION_SLOTS;
	}
	add_known(a, slot, id, r->application_name ? r->application_name : "");
}

static uint8_t *put(uint8_t *at, const struct ipfix_message *m, const struct ipfix_application *one)
{
	uint64_t cut = 0;
	const char *rest;
	size_t length;

	if (m->protocol == IPFIX)
		return ipfix_text_put(wire_u32(at, one->id), sizeof(one->name), one->name, &cut);
	at = wire_u32(wire_u32(at, m->domain), one->id);
	length = utf8_copy(at, NAME_V9, one->name, &rest);
	memset(at + length, 0, NAME_V9 - length);
	return at + NAME_V9;
}

static int tell_one(const struct ipfix_application *one, struct ipfix_message *m)
{
	uint16_t set = ipfix_applications_option.template;
	uint8_t *at = ipfix_message_place(m, set);
	struct ipfix_written written = { .records = 1 };

	written.length = put(at, m, one) - at;
	return ipfix_message_add(m, set, &written);
}

int ipfix_applications_tell(struct ipfix_applications *a, struct ipfix_message *m)
{
	int err = 0;

	for (; a->told < a->count && !err; a->told++)
		err = tell_one(&a->known[a->told], m);
	return err;
}

int ipfix_applications_tell_all(const struct ipfix_applications *a, struct ipfix_message *m)
{
	int err = 0;

	for (size_t i = 0; i < a->count && !err; i++)
		err = tell_one(&a->known[i], m);
	return err;
}

void ipfix_applications_forget(struct ipfix_applications *a)
{
	a->told = 0;
}
