/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Flow records and choices of columns of any kind, made from an input: bytes of the struct itself,
 * with texts and lists made of more bytes.
 */
#ifndef TESTS_FUZZ_IPFIX_MATERIAL_H
#define TESTS_FUZZ_IPFIX_MATERIAL_H

#include "record.h"
#include "support.h"

#define MAX_TEXTS 8
#define SPLT_ROOM 20000
#define TEXT_ROOM 70000

/* What the records of an input point into. */
struct material {
	char *texts[MAX_TEXTS];
	size_t count;
	struct splt_entry splt[SPLT_ROOM];
};

/* --- records ---------------------------------------------------------------------------------- */

/* Texts of any bytes but 0; one in eight is as long as no message. */
static inline void make_texts(struct material *m, struct input *in)
{
	for (m->count = 0; m->count < MAX_TEXTS; m->count++) {
		size_t length = input_u8(in), i;
		bool endless = length == 255;

		if (endless)
			length = TEXT_ROOM - input_u16(in);
		m->texts[m->count] = malloc(length + 1);
		require(m->texts[m->count] != NULL);
		for (i = 0; i < length; i++) {
			uint8_t byte = endless ? 'x' : input_u8(in);

			m->texts[m->count][i] = byte ? byte : 'a';
		}
		m->texts[m->count][i] = '\0';
	}
}

static inline const char *choose_text(const struct material *m, struct input *in)
{
	uint8_t i = input_u8(in);

	return i % (MAX_TEXTS + 1) == MAX_TEXTS ? NULL : m->texts[i % (MAX_TEXTS + 1)];
}

/* Of every column that is a text, whichever there are. */
static inline void choose_texts(struct flow_record *r, const struct material *m, struct input *in)
{
	for (size_t i = 0; i < record_field_count; i++) {
		const struct field *f = &record_fields[i];

		if (f->type == FIELD_TEXT && !(f->need & NEED_STATE))
			*(const char **)((char *)r + f->offset) = choose_text(m, in);
	}
}

static inline void make_record(struct flow_record *r, const struct material *m, struct input *in)
{
	size_t taken;
	uint8_t *bytes = input_block(
		in, 1 + input_u16(in) % offsetof(struct flow_record, risk_buffer), &taken);

	memset(r, 0, sizeof(*r));
	if (taken)
		memcpy(r, bytes, taken);
	free(bytes);
	choose_texts(r, m, in);
	r->ip_version = input_u8(in) % 2 ? 6 : 4;
	r->community_id[sizeof(r->community_id) - 1] = '\0';
	r->ingress_interface[sizeof(r->ingress_interface) - 1] = '\0';
	r->egress_interface[sizeof(r->egress_interface) - 1] = '\0';
	r->netns[sizeof(r->netns) - 1] = '\0';
	r->state = NULL;
	r->packed = NULL;
	r->splt = m->splt;
	r->splt_count %= SPLT_ROOM;
}

static inline void make_material(struct material *m, struct input *in)
{
	make_texts(m, in);
	for (size_t i = 0; i < SPLT_ROOM; i++)
		m->splt[i] = (struct splt_entry){ i * 977, i % 2, i };
}

static inline void free_material(struct material *m)
{
	while (m->count)
		free(m->texts[--m->count]);
}

/* --- columns ---------------------------------------------------------------------------------- */

/* Each with its bit of the input, or those of a pattern that the input begins. */
static inline void make_columns(struct columns *out, struct input *in)
{
	uint8_t every = 1 + input_u8(in) % 16;

	*out = (struct columns){ .items = calloc(record_field_count, sizeof(*out->items)) };
	require(out->items != NULL);
	for (size_t i = input_u8(in) % every; i < record_field_count; i += every)
		out->items[out->count++] = &record_fields[i];
}

#endif
