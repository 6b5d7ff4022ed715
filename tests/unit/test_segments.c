/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * segments.h: how a super-packet falls apart. Segmentation in bytes is the measure: the frames that
 * the super-packet stands for are written out, parsed and metered one by one.
 */
#include <stdbool.h>

#include "encapsulations.h"

#include "meter/meter.h"
#include "meter/segments.h"

#define MS 1000000ull

/* A flow in each accounting. */
struct metered {
	struct flow_counters c[ACCOUNT_MODES];
	struct flow_stats s[ACCOUNT_MODES];
	struct flow_tcp t[ACCOUNT_MODES];
};

static void meter(struct metered *m, struct packet p)
{
	for (int mode = 0; mode < ACCOUNT_MODES; mode++) {
		const struct meter_config config = { .accounting = mode };

		meter_update(&m->c[mode], &m->s[mode], &m->t[mode], &p, &config);
	}
}

static void assert_same(const struct metered *whole, const struct metered *pieces)
{
	assert_memory_equal(whole->c, pieces->c, sizeof(whole->c));
	assert_memory_equal(whole->s, pieces->s, sizeof(whole->s));
	assert_memory_equal(whole->t, pieces->t, sizeof(whole->t));
}

/* A frame whose payload is segmented. */
struct shape {
	const struct encapsulation *outer; /* NULL = none */
	uint32_t tunnels;
	uint32_t payload, gso_size;
	uint8_t version, protocol; /* of the innermost IP header */
	uint8_t flags;
};

static uint16_t ethertype(uint8_t version)
{
	return version == 4 ? 0x0800 : 0x86dd;
}

/* The bytes from at on, as one frame. Returns how many are in front of them. */
static uint32_t put_frame(struct raw *f, const struct shape *s, uint32_t at, uint32_t length,
			  uint8_t flags)
{
	uint32_t header_len, tcp;

	raw_ethernet(f, s->outer ? ethertype(s->outer->version) : ethertype(s->version));
	if (s->outer)
		s->outer->put(f, 0);
	if (s->outer && s->outer->inside == INSIDE_ETHERNET)
		raw_ethernet(f, ethertype(s->version));
	if (s->version == 4)
		raw_ipv4(f, 1, s->protocol);
	else
		raw_ipv6(f, 1, s->protocol);
	if (s->protocol == PROTO_TCP) {
		tcp = raw_tcp(f, 1000, 443, flags, 12);
		raw_set16(f, tcp + 6, at);
	} else {
		raw_udp(f, 1000, 443);
	}
	header_len = f->len;
	raw_fill(f, length, 'x');
	raw_seal(f);
	return header_len;
}

static struct packet parse(const struct raw *f, const struct shape *s)
{
	struct raw_view view = { f->len, f->len, s->tunnels, PARSE_LINK, 0 };
	struct packet p;

	assert_int_equal(raw_parse_view(f, &view, &p), PARSE_DONE);
	return p;
}

/* In frames of gso_size; returns how many. */
static uint32_t meter_pieces(struct metered *m, const struct shape *s)
{
	uint32_t count = 0;

	for (uint32_t at = 0; at < s->payload; at += s->gso_size, count++) {
		uint32_t rest = s->payload - at;
		uint8_t flags = s->flags;
		struct raw f = { 0 };

		if (at)
			flags &= ~TCP_FLAG_CWR;
		if (rest > s->gso_size)
			flags &= ~(TCP_FLAG_PSH | TCP_FLAG_FIN);
		put_frame(&f, s, at, rest > s->gso_size ? s->gso_size : rest, flags);
		meter(m, parse(&f, s));
	}
	return count;
}

/* Of a frame with all the payload, with what the kernel says of it. */
static struct packet super_packet(const struct shape *s, bool header_known, uint32_t gso_segs)
{
	struct raw f = { 0 };
	uint32_t header_len = put_frame(&f, s, 0, s->payload, s->flags);
	struct packet p = parse(&f, s);

	meter_segment(&p, header_known ? header_len : 0, s->gso_size, gso_segs);
	return p;
}

static void check_shape(const struct shape *s)
{
	struct metered whole = { 0 }, pieces = { 0 };
	uint32_t count = meter_pieces(&pieces, s);
	struct packet p = super_packet(s, true, 0);

	assert_int_equal(p.segments, count);
	meter(&whole, p);
	assert_int_equal(whole.c[0].dir[0].packets, count);
	assert_same(&whole, &pieces);
}

