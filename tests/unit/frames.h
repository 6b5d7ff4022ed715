/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames byte by byte, for tests. Headers are appended in wire order; raw_seal() fills in the
 * lengths of the IP and UDP headers, so that each spans what follows it. Level n of a frame has the
 * addresses 10.n.0.1 -> 10.n.0.2 or 2001:db8:n::1 -> 2001:db8:n::2, which tells levels apart.
 */
#ifndef TESTS_UNIT_FRAMES_H
#define TESTS_UNIT_FRAMES_H

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "meter/plain.h"

#define ALL_TUNNELS ((1u << TUNNEL_TYPES) - 1)

#define RAW_ROOM 4096

struct raw {
	uint8_t at[RAW_ROOM];
	uint32_t len;
	struct {
		uint32_t field; /* where the 16-bit length is */
		uint32_t from;  /* where the bytes that it counts start */
	} lengths[16];
	uint32_t length_count;
};

static inline void raw_fill(struct raw *f, uint32_t count, uint8_t value)
{
	assert_in_range(count, 0, RAW_ROOM - f->len);
	memset(f->at + f->len, value, count);
	f->len += count;
}

static inline void raw_u8(struct raw *f, uint8_t value)
{
	raw_fill(f, 1, value);
}

static inline void raw_u16(struct raw *f, uint16_t value)
{
	raw_u8(f, value >> 8);
	raw_u8(f, value & 0xff);
}

static inline void raw_u32(struct raw *f, uint32_t value)
{
	raw_u16(f, value >> 16);
	raw_u16(f, value & 0xffff);
}

/* Overwrites what was appended before. */
static inline void raw_set16(struct raw *f, uint32_t at, uint16_t value)
{
	f->at[at] = value >> 8;
	f->at[at + 1] = value & 0xff;
}

static inline void raw_length_field(struct raw *f, uint32_t field, uint32_t from)
{
	assert_in_range(f->length_count, 0, 15);
	f->lengths[f->length_count].field = field;
	f->lengths[f->length_count++].from = from;
}

/* Every length ends where the frame ends now: append an Ethernet trailer afterwards. */
static inline void raw_seal(struct raw *f)
{
	for (uint32_t i = 0; i < f->length_count; i++)
		raw_set16(f, f->lengths[i].field, f->len - f->lengths[i].from);
}

static inline void raw_ethernet(struct raw *f, uint16_t type)
{
	raw_u16(f, 0x0200);
	raw_u32(f, 0x00000002);
	raw_u16(f, 0x0200);
	raw_u32(f, 0x00000001);
	raw_u16(f, type);
}

static inline void raw_vlan(struct raw *f, uint16_t tci, uint16_t type)
{
	raw_u16(f, tci);
	raw_u16(f, type);
}

/* RFC 3032: label, traffic class 0, TTL 64. */
static inline void raw_label(struct raw *f, uint32_t label, int bottom)
{
	raw_u32(f, label << 12 | (bottom ? 0x100 : 0) | 64);
}

/* RFC 791; option_bytes of no-operation. Returns the offset of the header. */
static inline uint32_t raw_ipv4_options(struct raw *f, uint8_t level, uint8_t protocol,
					uint32_t option_bytes)
{
	uint32_t start = f->len;

	raw_u8(f, 0x40 | (5 + option_bytes / 4));
	raw_u8(f, 0);
	raw_length_field(f, f->len, start);
	raw_u16(f, 0);
	raw_u16(f, 0x1234); /* identification */
	raw_u16(f, 0x4000); /* don't fragment */
	raw_u8(f, 64);
	raw_u8(f, protocol);
	raw_u16(f, 0);
	raw_u32(f, 0x0a000001 | level << 16);
	raw_u32(f, 0x0a000002 | level << 16);
	raw_fill(f, option_bytes, 1);
	return start;
}

static inline uint32_t raw_ipv4(struct raw *f, uint8_t level, uint8_t protocol)
{
	return raw_ipv4_options(f, level, protocol, 0);
}

static inline void raw_ipv6_addr(struct raw *f, uint8_t level, uint8_t host)
{
	raw_u32(f, 0x20010db8);
	raw_u16(f, level);
	raw_fill(f, 9, 0);
	raw_u8(f, host);
}

/* RFC 8200. Returns the offset of the header. */
static inline uint32_t raw_ipv6(struct raw *f, uint8_t level, uint8_t next)
{
	uint32_t start = f->len;

	raw_u32(f, 0x60000000);
	raw_length_field(f, f->len, start + 40);
	raw_u16(f, 0);
	raw_u8(f, next);
	raw_u8(f, 63);
	raw_ipv6_addr(f, level, 1);
	raw_ipv6_addr(f, level, 2);
	return start;
}

/* Any extension header but the fragment header: 8 + 8 * units bytes. */
static inline void raw_extension(struct raw *f, uint8_t next, uint8_t units)
{
	raw_u8(f, next);
	raw_u8(f, units);
	raw_fill(f, 6 + units * 8, 0);
}

/* offset in units of 8 bytes */
static inline void raw_fragment6(struct raw *f, uint8_t next, uint16_t offset, int more,
				 uint32_t id)
{
	raw_u8(f, next);
	raw_u8(f, 0);
	raw_u16(f, offset << 3 | !!more);
	raw_u32(f, id);
}

