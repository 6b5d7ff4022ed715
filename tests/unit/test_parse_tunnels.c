/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * parse.h's tunnels: one table of encapsulations, each opened alone, inside every other, closed by
 * the mask, cut at every byte, and with an inside that is not a packet.
 */
#include "encapsulations.h"
#include "frames.h"

/* One level: its IP header and everything up to the inside, whose Ethernet header is included. */
static void put_level(struct raw *f, const struct encapsulation *e, uint8_t level,
		      const struct encapsulation *inner)
{
	e->put(f, level);
	if (e->inside == INSIDE_ETHERNET)
		raw_ethernet(f, inner && inner->version == 6 ? 0x86dd : 0x0800);
}

/* What carries IPv4 by its own type field cannot carry a 4in6 packet. */
static int carries(const struct encapsulation *e, const struct encapsulation *inner)
{
	return inner->version == 4 || e->inside == INSIDE_ETHERNET;
}

static void start(struct raw *f, const struct encapsulation *outer)
{
	*f = (struct raw){ 0 };
	raw_ethernet(f, outer->version == 6 ? 0x86dd : 0x0800);
}

/* The innermost packet of every frame here: 20 + 20 + 7 bytes. */
static void put_inner(struct raw *f, uint8_t level)
{
	raw_ipv4(f, level, PROTO_TCP);
	raw_tcp(f, 1000, 80, TCP_FLAG_ACK, 0);
	raw_fill(f, 7, 0);
	raw_seal(f);
}

static void assert_inner(const struct packet *p, const struct encapsulation *e, uint8_t level,
			 uint32_t frame_len)
{
	assert_flow4(p, level, PROTO_TCP, 1000, 80);
	assert_int_equal(p->key.tunnel, e->tunnel);
	assert_int_equal(p->key.tunnel_id, e->id);
	assert_int_equal(p->ip_offset, frame_len - 47);
	assert_sizes(p, frame_len, 47, 27, 7);
}

/* The packet belongs to the flow of this level's own header; around is what it lies in. */
static void assert_closed(const struct packet *p, const struct encapsulation *e, uint8_t level,
			  const struct encapsulation *around)
{
	uint16_t src = e->port ? 50000 : 0;

	if (e->version == 6)
		assert_flow6(p, level, e->protocol, src, e->port);
	else
		assert_flow4(p, level, e->protocol, src, e->port);
	assert_int_equal(p->key.tunnel, around ? around->tunnel : TUNNEL_NONE);
	assert_int_equal(p->key.tunnel_id, around ? around->id : 0);
}

static enum parse_status parse_with(const struct raw *f, uint32_t tunnels, struct packet *p)
{
	struct raw_view view = { f->len, f->len, tunnels, PARSE_LINK, 0 };

	return raw_parse_view(f, &view, p);
}

static void each_opens(void **state)
{
	(void)state;
	for (size_t i = 0; i < ENCAPSULATIONS; i++) {
		const struct encapsulation *e = &encapsulations[i];
		struct packet p;
		struct raw f;

		start(&f, e);
		put_level(&f, e, 0, NULL);
		put_inner(&f, 1);
		assert_int_equal(raw_parse(&f, &p), PARSE_DONE);
		assert_inner(&p, e, 1, f.len);
		assert_int_equal(p.teid, e->tunnel == TUNNEL_GTP ? 0x0a0b0c0d : 0);
	}
}

/* Its own bit opens it and no other does. */
static void the_mask_decides(void **state)
{
	(void)state;
	for (size_t i = 0; i < ENCAPSULATIONS; i++) {
		const struct encapsulation *e = &encapsulations[i];
		uint32_t ip_len;
		struct packet p;
		struct raw f;

		start(&f, e);
		put_level(&f, e, 0, NULL);
		put_inner(&f, 1);
		ip_len = f.len - 14;
		assert_int_equal(parse_with(&f, 1u << e->tunnel, &p), PARSE_DONE);
		assert_inner(&p, e, 1, f.len);
		assert_int_equal(parse_with(&f, ALL_TUNNELS & ~(1u << e->tunnel), &p), PARSE_DONE);
		assert_closed(&p, e, 0, NULL);
		assert_int_equal(p.size[ACCOUNT_IP], ip_len);
		assert_int_equal(p.size[ACCOUNT_PAYLOAD], e->port ? ip_len - 28 : 0);
		assert_int_equal(p.teid, 0);
		assert_int_equal(parse_with(&f, 0, &p), PARSE_DONE);
		assert_closed(&p, e, 0, NULL);
	}
}