static const uint32_t payloads[] = { 1, 2, 99, 100, 101, 199, 200, 201, 1000, 1001, 1400 };

static void check_payloads(struct shape s)
{
	for (size_t i = 0; i < sizeof(payloads) / sizeof(payloads[0]); i++) {
		s.payload = payloads[i];
		s.gso_size = 100;
		check_shape(&s);
		s.gso_size = 1;
		check_shape(&s);
		s.gso_size = 1460;
		check_shape(&s);
	}
}

static void without_a_tunnel(void **state)
{
	(void)state;
	for (uint8_t version = 4; version <= 6; version += 2) {
		check_payloads((struct shape){
			.version = version, .protocol = PROTO_TCP, .flags = 0xff & ~TCP_FLAG_SYN });
		check_payloads((struct shape){ .version = version, .protocol = PROTO_UDP });
	}
}

/* Opened or not: every segment has the whole encapsulation. */
static void in_each_tunnel(void **state)
{
	(void)state;
	for (int i = 0; i < ENCAPSULATIONS; i++) {
		for (int opened = 0; opened < 2; opened++) {
			struct shape s = {
				.outer = &encapsulations[i],
				.tunnels = opened ? ALL_TUNNELS : 0,
				.version = 4,
				.protocol = PROTO_TCP,
				.flags = TCP_FLAG_ACK | TCP_FLAG_PSH,
			};

			check_payloads(s);
		}
	}
}

/* 1,400 bytes in segments of 100, ports 1000 and 443, IPv4. */
static const struct shape plain = {
	.payload = 1400,
	.gso_size = 100,
	.version = 4,
	.protocol = PROTO_TCP,
	.flags = TCP_FLAG_ACK,
};

/* What the transport carries is the payload, as long as no encapsulation is in it. */
static void without_the_header_length(void **state)
{
	struct shape s = plain;

	(void)state;
	for (s.payload = 1001; s.payload <= 1100; s.payload++) {
		struct packet known = super_packet(&s, true, 0),
			      counted = super_packet(&s, false, 11),
			      guessed = super_packet(&s, false, 0);

		assert_int_equal(known.segments, 11);
		assert_memory_equal(&counted, &known, sizeof(known));
		assert_memory_equal(&guessed, &known, sizeof(known));
	}
}

/* A tunnel that is not opened hides the inner headers: the number stands, sizes are a guess. */
static void without_the_header_length_of_a_tunnel(void **state)
{
	struct shape s = plain;
	struct packet p;

	(void)state;
	s.outer = &encapsulations[ENCAP_VXLAN];
	p = super_packet(&s, false, 14);
	assert_int_equal(p.segments, 14);
	/* 14 + 20 + 8 + 8 + 14 + 20 + 32 of headers, 100 of payload */
	assert_sizes(&p, 216, 202, 182, 174);
	assert_int_equal(p.segment_extra, 0);
	s.payload = 1301; /* the rest is taken for a full one, its bytes are right */
	p = super_packet(&s, false, 14);
	assert_int_equal(p.segments, 14);
	assert_sizes(&p, 117, 103, 83, 75);
	assert_int_equal(p.segment_extra, 25);
	s.outer = &encapsulations[ENCAP_GRE]; /* no payload of its own */
	p = super_packet(&s, false, 14);
	assert_int_equal(p.segments, 14);
	assert_int_equal(p.size[ACCOUNT_PAYLOAD], 0);
}

/* GSO_BY_FRAGS: the number is known, a segment is as long as the mean. */
static void segments_of_any_size(void **state)
{
	struct shape s = plain;
	struct packet p;

	(void)state;
	s.gso_size = 0xffff;
	s.payload = 1000;
	p = super_packet(&s, true, 3); /* 334 + 334 + 332 */
	assert_int_equal(p.segments, 3);
	assert_int_equal(p.segment_extra, 2);
	assert_sizes(&p, 66 + 332, 52 + 332, 32 + 332, 332);
	p = super_packet(&s, false, 4);
	assert_int_equal(p.segments, 4);
	assert_int_equal(p.segment_extra, 0);
	assert_int_equal(p.size[ACCOUNT_PAYLOAD], 250);
	p = super_packet(&s, true, 0);
	assert_int_equal(p.segments, 1);
	assert_int_equal(p.size[ACCOUNT_PAYLOAD], 1000);
}

