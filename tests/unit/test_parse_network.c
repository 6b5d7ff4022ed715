/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * parse.h's IP layer: lengths, options, extension headers, fragments. Expected is what RFC 791 and
 * RFC 8200 lay out.
 */
#include "frames.h"

static void ipv4_options(void **state)
{
	(void)state;
	for (uint32_t options = 0; options <= 40; options += 4) {
		struct raw f = { 0 };
		struct packet p;

		raw_ethernet(&f, 0x0800);
		raw_ipv4_options(&f, 0, PROTO_UDP, options);
		raw_udp(&f, 7, 9);
		raw_fill(&f, 5, 0);
		raw_seal(&f);
		assert_int_equal(raw_parse(&f, &p), PARSE_DONE);
		assert_flow4(&p, 0, PROTO_UDP, 7, 9);
		assert_sizes(&p, 14 + 20 + options + 13, 20 + options + 13, 13, 5);
		for (uint32_t cut = 0; cut < 14 + 20 + options; cut++)
			assert_int_equal(raw_parse_cut(&f, cut, &p), PARSE_TRUNCATED);
	}
}

/* TSO leaves the length to the NIC: it is what the frame has. */
static void ipv4_length_zero(void **state)
{
	struct raw f = { 0 };
	struct raw_view view = { .tunnels = 0, .start = PARSE_LINK };
	struct packet p;

	(void)state;
	raw_ethernet(&f, 0x0800);
	raw_segment(&f);
	raw_set16(&f, 14 + 2, 0);
	view.captured = f.len;
	view.wire_len = 14 + 70000; /* past what 16 bits can say */
	assert_int_equal(raw_parse_view(&f, &view, &p), PARSE_DONE);
	assert_sizes(&p, 70014, 70000, 69980, 69960);
	view.wire_len = 14; /* a frame that has no room for an IP header */
	assert_int_equal(raw_parse_view(&f, &view, &p), PARSE_MALFORMED);
	view.wire_len = 14 + 19;
	assert_int_equal(raw_parse_view(&f, &view, &p), PARSE_MALFORMED);
}

static void ipv4_lengths_that_contradict(void **state)
{
	(void)state;
	for (int ihl = 0; ihl < 16; ihl++) {
		for (int total = 1; total < 70; total++) {
			struct raw f = { 0 };
			struct packet p;

			raw_ethernet(&f, 0x0800);
			raw_ipv4_options(&f, 0, 50, 40);
			raw_fill(&f, 10, 0);
			f.at[14] = 0x40 | ihl;
			raw_set16(&f, 16, total);
			assert_int_equal(raw_parse(&f, &p),
					 ihl < 5 || total < ihl * 4 ? PARSE_MALFORMED : PARSE_DONE);
		}
	}
}

/* More than the frame holds: the header is believed, since captures are cut. */
static void ipv4_length_beyond_the_frame(void **state)
{
	struct raw f = { 0 };
	struct packet p;

	(void)state;
	raw_ethernet(&f, 0x0800);
	raw_segment(&f);
	raw_set16(&f, 16, 1500);
	assert_int_equal(raw_parse(&f, &p), PARSE_DONE);
	assert_sizes(&p, 64, 1500, 1480, 1460);
}

static void ipv4_fields(void **state)
{
	struct raw f = { 0 };
	struct packet p;

	(void)state;
	raw_ethernet(&f, 0x0800);
	raw_segment(&f);
	f.at[14 + 1] = 0xb9; /* DSCP 46, ECN 1 */
	f.at[14 + 8] = 255;
	assert_int_equal(raw_parse(&f, &p), PARSE_DONE);
	assert_int_equal(p.tos, 0xb9);
	assert_int_equal(p.ttl, 255);
}