static void two_levels_of_any_two(void **state)
{
	(void)state;
	for (size_t i = 0; i < ENCAPSULATIONS; i++) {
		for (size_t j = 0; j < ENCAPSULATIONS; j++) {
			const struct encapsulation *a = &encapsulations[i], *b = &encapsulations[j];
			struct packet p;
			struct raw f;

			if (!carries(a, b))
				continue;
			start(&f, a);
			put_level(&f, a, 0, b);
			put_level(&f, b, 1, NULL);
			put_inner(&f, 2);
			assert_int_equal(raw_parse(&f, &p), PARSE_DONE);
			assert_inner(&p, b, 2, f.len);
			if (a->tunnel == b->tunnel)
				continue;
			/* The inner one closed: its own flow, inside the outer. */
			assert_int_equal(parse_with(&f, 1u << a->tunnel, &p), PARSE_DONE);
			assert_closed(&p, b, 1, a);
		}
	}
}

static void a_third_level_stays_closed(void **state)
{
	(void)state;
	for (size_t i = 0; i < ENCAPSULATIONS; i++) {
		for (size_t j = 0; j < ENCAPSULATIONS; j++) {
			const struct encapsulation *a = &encapsulations[i], *b = &encapsulations[j];
			struct packet p;
			struct raw f;

			if (!carries(a, b) || !carries(b, a))
				continue;
			start(&f, a);
			put_level(&f, a, 0, b);
			put_level(&f, b, 1, a);
			put_level(&f, a, 2, NULL);
			put_inner(&f, 3);
			assert_int_equal(raw_parse(&f, &p), PARSE_DONE);
			assert_closed(&p, a, 2, b);
		}
	}
}

/*
 * Refused until the outer header is there, then the outer flow, and from some byte on the inner
 * one; sizes are those of the headers in either case.
 */
static void cut_at_every_byte(void **state)
{
	(void)state;
	for (size_t i = 0; i < ENCAPSULATIONS; i++) {
		const struct encapsulation *e = &encapsulations[i];
		uint32_t outer_end = 14 + (e->version == 6 ? 40 : 20), inner_end;
		struct packet p;
		struct raw f;

		start(&f, e);
		put_level(&f, e, 0, NULL);
		put_inner(&f, 1);
		inner_end = f.len - 27;
		for (uint32_t cut = 0; cut < outer_end; cut++)
			assert_int_equal(raw_parse_cut(&f, cut, &p), PARSE_TRUNCATED);
		for (uint32_t cut = outer_end; cut < inner_end; cut++) {
			assert_int_equal(raw_parse_cut(&f, cut, &p), PARSE_DONE);
			assert_int_equal(p.key.protocol, e->protocol);
			assert_int_equal(p.key.tunnel, TUNNEL_NONE);
			assert_int_equal(p.size[ACCOUNT_IP], f.len - 14);
		}
		for (uint32_t cut = inner_end; cut <= f.len; cut++) {
			assert_int_equal(raw_parse_cut(&f, cut, &p), PARSE_DONE);
			assert_int_equal(p.key.protocol, PROTO_TCP);
			assert_int_equal(p.key.tunnel, e->tunnel);
			assert_sizes(&p, f.len, 47, 27, cut >= inner_end + 20 ? 7 : 0);
		}
	}
}

