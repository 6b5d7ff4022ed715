/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * parse.h's link layer, and what a cut frame leaves: VLAN tags, MPLS, PPPoE, LLC. IP is
 * test_parse_network.c's.
 */
#include "frames.h"

static void assert_segment(const struct raw *f, uint16_t vlan_id)
{
	struct packet p;

	assert_int_equal(raw_parse(f, &p), PARSE_DONE);
	assert_flow4(&p, 0, PROTO_TCP, 1000, 80);
	assert_int_equal(p.key.vlan_id, vlan_id);
	assert_int_equal(p.key.tunnel, TUNNEL_NONE);
	assert_sizes(&p, f->len, 50, 30, 10);
	assert_int_equal(p.ip_offset, f->len - 50);
	assert_int_equal(p.l4_offset, f->len - 30);
	assert_int_equal(p.payload_offset, f->len - 10);
}

static void assert_refused(const struct raw *f, enum parse_status status)
{
	struct packet p;

	assert_int_equal(raw_parse(f, &p), status);
}

static void ethernet_ipv4_tcp(void **state)
{
	struct raw f = { 0 };
	struct packet p;

	(void)state;
	raw_ethernet(&f, 0x0800);
	raw_segment(&f);
	assert_segment(&f, 0);
	assert_int_equal(raw_parse(&f, &p), PARSE_DONE);
	assert_int_equal(p.segments, 1);
	assert_int_equal(p.segment_extra, 0);
	assert_int_equal(p.tcp_seq, 0x01020304);
	assert_int_equal(p.tcp_window, 0x2000);
	assert_int_equal(p.tcp_flags, 0x18);
	assert_int_equal(p.ttl, 64);
	assert_int_equal(p.fragment, 0);
	assert_int_equal(p.has_l4, 1);
}

/* The frame may be padded to 60 bytes: only the link's size knows. */
static void ethernet_padding_counts_for_the_link_only(void **state)
{
	struct raw f = { 0 };
	struct packet p;

	(void)state;
	raw_ethernet(&f, 0x0800);
	raw_ipv4(&f, 0, PROTO_UDP);
	raw_udp(&f, 53, 5353);
	raw_fill(&f, 3, 'x');
	raw_seal(&f);
	raw_fill(&f, 60 - f.len, 0);
	assert_int_equal(raw_parse(&f, &p), PARSE_DONE);
	assert_sizes(&p, 60, 31, 11, 3);
}

static void vlan_one_tag(void **state)
{
	struct raw f = { 0 };

	(void)state;
	raw_ethernet(&f, 0x8100);
	raw_vlan(&f, 0xf000 | 4094, 0x0800); /* priority 7, drop eligible */
	raw_segment(&f);
	assert_segment(&f, 4094);
}

static void vlan_innermost_tag_counts(void **state)
{
	static const uint16_t outer[] = { 0x88a8, 0x8100, 0x9100 };

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		struct raw f = { 0 };

		raw_ethernet(&f, outer[i]);
		raw_vlan(&f, 100, 0x8100);
		raw_vlan(&f, 200, 0x0800);
		raw_segment(&f);
		assert_segment(&f, 200);
	}
}

static void vlan_three_tags_are_too_deep(void **state)
{
	struct raw f = { 0 };

	(void)state;
	raw_ethernet(&f, 0x88a8);
	raw_vlan(&f, 1, 0x88a8);
	raw_vlan(&f, 2, 0x8100);
	raw_vlan(&f, 3, 0x0800);
	raw_segment(&f);
	assert_refused(&f, PARSE_TOO_DEEP);
}

static void mpls_stack(void **state)
{
	static const uint16_t types[] = { 0x8847, 0x8848 };

	(void)state;
	for (int labels = 1; labels <= 9; labels++) {
		struct raw f = { 0 };

		raw_ethernet(&f, types[labels & 1]);
		for (int i = 1; i <= labels; i++)
			raw_label(&f, 16 + i, i == labels);
		raw_segment(&f);
		if (labels <= 8)
			assert_segment(&f, 0);
		else
			assert_refused(&f, PARSE_TOO_DEEP);
	}
}

static void mpls_ipv6_behind_the_bottom(void **state)
{
	struct raw f = { 0 };
	struct packet p;

	(void)state;
	raw_ethernet(&f, 0x8847);
	raw_label(&f, 2, 1); /* IPv6 explicit null */
	raw_ipv6(&f, 0, PROTO_UDP);
	raw_udp(&f, 1, 2);
	raw_seal(&f);
	assert_int_equal(raw_parse(&f, &p), PARSE_DONE);
	assert_flow6(&p, 0, PROTO_UDP, 1, 2);
}

