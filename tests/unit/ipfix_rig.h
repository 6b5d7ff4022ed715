/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * An encoder whose messages are kept, to be compared with bytes written by hand from the RFCs or
 * walked set by set.
 */
#ifndef TESTS_UNIT_IPFIX_RIG_H
#define TESTS_UNIT_IPFIX_RIG_H

#include <ctype.h>

#include "ipfix.h"
#include "outputs.h"

#define RIG_MESSAGES 4096
#define RIG_NOW      1700000000000000000ull /* 0x6553f100 s */
#define SECOND       1000000000ull

struct rig_message {
	uint8_t *bytes;
	size_t length;
	uint32_t flows;
};

struct rig {
	struct config config;
	struct columns columns;
	struct ipfix_options options;
	struct ipfix_encoder *encoder;
	struct rig_message messages[RIG_MESSAGES];
	size_t count;
	int err; /* what emit says */
};

static inline int rig_emit(void *context, const void *bytes, size_t length, uint32_t flows)
{
	struct rig *rig = context;
	struct rig_message *m = &rig->messages[rig->count++];

	assert_true(rig->count <= RIG_MESSAGES);
	*m = (struct rig_message){ malloc(length), length, flows };
	memcpy(m->bytes, bytes, length);
	return rig->err;
}

/* Of these columns, with defaults; change rig->config and rig->options before rig_start(). */
static inline void rig_init(struct rig *rig, enum ipfix_protocol protocol, const char *fields)
{
	memset(rig, 0, sizeof(*rig));
	choose(&rig->columns, fields);
	rig->config = (struct config){ .ipfix_pen = 32473, .ipfix_domain = 1, .ipfix_mtu = 1400 };
	rig->options = (struct ipfix_options){
		.protocol = protocol,
		.datagrams = true,
		.emit = rig_emit,
		.context = rig,
	};
}

static inline void rig_start(struct rig *rig)
{
	assert_int_equal(
		ipfix_encoder_new(&rig->encoder, &rig->config, &rig->columns, &rig->options), 0);
}

static inline void rig_open(struct rig *rig, enum ipfix_protocol protocol, const char *fields)
{
	rig_init(rig, protocol, fields);
	rig_start(rig);
}

static inline void rig_forget(struct rig *rig)
{
	while (rig->count)
		free(rig->messages[--rig->count].bytes);
}

static inline void rig_close(struct rig *rig)
{
	rig_forget(rig);
	ipfix_encoder_free(rig->encoder);
	columns_free(&rig->columns);
}

static inline void rig_encode(struct rig *rig, const struct flow_record *r)
{
	assert_int_equal(ipfix_encoder_encode(rig->encoder, r, RIG_NOW), 0);
}

static inline void rig_flush(struct rig *rig)
{
	assert_int_equal(ipfix_encoder_flush(rig->encoder, RIG_NOW), 0);
}

static inline unsigned hex_digit(char c)
{
	return isdigit((unsigned char)c) ? c - '0' : c - 'a' + 10;
}

/* Digits in pairs; what stands between them does not matter. Returns the bytes. */
static inline size_t hex_bytes(uint8_t *to, const char *hex)
{
	size_t digits = 0;

	for (; *hex; hex++) {
		if (!isxdigit((unsigned char)*hex))
			continue;
		to[digits / 2] =
			digits % 2 ? to[digits / 2] << 4 | hex_digit(*hex) : hex_digit(*hex);
		digits++;
	}
	return digits / 2;
}

static inline void assert_bytes(const uint8_t *found, size_t length, const char *hex)
{
	uint8_t expected[4096];
	size_t wanted = hex_bytes(expected, hex);

	for (size_t i = 0; i < length && i < wanted; i++)
		if (found[i] != expected[i])
			fail_msg("byte %zu is %02x, not %02x", i, found[i], expected[i]);
	assert_int_equal(length, wanted);
}

static inline void assert_message(const struct rig *rig, size_t i, const char *hex)
{
	assert_true(i < rig->count);
	assert_bytes(rig->messages[i].bytes, rig->messages[i].length, hex);
}

static inline uint32_t be16_at(const uint8_t *at)
{
	return at[0] << 8 | at[1];
}

static inline uint32_t be32_at(const uint8_t *at)
{
	return be16_at(at) << 16 | be16_at(at + 2);
}

static inline uint32_t rig_sequence(const struct rig *rig, size_t message)
{
	const uint8_t *bytes = rig->messages[message].bytes;

	return be32_at(bytes + (be16_at(bytes) == 10 ? 8 : 12));
}

/* A set of a message: its body. */
struct rig_set {
	uint16_t id;
	const uint8_t *bytes;
	size_t length;
};

/* The sets of a message in order; false behind the last one. *at begins with 0. */
static inline bool rig_next_set(const struct rig_message *m, size_t *at, struct rig_set *set)
{
	size_t length;

	if (!*at)
		*at = be16_at(m->bytes) == 10 ? 16 : 20;
	if (*at == m->length)
		return false;
	assert_true(m->length - *at >= 4);
	length = be16_at(m->bytes + *at + 2);
	assert_true(length > 4 && length <= m->length - *at);
	*set = (struct rig_set){ be16_at(m->bytes + *at), m->bytes + *at + 4, length - 4 };
	*at += length;
	return true;
}

/* The first set of this id among all messages, or one of no bytes. */
static inline struct rig_set rig_find_set(const struct rig *rig, uint16_t id)
{
	struct rig_set set;

	for (size_t i = 0; i < rig->count; i++)
		for (size_t at = 0; rig_next_set(&rig->messages[i], &at, &set);)
			if (set.id == id)
				return set;
	return (struct rig_set){ 0 };
}

/* How many sets of this id there are. */
static inline size_t rig_count_sets(const struct rig *rig, uint16_t id)
{
	struct rig_set set;
	size_t count = 0;

	for (size_t i = 0; i < rig->count; i++)
		for (size_t at = 0; rig_next_set(&rig->messages[i], &at, &set);)
			count += set.id == id;
	return count;
}

/* 2001:db8::1 and ::2 */
static inline void sample_addresses6(struct flow_record *r)
{
	static const uint8_t src[16] = { 0x20, 1, 0xd, 0xb8, [15] = 1 },
			     dst[16] = { 0x20, 1, 0xd, 0xb8, [15] = 2 };

	memcpy(r->src_addr, src, 16);
	memcpy(r->dst_addr, dst, 16);
	r->ip_version = 6;
}

/* 7 packets of 700 bytes, answered by 3 of 30. */
static inline struct flow_record sample_flow(void)
{
	struct flow_record r = sample_record();

	r.side[SIDE_SRC2DST].packets = 7;
	r.side[SIDE_SRC2DST].bytes = 700;
	r.side[SIDE_DST2SRC].packets = 3;
	r.side[SIDE_DST2SRC].bytes = 30;
	r.side[SIDE_BOTH].packets = 10;
	r.side[SIDE_BOTH].bytes = 730;
	for (int side = 0; side < SIDES; side++)
		r.side[side].first_ns = r.side[side].last_ns = RIG_NOW;
	return r;
}

#endif