/* Two levels behind tags and options: the flow is that of the last whole IP header. */
static void deep_frame_cut_at_every_byte(void **state)
{
	struct raw f = { 0 };
	struct packet p;

	(void)state;
	raw_ethernet(&f, 0x88a8);
	raw_vlan(&f, 10, 0x8100);
	raw_vlan(&f, 20, 0x0800);
	raw_ipv4_options(&f, 0, PROTO_UDP, 8); /* 22 to 50 */
	raw_udp(&f, 50000, 4789);
	raw_u32(&f, 0x08000000);
	raw_u32(&f, 0x00000700);
	raw_ethernet(&f, 0x8100); /* 66 to 80 */
	raw_vlan(&f, 30, 0x86dd);
	raw_ipv6(&f, 1, PROTO_DEST_OPTIONS); /* 84 to 124 */
	raw_extension(&f, PROTO_GRE, 0);     /* to 132 */
	raw_u32(&f, 0x20000800);
	raw_u32(&f, 9);   /* to 140 */
	put_inner(&f, 2); /* 140 to 160, TCP to 180 */
	for (uint32_t cut = 0; cut < 50; cut++)
		assert_int_equal(raw_parse_cut(&f, cut, &p), PARSE_TRUNCATED);
	for (uint32_t cut = 50; cut <= f.len; cut++) {
		assert_int_equal(raw_parse_cut(&f, cut, &p), PARSE_DONE);
		assert_int_equal(p.key.vlan_id, cut < 124 ? 20 : 30);
		assert_int_equal(p.key.tunnel_id, cut < 124 ? 0 : cut < 160 ? 7 : 9);
		if (cut < 124)
			assert_flow4(&p, 0, 17, cut < 54 ? 0 : 50000, cut < 54 ? 0 : 4789);
		else if (cut < 160)
			assert_flow6(&p, 1, cut < 132 ? 60 : 47, 0, 0);
		else
			assert_flow4(&p, 2, 6, cut < 164 ? 0 : 1000, cut < 164 ? 0 : 80);
		assert_int_equal(p.size[ACCOUNT_IP], cut < 124 ? 165 : cut < 160 ? 103 : 47);
	}
}

/* What an IP header must not say, what Ethernet must carry: otherwise the outer flow has it. */
static void inner_garbage_leaves_the_outer_flow(void **state)
{
	static const uint8_t garbage[] = { 0x00, 0x44, 0x15, 0xff, 0x50 };

	(void)state;
	for (size_t i = 0; i < ENCAPSULATIONS; i++) {
		const struct encapsulation *e = &encapsulations[i];
		uint32_t inner;

		for (size_t j = 0; j < sizeof(garbage); j++) {
			struct packet p;
			struct raw f;

			start(&f, e);
			put_level(&f, e, 0, NULL);
			inner = f.len;
			put_inner(&f, 1);
			f.at[inner] = garbage[j];
			assert_int_equal(raw_parse(&f, &p), PARSE_DONE);
			assert_closed(&p, e, 0, NULL);
			assert_int_equal(p.size[ACCOUNT_IP], f.len - 14);
			assert_int_equal(p.tcp_flags, 0);
			assert_int_equal(p.ip_offset, 14);
		}
	}
}

static void inner_arp_leaves_the_outer_flow(void **state)
{
	(void)state;
	for (size_t i = 0; i < ENCAPSULATIONS; i++) {
		const struct encapsulation *e = &encapsulations[i];
		struct packet p;
		struct raw f;

		if (e->inside != INSIDE_ETHERNET)
			continue;
		start(&f, e);
		e->put(&f, 0);
		raw_ethernet(&f, 0x0806);
		raw_fill(&f, 28, 0);
		raw_seal(&f);
		assert_int_equal(raw_parse(&f, &p), PARSE_DONE);
		assert_closed(&p, e, 0, NULL);
	}
}

static void inner_vlan_counts(void **state)
{
	struct raw f = { 0 };
	struct packet p;

	(void)state;
	raw_ethernet(&f, 0x8100);
	raw_vlan(&f, 100, 0x0800);
	put_vxlan(&f, 0);
	raw_ethernet(&f, 0x8100);
	raw_vlan(&f, 7, 0x0800);
	put_inner(&f, 1);
	assert_int_equal(raw_parse(&f, &p), PARSE_DONE);
	assert_inner(&p, &encapsulations[ENCAP_VXLAN], 1, f.len);
	assert_int_equal(p.key.vlan_id, 7);
}