/* RFC 791: flags and offset share a field; DF and the reserved bit make no fragment. */
static void ipv4_fragment_bits(void **state)
{
	static const struct {
		uint16_t field;
		uint8_t fragment;
	} rows[] = {
		{ 0x0000, 0 },
		{ 0x4000, 0 },
		{ 0x8000, 0 },
		{ 0xc000, 0 },
		{ 0x2000, FRAGMENT_FIRST },
		{ 0x6000, FRAGMENT_FIRST },
		{ 0x0001, FRAGMENT_LATER },
		{ 0x2001, FRAGMENT_LATER },
		{ 0x1fff, FRAGMENT_LATER },
		{ 0x3000, FRAGMENT_LATER },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct raw f = { 0 };
		struct packet p;

		raw_ethernet(&f, 0x0800);
		raw_segment(&f);
		raw_set16(&f, 14 + 6, rows[i].field);
		assert_int_equal(raw_parse(&f, &p), PARSE_DONE);
		assert_int_equal(p.fragment, rows[i].fragment);
		if (rows[i].fragment == FRAGMENT_LATER) {
			assert_flow4(&p, 0, PROTO_TCP, 0, 0);
			assert_int_equal(p.tcp_flags, 0);
			assert_int_equal(p.has_l4, 0);
			assert_sizes(&p, 64, 50, 30, 30);
		} else {
			assert_flow4(&p, 0, PROTO_TCP, 1000, 80);
			assert_sizes(&p, 64, 50, 30, 10);
		}
	}
}

/* RFC 791: source, destination, protocol, identification. */
static void ipv4_fragment_identity(void **state)
{
	struct raw f = { 0 };
	struct packet p;

	(void)state;
	raw_ethernet(&f, 0x8100);
	raw_vlan(&f, 30, 0x0800);
	raw_segment(&f);
	raw_set16(&f, 18 + 6, 0x2000);
	assert_int_equal(raw_parse(&f, &p), PARSE_DONE);
	assert_memory_equal(p.fragment_id.addr, p.key.addr, 32);
	assert_int_equal(meter_be16(p.fragment_id.id), 0x1234);
	assert_int_equal(p.fragment_id.protocol, PROTO_TCP);
	assert_int_equal(p.fragment_id.ip_version, 4);
	assert_int_equal(p.fragment_id.vlan_id, 30);
}

static void ipv6_udp(void **state)
{
	struct raw f = { 0 };
	struct packet p;
	uint32_t ip;

	(void)state;
	raw_ethernet(&f, 0x86dd);
	ip = raw_ipv6(&f, 0, PROTO_UDP);
	raw_udp(&f, 546, 547);
	raw_fill(&f, 12, 0);
	raw_seal(&f);
	f.at[ip] = 0x6b; /* traffic class 0xb8, flow label 0xfffff */
	f.at[ip + 1] = 0x8f;
	raw_set16(&f, ip + 2, 0xffff);
	assert_int_equal(raw_parse(&f, &p), PARSE_DONE);
	assert_flow6(&p, 0, PROTO_UDP, 546, 547);
	assert_sizes(&p, 74, 60, 20, 12);
	assert_int_equal(p.tos, 0xb8);
	assert_int_equal(p.ttl, 63);
	for (uint32_t cut = 0; cut < 14 + 40; cut++)
		assert_int_equal(raw_parse_cut(&f, cut, &p), PARSE_TRUNCATED);
	assert_int_equal(raw_parse_cut(&f, 14 + 40, &p), PARSE_DONE);
}

/* All extension headers that are looked through, in RFC 8200's order, of several lengths. */
static void put_chain(struct raw *f)
{
	raw_ethernet(f, 0x86dd);
	raw_ipv6(f, 0, PROTO_HOP_BY_HOP);
	raw_extension(f, PROTO_DEST_OPTIONS, 0); /* 8 */
	raw_extension(f, PROTO_ROUTING, 1);      /* 16 */
	raw_extension(f, PROTO_MOBILITY, 2);     /* 24 */
	raw_extension(f, PROTO_DEST_OPTIONS, 0); /* 8 */
	raw_extension(f, PROTO_TCP, 0);          /* 8 */
	raw_tcp(f, 1000, 80, TCP_FLAG_SYN, 0);
	raw_fill(f, 4, 0);
	raw_seal(f);
}