static inline void raw_udp(struct raw *f, uint16_t src, uint16_t dst)
{
	uint32_t start = f->len;

	raw_u16(f, src);
	raw_u16(f, dst);
	raw_length_field(f, f->len, start);
	raw_u32(f, 0);
}

/* RFC 9293; option_bytes of no-operation. Sequence number 0x01020304, window 0x2000. */
static inline uint32_t raw_tcp(struct raw *f, uint16_t src, uint16_t dst, uint8_t flags,
			       uint32_t option_bytes)
{
	uint32_t start = f->len;

	raw_u16(f, src);
	raw_u16(f, dst);
	raw_u32(f, 0x01020304);
	raw_u32(f, 0x05060708);
	raw_u8(f, (5 + option_bytes / 4) << 4);
	raw_u8(f, flags);
	raw_u16(f, 0x2000);
	raw_u32(f, 0);
	raw_fill(f, option_bytes, 1);
	return start;
}

/* An IPv4 packet with a TCP segment of 10 bytes, sealed: 20 + 20 + 10. */
static inline void raw_segment(struct raw *f)
{
	raw_ipv4(f, 0, PROTO_TCP);
	raw_tcp(f, 1000, 80, TCP_FLAG_ACK | TCP_FLAG_PSH, 0);
	raw_fill(f, 10, 'x');
	raw_seal(f);
}

/* How a frame is given to the parser. */
struct raw_view {
	uint32_t captured;
	uint32_t wire_len;
	uint32_t tunnels;
	enum parse_status start;
	uint16_t type; /* with PARSE_TYPE */
};

/* Whether plain.h takes it, which then makes of it what the steps of parse.h have made: *parsed. */
static inline int raw_is_plain(const uint8_t *bytes, uint32_t len, const struct raw_view *view,
			       const struct packet *parsed)
{
	struct plain_frame frame = { bytes, bytes + len, view->wire_len };
	struct packet p;

	if (view->start == PARSE_TYPE || !plain_parse(&frame, &p, view->start))
		return 0;
	assert_memory_equal(&p, parsed, sizeof(p));
	return 1;
}

/* From a block on the heap that ends where the window does, so that ASan sees each step beyond. */
static inline enum parse_status raw_parse_view(const struct raw *f, const struct raw_view *view,
					       struct packet *out)
{
	uint32_t len = view->captured < METER_WINDOW ? view->captured : METER_WINDOW;
	uint8_t *bytes = malloc(len);
	struct window window = { .bytes = bytes, .len = len };
	enum parse_status status;
	struct parser parser;

	assert_true(bytes || !len);
	memcpy(bytes, f->at, len);
	parser_init(&parser, view->wire_len, view->tunnels);
	parser.type = view->type;
	status = parse_packet(&window, &parser, view->start);
	*out = parser.pkt;
	if (raw_is_plain(bytes, len, view, out))
		assert_int_equal(status, PARSE_DONE);
	free(bytes);
	return status;
}

/* Ethernet, the first captured bytes of it. */
static inline enum parse_status raw_parse_cut(const struct raw *f, uint32_t captured,
					      struct packet *out)
{
	struct raw_view view = { captured, f->len, ALL_TUNNELS, PARSE_LINK, 0 };

	return raw_parse_view(f, &view, out);
}

static inline enum parse_status raw_parse(const struct raw *f, struct packet *out)
{
	return raw_parse_cut(f, f->len, out);
}

/* The packet was sent by host 1 to host 2 of this level, and no port is swapped. */
static inline void assert_flow4(const struct packet *p, uint8_t level, uint8_t protocol,
				uint16_t src, uint16_t dst)
{
	uint8_t addr[2][16] = {
		{ 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, level, 0, 1 },
		{ 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, level, 0, 2 },
	};

	assert_memory_equal(p->key.addr, addr, sizeof(addr));
	assert_int_equal(p->key.ip_version, 4);
	assert_int_equal(p->key.protocol, protocol);
	assert_int_equal(meter_be16(p->key.port[0]), src);
	assert_int_equal(meter_be16(p->key.port[1]), dst);
}

static inline void assert_flow6(const struct packet *p, uint8_t level, uint8_t protocol,
				uint16_t src, uint16_t dst)
{
	uint8_t addr[2][16] = {
		{ 0x20, 0x01, 0x0d, 0xb8, 0, level, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1 },
		{ 0x20, 0x01, 0x0d, 0xb8, 0, level, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2 },
	};

	assert_memory_equal(p->key.addr, addr, sizeof(addr));
	assert_int_equal(p->key.ip_version, 6);
	assert_int_equal(p->key.protocol, protocol);
	assert_int_equal(meter_be16(p->key.port[0]), src);
	assert_int_equal(meter_be16(p->key.port[1]), dst);
}

static inline void assert_sizes(const struct packet *p, uint32_t link, uint32_t ip,
				uint32_t transport, uint32_t payload)
{
	assert_int_equal(p->size[ACCOUNT_LINK], link);
	assert_int_equal(p->size[ACCOUNT_IP], ip);
	assert_int_equal(p->size[ACCOUNT_TRANSPORT], transport);
	assert_int_equal(p->size[ACCOUNT_PAYLOAD], payload);
}

#endif
