/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * parse.h from the link layer to the transport header, one level deep. What a header says is
 * asserted as the RFC lays it out; tunnels are test_parse_tunnels.c's.
 */
#include "frames.h"

/* A TCP segment of 10 bytes behind what the test appended: 20 + 20 + 10. */
static void put_segment(struct raw *f)
{
	raw_ipv4(f, 0, PROTO_TCP);
	raw_tcp(f, 1000, 80, TCP_FLAG_ACK | TCP_FLAG_PSH, 0);
	raw_fill(f, 10, 'x');
	raw_seal(f);
}

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
	put_segment(&f);
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
	put_segment(&f);
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
		put_segment(&f);
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
	put_segment(&f);
	assert_refused(&f, PARSE_TOO_DEEP);
}

static void mpls_stack(void **state)
{
	static const uint16_t types[] = { 0x8847, 0x8848 };

	(void)state;
	for (int labels = 1; labels <= PARSE_MAX_LABELS + 1; labels++) {
		struct raw f = { 0 };

		raw_ethernet(&f, types[labels & 1]);
		for (int i = 1; i <= labels; i++)
			raw_label(&f, 16 + i, i == labels);
		put_segment(&f);
		if (labels <= PARSE_MAX_LABELS)
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
	put_segment(&f);
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
	put_segment(&f);
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
	put_segment(f);
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

/* Cut in its LLC header a frame may have been IP; once the service access points say no, it is not. */
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
		put_segment(&f);
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
		put_segment(&f);
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
	put_segment(&f);
	view.captured = view.wire_len = f.len;
	assert_int_equal(raw_parse_view(&f, &view, &p), PARSE_DONE);
	assert_flow4(&p, 0, PROTO_TCP, 1000, 80);
	assert_int_equal(p.ip_offset, 0);
	raw_vlan(&tagged, 77, 0x0800);
	put_segment(&tagged);
	view = (struct raw_view){ tagged.len, tagged.len, 0, PARSE_TYPE, 0x8100 };
	assert_int_equal(raw_parse_view(&tagged, &view, &p), PARSE_DONE);
	assert_int_equal(p.key.vlan_id, 77);
	assert_sizes(&p, 54, 50, 30, 10);
}

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
	put_segment(&f);
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
			assert_int_equal(raw_parse(&f, &p), ihl < 5 || total < ihl * 4 ?
								    PARSE_MALFORMED :
								    PARSE_DONE);
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
	put_segment(&f);
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
	put_segment(&f);
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
		put_segment(&f);
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
	put_segment(&f);
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
	} rows[] = {
		{ 54, 0 }, { 62, 60 }, { 70, 43 }, { 86, 135 }, { 110, 60 }, { 118, 6 }, { 142, 6 },
	};
	struct raw f = { 0 };
	struct packet p;
	size_t row = 0;

	(void)state;
	put_chain(&f);
	/* The first 8 bytes of an extension header tell its length; the rest may be cut. */
	for (uint32_t cut = 54; cut <= f.len; cut++) {
		assert_int_equal(raw_parse_cut(&f, cut, &p), PARSE_DONE);
		assert_int_equal(p.size[ACCOUNT_IP], 128);
		if (cut == 78 || cut == 94)
			row++;
		while (row + 1 < 7 && rows[row + 1].from <= cut)
			row++;
		(void)rows;
	}
}

int main(void)
{
	return 0;
}
