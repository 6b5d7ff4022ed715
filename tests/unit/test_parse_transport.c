/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * parse.h's transport layer: ports, header lengths, flags, and protocols that have none.
 */
#include "frames.h"

static void put_ipv4_bytes(struct raw *f, uint8_t protocol, uint32_t bytes)
{
	raw_ethernet(f, 0x0800);
	raw_ipv4(f, 0, protocol);
	raw_u16(f, 1000);
	raw_u16(f, 2000);
	raw_fill(f, bytes - 4, 0);
	raw_seal(f);
}

/* Fixed headers: UDP 8 (RFC 768), UDP-Lite 8 (RFC 3828), SCTP 12 (RFC 9260). */
static void ports_of_fixed_headers(void **state)
{
	static const struct {
		uint8_t protocol;
		uint32_t header;
	} rows[] = { { 17, 8 }, { 136, 8 }, { 132, 12 } };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		for (uint32_t bytes = 4; bytes < 20; bytes++) {
			int fits = bytes >= rows[i].header;
			struct raw f = { 0 };
			struct packet p;

			put_ipv4_bytes(&f, rows[i].protocol, bytes);
			assert_int_equal(raw_parse(&f, &p), PARSE_DONE);
			assert_flow4(&p, 0, rows[i].protocol, fits ? 1000 : 0, fits ? 2000 : 0);
			assert_int_equal(p.has_l4, fits);
			assert_sizes(&p, 34 + bytes, 20 + bytes, bytes,
				     fits ? bytes - rows[i].header : 0);
		}
	}
}

/* RFC 9293: data offset 5 to 15 words, within the segment. */
static void tcp_data_offset(void **state)
{
	(void)state;
	for (uint32_t words = 0; words < 16; words++) {
		int sane = words >= 5 && words * 4 <= 44;
		struct raw f = { 0 };
		struct packet p;
		uint32_t tcp;

		raw_ethernet(&f, 0x0800);
		raw_ipv4(&f, 0, PROTO_TCP);
		tcp = raw_tcp(&f, 1000, 80, TCP_FLAG_ACK, 24);
		raw_seal(&f);
		f.at[tcp + 12] = words << 4;
		assert_int_equal(raw_parse(&f, &p), PARSE_DONE);
		assert_flow4(&p, 0, PROTO_TCP, 1000, 80);
		assert_int_equal(p.tcp_flags, TCP_FLAG_ACK);
		assert_int_equal(p.has_l4, sane);
		assert_sizes(&p, 78, 64, 44, sane ? 44 - words * 4 : 0);
	}
}

static void tcp_flags_each(void **state)
{
	(void)state;
	for (int flags = 0; flags < 256; flags++) {
		struct raw f = { 0 };
		struct packet p;

		raw_ethernet(&f, 0x0800);
		raw_ipv4(&f, 0, PROTO_TCP);
		raw_tcp(&f, 1, 2, flags, 0);
		raw_seal(&f);
		assert_int_equal(raw_parse(&f, &p), PARSE_DONE);
		assert_int_equal(p.tcp_flags, flags);
	}
}

/* A segment of less than 20 bytes has no TCP header, ports neither. */
static void tcp_shorter_than_its_header(void **state)
{
	struct raw f = { 0 };
	struct packet p;

	(void)state;
	put_ipv4_bytes(&f, PROTO_TCP, 19);
	raw_fill(&f, 20, 0xff); /* Ethernet padding */
	assert_int_equal(raw_parse(&f, &p), PARSE_DONE);
	assert_flow4(&p, 0, PROTO_TCP, 0, 0);
	assert_int_equal(p.tcp_flags, 0);
	assert_sizes(&p, 73, 39, 19, 0);
}

/* RFC 4340 section 5.1: data offset in words, of at least the generic header's 12 bytes. */
static void dccp_data_offset(void **state)
{
	(void)state;
	for (uint32_t words = 0; words < 12; words++) {
		int sane = words >= 3 && words <= 10;
		struct raw f = { 0 };
		struct packet p;

		put_ipv4_bytes(&f, 33, 40);
		f.at[34 + 4] = words;
		assert_int_equal(raw_parse(&f, &p), PARSE_DONE);
		assert_flow4(&p, 0, 33, 1000, 2000);
		assert_int_equal(p.has_l4, sane);
		assert_sizes(&p, 74, 60, 40, sane ? 40 - words * 4 : 0);
	}
}

/* ICMP has no ports; its header is 8 bytes: RFC 792, and echo of RFC 4443. */
static void icmp_type_and_code(void **state)
{
	struct raw f = { 0 }, six = { 0 };
	struct packet p;

	(void)state;
	raw_ethernet(&f, 0x0800);
	raw_ipv4(&f, 0, PROTO_ICMP);
	raw_u32(&f, 0x03010000); /* host unreachable */
	raw_fill(&f, 4 + 28, 0);
	raw_seal(&f);
	assert_int_equal(raw_parse(&f, &p), PARSE_DONE);
	assert_flow4(&p, 0, PROTO_ICMP, 0, 0);
	assert_int_equal(p.icmp_type, 3);
	assert_int_equal(p.icmp_code, 1);
	assert_int_equal(p.has_l4, 1);
	assert_sizes(&p, 70, 56, 36, 28);
	raw_ethernet(&six, 0x86dd);
	raw_ipv6(&six, 0, PROTO_ICMPV6);
	raw_u32(&six, 0x80000000);
	raw_fill(&six, 4 + 56, 0);
	raw_seal(&six);
	assert_int_equal(raw_parse(&six, &p), PARSE_DONE);
	assert_flow6(&p, 0, PROTO_ICMPV6, 0, 0);
	assert_int_equal(p.icmp_type, 128);
	assert_int_equal(p.icmp_code, 0);
	assert_sizes(&p, 118, 104, 64, 56);
}

/* ESP 50, AH 51, OSPF 89, PIM 103, unknown 253: no ports, no payload of their own. */
static void protocols_without_ports(void **state)
{
	static const uint8_t protocols[] = { 50, 51, 89, 103, 253, 59 };

	(void)state;
	for (size_t i = 0; i < sizeof(protocols); i++) {
		struct raw f = { 0 };
		struct packet p;

		put_ipv4_bytes(&f, protocols[i], 24);
		assert_int_equal(raw_parse(&f, &p), PARSE_DONE);
		assert_flow4(&p, 0, protocols[i], 0, 0);
		assert_int_equal(p.has_l4, 0);
		assert_sizes(&p, 58, 44, 24, 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ports_of_fixed_headers),
		cmocka_unit_test(tcp_data_offset),
		cmocka_unit_test(tcp_flags_each),
		cmocka_unit_test(tcp_shorter_than_its_header),
		cmocka_unit_test(dccp_data_offset),
		cmocka_unit_test(icmp_type_and_code),
		cmocka_unit_test(protocols_without_ports),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