/* RFC 4385: control word 0x0..., then the customer's frame with a tag of its own. */
static void mpls_pseudowire(void **state)
{
	struct raw f = { 0 };

	(void)state;
	raw_ethernet(&f, 0x8100);
	raw_vlan(&f, 10, 0x8847);
	raw_label(&f, 100, 0);
	raw_label(&f, 200, 1);
	raw_u32(&f, 0);
	raw_ethernet(&f, 0x8100);
	raw_vlan(&f, 20, 0x0800);
	raw_segment(&f);
	assert_segment(&f, 20);
}

/* RFC 4385 section 5: first nibble 1 is the associated channel (OAM), not data. */
static void mpls_associated_channel_is_not_ip(void **state)
{
	struct raw f = { 0 };

	(void)state;
	raw_ethernet(&f, 0x8847);
	raw_label(&f, 100, 1);
	raw_u32(&f, 0x10000021);
	raw_fill(&f, 40, 0x45);
	assert_refused(&f, PARSE_NOT_IP);
}

static void put_pppoe(struct raw *f, uint16_t protocol)
{
	raw_ethernet(f, 0x8864);
	raw_u16(f, 0x1100); /* version 1, type 1, code 0 */
	raw_u16(f, 7);      /* session */
	raw_length_field(f, f->len, f->len + 2);
	raw_u16(f, 0);
	raw_u16(f, protocol);
}

static void pppoe_session(void **state)
{
	struct raw f = { 0 }, six = { 0 }, lcp = { 0 };
	struct packet p;

	(void)state;
	put_pppoe(&f, 0x0021);
	raw_segment(&f);
	assert_segment(&f, 0);
	put_pppoe(&six, 0x0057);
	raw_ipv6(&six, 0, 59);
	raw_seal(&six);
	assert_int_equal(raw_parse(&six, &p), PARSE_DONE);
	assert_flow6(&p, 0, 59, 0, 0);
	assert_sizes(&p, 62, 40, 0, 0);
	put_pppoe(&lcp, 0xc021);
	raw_fill(&lcp, 40, 0x45);
	assert_refused(&lcp, PARSE_NOT_IP);
}

/* IEEE 802.3 length, then LLC AA AA 03 and SNAP: RFC 1042. */
static void put_snap(struct raw *f, uint16_t saps)
{
	raw_ethernet(f, 58);
	raw_u16(f, saps);
	raw_u32(f, 0x03000000);
	raw_u16(f, 0x0800);
	raw_segment(f);
}

static void llc_snap(void **state)
{
	struct raw f = { 0 }, stp = { 0 };

	(void)state;
	put_snap(&f, 0xaaaa);
	assert_segment(&f, 0);
	put_snap(&stp, 0x4242);
	assert_refused(&stp, PARSE_NOT_IP);
}

/* Cut in its LLC header a frame may have been IP, until its service access points say no. */
static void llc_cut_is_truncated(void **state)
{
	struct raw f = { 0 }, stp = { 0 };
	struct packet p;

	(void)state;
	put_snap(&f, 0xaaaa);
	put_snap(&stp, 0x4242);
	for (uint32_t cut = 0; cut < 14 + 8 + 20; cut++)
		assert_int_equal(raw_parse_cut(&f, cut, &p), PARSE_TRUNCATED);
	for (uint32_t cut = 0; cut < 14 + 8; cut++)
		assert_int_equal(raw_parse_cut(&stp, cut, &p),
				 cut < 16 ? PARSE_TRUNCATED : PARSE_NOT_IP);
}

static void other_ethertypes_are_not_ip(void **state)
{
	static const uint16_t types[] = { 0x0806, 0x88cc, 0x8863, 0x0600, 0xffff };

	(void)state;
	for (size_t i = 0; i < 5; i++) {
		struct raw f = { 0 };

		raw_ethernet(&f, types[i]);
		raw_segment(&f);
		assert_refused(&f, PARSE_NOT_IP);
	}
}

/* Neither 4 nor 6, whatever the EtherType said. */
static void ip_version_decides(void **state)
{
	(void)state;
	for (int version = 0; version < 16; version++) {
		struct raw f = { 0 };
		struct packet p;

		raw_ethernet(&f, 0x0800);
		raw_segment(&f);
		f.at[14] = version << 4 | 5;
		if (version == 4 || version == 6)
			continue;
		assert_int_equal(raw_parse(&f, &p), PARSE_NOT_IP);
	}
}