static void ipv6_extension_chain(void **state)
{
	struct raw f = { 0 };
	struct packet p;

	(void)state;
	put_chain(&f);
	assert_int_equal(raw_parse(&f, &p), PARSE_DONE);
	assert_flow6(&p, 0, PROTO_TCP, 1000, 80);
	assert_sizes(&p, 14 + 40 + 64 + 24, 40 + 64 + 24, 24, 4);
	assert_int_equal(p.l4_offset, 14 + 40 + 64);
	assert_int_equal(p.fragment, 0);
}

/* Cut inside the chain: the protocol is that of the first header that is not there. */
static void ipv6_chain_cut_everywhere(void **state)
{
	static const struct {
		uint32_t from; /* captured bytes */
		uint8_t protocol;
	} rows[] = { { 54, 0 }, { 62, 60 }, { 70, 43 }, { 86, 135 }, { 110, 60 }, { 118, 6 } };
	struct raw f = { 0 };
	struct packet p;
	size_t row = 0;

	(void)state;
	put_chain(&f);
	for (uint32_t cut = 54; cut <= f.len; cut++) {
		while (row < 5 && rows[row + 1].from <= cut)
			row++;
		assert_int_equal(raw_parse_cut(&f, cut, &p), PARSE_DONE);
		assert_int_equal(p.key.protocol, rows[row].protocol);
		assert_int_equal(p.key.port[0] != 0, cut >= 118 + 4);
		assert_int_equal(p.has_l4, cut >= 118 + 20);
		assert_int_equal(p.size[ACCOUNT_IP], 128);
		assert_int_equal(p.size[ACCOUNT_PAYLOAD], cut >= 118 + 20 ? 4 : 0);
	}
}

/* The walk is bounded: behind 8 headers the ninth is what the packet carries. */
static void ipv6_chain_too_long(void **state)
{
	(void)state;
	for (int headers = 8; headers <= 9; headers++) {
		struct raw f = { 0 };
		struct packet p;

		raw_ethernet(&f, 0x86dd);
		raw_ipv6(&f, 0, PROTO_DEST_OPTIONS);
		for (int i = 1; i <= headers; i++)
			raw_extension(&f, i < headers ? PROTO_DEST_OPTIONS : PROTO_UDP, 0);
		raw_udp(&f, 1, 2);
		raw_seal(&f);
		assert_int_equal(raw_parse(&f, &p), PARSE_DONE);
		if (headers == 8)
			assert_flow6(&p, 0, PROTO_UDP, 1, 2);
		else
			assert_flow6(&p, 0, PROTO_DEST_OPTIONS, 0, 0);
		assert_sizes(&p, f.len, f.len - 14, headers == 8 ? 8 : 16, 0);
	}
}

/* An extension header longer than the payload length allows stays where the walk ends. */
static void ipv6_extension_beyond_the_packet(void **state)
{
	struct raw f = { 0 };
	struct packet p;

	(void)state;
	raw_ethernet(&f, 0x86dd);
	raw_ipv6(&f, 0, PROTO_HOP_BY_HOP);
	raw_extension(&f, PROTO_UDP, 1);
	raw_udp(&f, 1, 2);
	raw_seal(&f);
	f.at[54 + 1] = 3; /* 32 of 24 bytes */
	assert_int_equal(raw_parse(&f, &p), PARSE_DONE);
	assert_flow6(&p, 0, PROTO_HOP_BY_HOP, 0, 0);
	assert_sizes(&p, 78, 64, 24, 0);
	f.at[54 + 1] = 2; /* all 24: nothing is left for UDP */
	assert_int_equal(raw_parse(&f, &p), PARSE_DONE);
	assert_flow6(&p, 0, PROTO_UDP, 0, 0);
	assert_sizes(&p, 78, 64, 0, 0);
	assert_int_equal(p.has_l4, 0);
}