/* More segments than the mean divides: the number stands. */
static void many_segments_of_any_size(void **state)
{
	struct shape s = plain;
	struct packet p;

	(void)state;
	s.gso_size = 0xffff;
	s.payload = 901;
	p = super_packet(&s, true, 45);
	assert_int_equal(p.segments, 45);
	assert_int_equal(p.segment_extra, 20);
	assert_int_equal(p.size[ACCOUNT_PAYLOAD], 1);
	assert_int_equal(meter_bytes(&p, p.size[ACCOUNT_PAYLOAD]), 925);
}

static void assert_ordinary(uint32_t size, uint32_t header_len, uint32_t gso_size,
			    uint32_t gso_segs)
{
	struct packet p = { .segments = 1 }, before;

	for (int mode = 0; mode < ACCOUNT_MODES; mode++)
		p.size[mode] = size;
	before = p;
	meter_segment(&p, header_len, gso_size, gso_segs);
	assert_memory_equal(&p, &before, sizeof(p));
}

static void what_contradicts_itself_is_one_packet(void **state)
{
	(void)state;
	assert_ordinary(1000, 54, 0, 5);
	assert_ordinary(1000, 54, 946, 5);
	assert_ordinary(1000, 54, 947, 5);
	assert_ordinary(1000, 54, UINT32_MAX, UINT32_MAX);
	assert_ordinary(1000, 999, 1, 0);
	assert_ordinary(1000, 1000, 1, 0);
	assert_ordinary(1000, 1001, 1, 0);
	assert_ordinary(1000, UINT32_MAX, 1, 0);
	assert_ordinary(1000, 0, 1000, 2);
	assert_ordinary(1000, 0, 100, 1);
	assert_ordinary(1000, 0, 100, 65536);
	assert_ordinary(1000, 0, 100, UINT32_MAX);
	assert_ordinary(0, 0, 100, 10);
	assert_ordinary(0, 54, 100, 10);
	assert_ordinary(65590, 54, 1, 0); /* 65,536 segments */
	assert_ordinary((1u << 24) + 1, 54, 65000, 0);
	assert_ordinary(UINT32_MAX, 54, 65000, 0);
}

static void the_largest(void **state)
{
	struct packet p = { .size = { 65589, 65589, 65589, 65535 }, .segments = 1 };

	(void)state;
	meter_segment(&p, 54, 1, 0);
	assert_int_equal(p.segments, 65535);
	assert_int_equal(p.segment_extra, 0);
	assert_sizes(&p, 55, 55, 55, 1);
	p = (struct packet){ .size = { 1u << 24, 1u << 24, 1u << 24, 1u << 24 }, .segments = 1 };
	meter_segment(&p, 16, 65534, 0);
	assert_int_equal(p.segments, 257); /* 256 * 65534 + 496 */
	assert_int_equal(p.size[ACCOUNT_LINK], 16 + 496);
	assert_int_equal(p.segment_extra, 65534 - 496);
}

/* An IP header that says less than there is: sizes never fall below 0. */
static void headers_that_lie(void **state)
{
	struct packet p = { .size = { 1054, 540, 520, 0 }, .segments = 1 };

	(void)state;
	meter_segment(&p, 54, 300, 0);
	assert_int_equal(p.segments, 4);
	assert_sizes(&p, 154, 0, 0, 0);
	assert_int_equal(p.segment_extra, 200);
	assert_int_equal(meter_bytes(&p, p.size[ACCOUNT_LINK]), 1054 + 3 * 54);
	assert_int_equal(meter_bytes(&p, p.size[ACCOUNT_PAYLOAD]), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(without_a_tunnel),
		cmocka_unit_test(in_each_tunnel),
		cmocka_unit_test(without_the_header_length),
		cmocka_unit_test(without_the_header_length_of_a_tunnel),
		cmocka_unit_test(segments_of_any_size),
		cmocka_unit_test(many_segments_of_any_size),
		cmocka_unit_test(what_contradicts_itself_is_one_packet),
		cmocka_unit_test(the_largest),
		cmocka_unit_test(headers_that_lie),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