static void ip_in_ip_of_both_versions(void **state)
{
	static const struct {
		uint8_t outer, inner;
	} rows[] = { { 4, 4 }, { 4, 6 }, { 6, 4 }, { 6, 6 } };

	(void)state;
	for (size_t i = 0; i < 4; i++) {
		uint8_t protocol = rows[i].inner == 4 ? 4 : 41;
		struct raw f = { 0 };
		struct packet p;

		raw_ethernet(&f, rows[i].outer == 4 ? 0x0800 : 0x86dd);
		if (rows[i].outer == 4)
			raw_ipv4(&f, 0, protocol);
		else
			raw_ipv6(&f, 0, protocol);
		if (rows[i].inner == 4)
			raw_ipv4(&f, 1, PROTO_UDP);
		else
			raw_ipv6(&f, 1, PROTO_UDP);
		raw_udp(&f, 1, 2);
		raw_seal(&f);
		assert_int_equal(raw_parse(&f, &p), PARSE_DONE);
		if (rows[i].inner == 4)
			assert_flow4(&p, 1, 17, 1, 2);
		else
			assert_flow6(&p, 1, 17, 1, 2);
		assert_int_equal(p.key.tunnel, TUNNEL_IPIP);
	}
}

/* A frame in which one byte closes the tunnel. */
struct refusal {
	size_t encapsulation; /* index */
	int32_t at;           /* from the outer IP header's end */
	uint8_t value;
};

static void headers_that_close_the_tunnel(void **state)
{
	static const struct refusal rows[] = {
		{ ENCAP_GRE, 0, 0x40 },           /* GRE: source routing */
		{ ENCAP_GRE, 1, 0x01 },           /* GRE: version 1 is PPTP's */
		{ ENCAP_GRE, 2, 0x88 },           /* GRE: type 0x8800 */
		{ ENCAP_VXLAN, 8, 0x00 },         /* VXLAN: no I flag */
		{ ENCAP_VXLAN_GPE, 11, 4 },       /* VXLAN-GPE: next protocol NSH */
		{ ENCAP_GENEVE, 8, 0x42 },        /* Geneve: version 1 */
		{ ENCAP_GENEVE, 8, 0x3f },        /* Geneve: options beyond the frame */
		{ ENCAP_GTP, 8, 0x50 },           /* GTP: version 2 */
		{ ENCAP_GTP, 8, 0x20 },           /* GTP' */
		{ ENCAP_GTP, 9, 1 },              /* GTP: echo request */
		{ ENCAP_GTP_EXTENDED, 20, 0 },    /* GTP: extension header of length 0 */
		{ ENCAP_GTP_EXTENDED, 31, 0x85 }, /* GTP: one more extension header */
		{ ENCAP_TZSP, 8, 2 },             /* TZSP: version 2 */
		{ ENCAP_TZSP, 9, 1 },             /* TZSP: packet to be sent */
		{ ENCAP_TZSP, 11, 0x12 },         /* TZSP: 802.11 inside */
		{ ENCAP_CAPWAP, 8, 0x01 },        /* CAPWAP: DTLS */
		{ ENCAP_CAPWAP, 8, 0x10 },        /* CAPWAP: version 1 */
		{ ENCAP_CAPWAP, 11, 0x08 },       /* CAPWAP: keep-alive */
		{ ENCAP_WLAN, 16, 0x80 },         /* 802.11: beacon */
		{ ENCAP_WLAN, 16, 0x48 },         /* 802.11: null data */
		{ ENCAP_WLAN, 17, 0x41 },         /* 802.11: protected */
		{ ENCAP_WLAN, 40, 0x42 },         /* 802.11: not SNAP */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct encapsulation *e = &encapsulations[rows[i].encapsulation];
		struct packet p;
		struct raw f;

		start(&f, e);
		put_level(&f, e, 0, NULL);
		put_inner(&f, 1);
		f.at[14 + 20 + rows[i].at] = rows[i].value;
		assert_int_equal(raw_parse(&f, &p), PARSE_DONE);
		assert_closed(&p, e, 0, NULL);
	}
}