static void put_fragment6(struct raw *f, uint16_t offset, int more)
{
	raw_ethernet(f, 0x86dd);
	raw_ipv6(f, 0, PROTO_HOP_BY_HOP);
	raw_extension(f, PROTO_FRAGMENT, 0);
	raw_fragment6(f, PROTO_UDP, offset, more, 0xcafe0001);
	raw_udp(f, 1000, 2000);
	raw_fill(f, 16, 0);
	raw_seal(f);
}

/* RFC 8200 section 4.5; offset 0 and no more fragments is an atomic fragment, RFC 6946. */
static void ipv6_fragments(void **state)
{
	static const struct {
		uint16_t offset;
		int more;
		uint8_t fragment;
	} rows[] = {
		{ 0, 0, 0 },
		{ 0, 1, FRAGMENT_FIRST },
		{ 1, 1, FRAGMENT_LATER },
		{ 0x1fff, 0, FRAGMENT_LATER },
	};

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		int later = rows[i].fragment == FRAGMENT_LATER;
		struct raw f = { 0 };
		struct packet p;

		put_fragment6(&f, rows[i].offset, rows[i].more);
		assert_int_equal(raw_parse(&f, &p), PARSE_DONE);
		assert_int_equal(p.fragment, rows[i].fragment);
		assert_flow6(&p, 0, PROTO_UDP, later ? 0 : 1000, later ? 0 : 2000);
		assert_int_equal(p.has_l4, !later);
		assert_sizes(&p, 94, 80, 24, later ? 24 : 16);
		if (!rows[i].fragment)
			continue;
		assert_memory_equal(p.fragment_id.addr, p.key.addr, 32);
		assert_int_equal(meter_be32(p.fragment_id.id), 0xcafe0001);
		assert_int_equal(p.fragment_id.protocol, 0);
		assert_int_equal(p.fragment_id.ip_version, 6);
	}
}

/* RFC 2675: a payload length of 0 in a frame of more than 64 KiB. */
static void ipv6_jumbogram(void **state)
{
	struct raw f = { 0 };
	struct raw_view view = { .start = PARSE_LINK };
	struct packet p;
	uint32_t ip;

	(void)state;
	raw_ethernet(&f, 0x86dd);
	ip = raw_ipv6(&f, 0, PROTO_HOP_BY_HOP);
	raw_extension(&f, PROTO_TCP, 0);
	raw_tcp(&f, 1, 2, TCP_FLAG_ACK, 0);
	raw_seal(&f);
	raw_set16(&f, ip + 4, 0);
	view.captured = f.len;
	view.wire_len = 14 + 40 + 100000;
	assert_int_equal(raw_parse_view(&f, &view, &p), PARSE_DONE);
	assert_flow6(&p, 0, PROTO_TCP, 1, 2);
	assert_sizes(&p, 100054, 100040, 99992, 99972);
	view.wire_len = f.len; /* a small frame: the header is believed, there is nothing in it */
	assert_int_equal(raw_parse_view(&f, &view, &p), PARSE_DONE);
	assert_flow6(&p, 0, PROTO_HOP_BY_HOP, 0, 0);
	assert_sizes(&p, 82, 40, 0, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ipv4_options),
		cmocka_unit_test(ipv4_length_zero),
		cmocka_unit_test(ipv4_lengths_that_contradict),
		cmocka_unit_test(ipv4_length_beyond_the_frame),
		cmocka_unit_test(ipv4_fields),
		cmocka_unit_test(ipv4_fragment_bits),
		cmocka_unit_test(ipv4_fragment_identity),
		cmocka_unit_test(ipv6_udp),
		cmocka_unit_test(ipv6_extension_chain),
		cmocka_unit_test(ipv6_chain_cut_everywhere),
		cmocka_unit_test(ipv6_chain_too_long),
		cmocka_unit_test(ipv6_extension_beyond_the_packet),
		cmocka_unit_test(ipv6_fragments),
		cmocka_unit_test(ipv6_jumbogram),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