static void starts_without_ethernet(void **state)
{
	struct raw f = { 0 }, tagged = { 0 };
	struct raw_view view = { .tunnels = ALL_TUNNELS, .start = PARSE_NETWORK };
	struct packet p;

	(void)state;
	raw_segment(&f);
	view.captured = view.wire_len = f.len;
	assert_int_equal(raw_parse_view(&f, &view, &p), PARSE_DONE);
	assert_flow4(&p, 0, PROTO_TCP, 1000, 80);
	assert_int_equal(p.ip_offset, 0);
	raw_vlan(&tagged, 77, 0x0800);
	raw_segment(&tagged);
	view = (struct raw_view){ tagged.len, tagged.len, 0, PARSE_TYPE, 0x8100 };
	assert_int_equal(raw_parse_view(&tagged, &view, &p), PARSE_DONE);
	assert_int_equal(p.key.vlan_id, 77);
	assert_sizes(&p, 54, 50, 30, 10);
}

static void put_deepest_link(struct raw *f)
{
	raw_ethernet(f, 0x88a8);                /* 14 */
	raw_vlan(f, 1, 0x8100);                 /* 18 */
	raw_vlan(f, 2, 0x8847);                 /* 22 */
	raw_label(f, 16, 0);                    /* 26 */
	raw_label(f, 17, 1);                    /* 30 */
	raw_u32(f, 0);                          /* 34: control word */
	raw_ethernet(f, 0x8100);                /* 48 */
	raw_vlan(f, 3, 0x8864);                 /* 52 */
	raw_u32(f, 0x11000001);                 /* 56: PPPoE */
	raw_u32(f, 0x00000021);                 /* 60 */
	raw_ipv4_options(f, 0, PROTO_TCP, 8);   /* 88 */
	raw_tcp(f, 1000, 80, TCP_FLAG_SYN, 12); /* 120 */
	raw_fill(f, 6, 0);
	raw_seal(f);
}

static void cut_at_every_byte(void **state)
{
	struct raw f = { 0 };
	struct packet p;

	(void)state;
	put_deepest_link(&f);
	assert_int_equal(f.len, 126);
	for (uint32_t cut = 0; cut < 88; cut++)
		assert_int_equal(raw_parse_cut(&f, cut, &p), PARSE_TRUNCATED);
	for (uint32_t cut = 88; cut <= f.len; cut++) {
		int ports = cut >= 88 + 4, header = cut >= 88 + 20;

		assert_int_equal(raw_parse_cut(&f, cut, &p), PARSE_DONE);
		assert_flow4(&p, 0, PROTO_TCP, ports ? 1000 : 0, ports ? 80 : 0);
		assert_int_equal(p.key.vlan_id, 3);
		assert_int_equal(p.has_l4, header);
		assert_int_equal(p.tcp_flags, header ? TCP_FLAG_SYN : 0);
		assert_sizes(&p, 126, 66, 38, header ? 6 : 0);
	}
}

/* Every back end looks at the same first bytes: an IP header behind them is not found. */
static void window_ends_at_256_bytes(void **state)
{
	struct raw f = { 0 };
	struct packet p;

	(void)state;
	raw_ethernet(&f, 0x86dd);
	raw_ipv6(&f, 0, PROTO_HOP_BY_HOP);
	raw_extension(&f, PROTO_UDP, 23); /* 54 + 192 = 246, 250 with the ports */
	raw_udp(&f, 1, 2);
	raw_seal(&f);
	assert_int_equal(raw_parse(&f, &p), PARSE_DONE);
	assert_flow6(&p, 0, PROTO_UDP, 1, 2);
	f = (struct raw){ 0 };
	raw_ethernet(&f, 0x86dd);
	raw_ipv6(&f, 0, PROTO_HOP_BY_HOP);
	raw_extension(&f, PROTO_UDP, 25); /* 262 */
	raw_udp(&f, 1, 2);
	raw_seal(&f);
	assert_int_equal(raw_parse(&f, &p), PARSE_DONE);
	assert_flow6(&p, 0, PROTO_UDP, 0, 0);
	assert_sizes(&p, 270, 256, 8, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ethernet_ipv4_tcp),
		cmocka_unit_test(ethernet_padding_counts_for_the_link_only),
		cmocka_unit_test(vlan_one_tag),
		cmocka_unit_test(vlan_innermost_tag_counts),
		cmocka_unit_test(vlan_three_tags_are_too_deep),
		cmocka_unit_test(mpls_stack),
		cmocka_unit_test(mpls_ipv6_behind_the_bottom),
		cmocka_unit_test(mpls_pseudowire),
		cmocka_unit_test(mpls_associated_channel_is_not_ip),
		cmocka_unit_test(pppoe_session),
		cmocka_unit_test(llc_snap),
		cmocka_unit_test(llc_cut_is_truncated),
		cmocka_unit_test(other_ethertypes_are_not_ip),
		cmocka_unit_test(ip_version_decides),
		cmocka_unit_test(starts_without_ethernet),
		cmocka_unit_test(cut_at_every_byte),
		cmocka_unit_test(window_ends_at_256_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