/* RFC 5415 section 4.3: the F flag and an offset mean that no header is in this packet. */
static void capwap_later_fragment_stays_outer(void **state)
{
	for (int later = 0; later <= 1; later++) {
		struct raw f = { 0 };
		struct packet p;

		(void)state;
		raw_ethernet(&f, 0x0800);
		put_udp(&f, 0, 5247);
		raw_u32(&f, 0x00100280);
		raw_u32(&f, 0x00070000 | (later ? 100 << 3 : 0));
		raw_ethernet(&f, 0x0800);
		put_inner(&f, 1);
		assert_int_equal(raw_parse(&f, &p), PARSE_DONE);
		if (later)
			assert_closed(&p, &encapsulations[ENCAP_CAPWAP], 0, NULL);
		else
			assert_inner(&p, &encapsulations[ENCAP_CAPWAP], 1, f.len);
	}
}

/* RFC 7348, RFC 8926: the destination port tells; a reply to a client's port 4789 is not VXLAN. */
static void tunnels_by_port(void **state)
{
	static const struct {
		size_t encapsulation;
		int by_source;
	} rows[] = { { ENCAP_VXLAN, 0 },  { ENCAP_VXLAN_LINUX, 0 }, { ENCAP_VXLAN_GPE, 0 },
		     { ENCAP_GENEVE, 0 }, { ENCAP_GTP, 1 },         { ENCAP_TZSP, 1 },
		     { ENCAP_CAPWAP, 1 } };

	(void)state;
	for (size_t i = 0; i < 7; i++) {
		const struct encapsulation *e = &encapsulations[rows[i].encapsulation];
		struct packet p;
		struct raw f;

		start(&f, e);
		put_level(&f, e, 0, NULL);
		put_inner(&f, 1);
		raw_set16(&f, 34, e->port);
		raw_set16(&f, 36, 50000);
		assert_int_equal(raw_parse(&f, &p), PARSE_DONE);
		if (rows[i].by_source)
			assert_inner(&p, e, 1, f.len);
		else
			assert_flow4(&p, 0, PROTO_UDP, e->port, 50000);
	}
}

/* A later fragment of the outer datagram has no tunnel header, its first has and tells the flow. */
static void fragments_of_the_outer_packet(void **state)
{
	struct raw f = { 0 };
	struct packet p;

	(void)state;
	raw_ethernet(&f, 0x0800);
	put_vxlan(&f, 0);
	raw_ethernet(&f, 0x0800);
	put_inner(&f, 1);
	raw_set16(&f, 14 + 6, 0x2000);
	assert_int_equal(raw_parse(&f, &p), PARSE_DONE);
	assert_inner(&p, &encapsulations[ENCAP_VXLAN], 1, f.len);
	assert_int_equal(p.fragment, FRAGMENT_FIRST);
	assert_int_equal(p.fragment_id.addr[0][13], 0); /* 10.0.0.1: the outer header's */
	raw_set16(&f, 14 + 6, 0x0001);
	assert_int_equal(raw_parse(&f, &p), PARSE_DONE);
	assert_flow4(&p, 0, PROTO_UDP, 0, 0);
	assert_int_equal(p.fragment, FRAGMENT_LATER);
	assert_int_equal(p.key.tunnel, TUNNEL_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_opens),
		cmocka_unit_test(the_mask_decides),
		cmocka_unit_test(two_levels_of_any_two),
		cmocka_unit_test(a_third_level_stays_closed),
		cmocka_unit_test(cut_at_every_byte),
		cmocka_unit_test(deep_frame_cut_at_every_byte),
		cmocka_unit_test(inner_garbage_leaves_the_outer_flow),
		cmocka_unit_test(inner_arp_leaves_the_outer_flow),
		cmocka_unit_test(inner_vlan_counts),
		cmocka_unit_test(ip_in_ip_of_both_versions),
		cmocka_unit_test(headers_that_close_the_tunnel),
		cmocka_unit_test(capwap_later_fragment_stays_outer),
		cmocka_unit_test(tunnels_by_port),
		cmocka_unit_test(fragments_of_the_outer_packet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
