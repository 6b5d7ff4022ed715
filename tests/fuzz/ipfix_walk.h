/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Walks messages of IPFIX and NetFlow v9 by the templates in them, and stops the fuzzer where
 * RFC 7011 or RFC 3954 does not hold: lengths, counts, sequence numbers, padding, templates first.
 */
#ifndef TESTS_FUZZ_IPFIX_WALK_H
#define TESTS_FUZZ_IPFIX_WALK_H

#include <stdbool.h>

#include "support.h"

#define WALK_TEMPLATES 16
#define WALK_FIELDS    512
#define WALK_FIRST     256
#define WALK_VARIABLE  0xffff

struct ipfix_walk {
	bool netflow9;
	uint32_t sequence; /* that the next message must have */
	struct {
		size_t count; /* of fields; 0 = not told yet */
		uint16_t length[WALK_FIELDS];
	} templates[WALK_TEMPLATES];
};

/* The bytes of a set that are left. */
struct walk_bytes {
	const uint8_t *at;
	size_t left;
};

static inline void walk_begin(struct ipfix_walk *w, bool netflow9)
{
	memset(w, 0, sizeof(*w));
	w->netflow9 = netflow9;
}

static inline const uint8_t *walk_take(struct walk_bytes *b, size_t length)
{
	const uint8_t *at = b->at;

	require(length <= b->left);
	b->at += length;
	b->left -= length;
	return at;
}

static inline uint32_t walk_u16(struct walk_bytes *b)
{
	const uint8_t *at = walk_take(b, 2);

	return at[0] << 8 | at[1];
}

static inline uint32_t walk_u32(struct walk_bytes *b)
{
	uint32_t high = walk_u16(b);

	return high << 16 | walk_u16(b);
}

/* In NetFlow v9 less than a word of zeros is padding, if it is less than a record too. */
static inline bool walk_is_padding(const struct ipfix_walk *w, const struct walk_bytes *b,
				   size_t record)
{
	if (!w->netflow9 || b->left > 3 || b->left >= record)
		return false;
	for (size_t i = 0; i < b->left; i++)
		if (b->at[i])
			return false;
	return true;
}

/* A template record; options have scopes. */
static inline void walk_template(struct ipfix_walk *w, struct walk_bytes *b, bool options)
{
	uint32_t id = walk_u16(b), count = walk_u16(b), more = options ? walk_u16(b) : 0;

	if (options && w->netflow9)
		count = (count + more) / 4;
	else if (options)
		require(more >= 1 && more <= count);
	require(id >= WALK_FIRST && id < WALK_FIRST + WALK_TEMPLATES);
	require(count >= 1 && count <= WALK_FIELDS);
	id -= WALK_FIRST;
	w->templates[id].count = count;
	for (uint32_t i = 0; i < count; i++) {
		uint32_t element = walk_u16(b);

		w->templates[id].length[i] = walk_u16(b);
		require(w->templates[id].length[i]);
		if (element & 0x8000) {
			require(!w->netflow9);
			walk_u32(b);
		}
	}
}

static inline size_t walk_templates(struct ipfix_walk *w, struct walk_bytes b, bool options)
{
	size_t count = 0;

	for (; b.left && !walk_is_padding(w, &b, 8); count++)
		walk_template(w, &b, options);
	return count;
}

static inline void walk_value(struct walk_bytes *b, size_t length)
{
	if (length == WALK_VARIABLE) {
		length = *walk_take(b, 1);
		if (length == 255)
			length = walk_u16(b);
	}
	walk_take(b, length);
}

static inline size_t walk_data(const struct ipfix_walk *w, uint32_t id, struct walk_bytes b)
{
	size_t count = 0, fields, record = 0;

	require(id >= WALK_FIRST && id < WALK_FIRST + WALK_TEMPLATES);
	fields = w->templates[id - WALK_FIRST].count;
	require(fields);
	for (size_t i = 0; i < fields; i++)
		record += w->templates[id - WALK_FIRST].length[i];
	for (; b.left && !walk_is_padding(w, &b, record); count++)
		for (size_t i = 0; i < fields; i++)
			walk_value(&b, w->templates[id - WALK_FIRST].length[i]);
	return count;
}

/* Returns the data records of the message. */
static inline size_t walk_sets(struct ipfix_walk *w, struct walk_bytes b, size_t *templates)
{
	uint32_t of_data = w->netflow9 ? 0 : 2;
	size_t records = 0;

	while (b.left) {
		uint32_t id = walk_u16(&b), length = walk_u16(&b);
		struct walk_bytes body = { b.at, length - 4 };

		require(length > 4);
		walk_take(&b, body.left);
		if (id <= of_data + 1) {
			require(id >= of_data);
			*templates += walk_templates(w, body, id == of_data + 1);
		} else {
			records += walk_data(w, id, body);
		}
	}
	return records;
}

static inline size_t walk_message(struct ipfix_walk *w, const void *bytes, size_t length)
{
	struct walk_bytes b = { bytes, length };
	uint32_t version = walk_u16(&b), size = walk_u16(&b), sequence;
	size_t records, templates = 0;

	if (w->netflow9)
		walk_u32(&b); /* uptime */
	walk_u32(&b);         /* time */
	sequence = walk_u32(&b);
	walk_u32(&b); /* domain */
	records = walk_sets(w, b, &templates);
	require(records + templates > 0);
	require(version == (w->netflow9 ? 9 : 10));
	require(size == (w->netflow9 ? records + templates : length));
	require(sequence == w->sequence);
	w->sequence += w->netflow9 ? 1 : records;
	return records;
}

#endif
