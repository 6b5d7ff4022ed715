/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * plain.h: which frames it takes, and that it makes of them what parse.h does. All other tests of
 * parsing compare the two as well.
 */
#include "frames.h"

enum { V4, V6, VERSIONS };

static void put_ip(struct raw *f, int version, uint8_t protocol)
{
	if (version == V4)
		raw_ipv4(f, 0, protocol);
	else
		raw_ipv6(f, 0, protocol);
}

static void put_link(struct raw *f, int version)
{
	raw_ethernet(f, version == V4 ? 0x0800 : 0x86dd);
}

/* Its first captured bytes, by both ways. */
static int is_plain(const struct raw *f, uint32_t captured, enum parse_status start)
{
	struct raw_view view = { captured, f->len, ALL_TUNNELS, start, 0 };
	struct packet p;

	raw_parse_view(f, &view, &p);
	return raw_is_plain(f->at, captured, &view, &p);
}

static int is_plain_frame(const struct raw *f)
{
	return is_plain(f, f->len, PARSE_LINK);
}

static struct raw tcp_frame(int version, uint32_t option_bytes, uint32_t payload)
{
	struct raw f = { 0 };

	put_link(&f, version);
	put_ip(&f, version, PROTO_TCP);
	raw_tcp(&f, 1000, 80, TCP_FLAG_ACK, option_bytes);
	raw_fill(&f, payload, 'x');
	raw_seal(&f);
	return f;
}

static struct raw udp_frame(int version, uint16_t src, uint16_t dst)
{
	struct raw f = { 0 };

	put_link(&f, version);
	put_ip(&f, version, PROTO_UDP);
	raw_udp(&f, src, dst);
	raw_fill(&f, 5, 'x');
	raw_seal(&f);
	return f;
}

/* Whole as soon as the header without its options is there. */
static void tcp_cut_at_every_byte(void **state)
{
	(void)state;
	for (int version = V4; version < VERSIONS; version++) {
		for (uint32_t options = 0; options <= 40; options += 4) {
			struct raw f = tcp_frame(version, options, 10);
			uint32_t needed = 14 + (version == V4 ? 20 : 40) + 20;

			for (uint32_t cut = 0; cut <= f.len; cut++)
				assert_int_equal(is_plain(&f, cut, PARSE_LINK), cut >= needed);
		}
	}
}

static void udp_cut_at_every_byte(void **state)
{
	(void)state;
	for (int version = V4; version < VERSIONS; version++) {
		struct raw f = udp_frame(version, 1000, 53);
		uint32_t needed = 14 + (version == V4 ? 20 : 40) + 8;

		for (uint32_t cut = 0; cut <= f.len; cut++)
			assert_int_equal(is_plain(&f, cut, PARSE_LINK), cut >= needed);
	}
}

static void without_link_header(void **state)
{
	(void)state;
	for (int version = V4; version < VERSIONS; version++) {
		struct raw f = { 0 };

		put_ip(&f, version, PROTO_UDP);
		raw_udp(&f, 1000, 53);
		raw_seal(&f);
		for (uint32_t cut = 0; cut <= f.len; cut++)
			assert_int_equal(is_plain(&f, cut, PARSE_NETWORK), cut == f.len);
	}
}

/* Those that a tunnel is told by at the sender, at the receiver, or at both. */
static void ports_of_tunnels(void **state)
{
	static const struct {
		uint16_t port;
		int by_sender;
	} rows[] = { { 2152, 1 }, { 4789, 0 }, { 8472, 0 }, { 4790, 0 },
		     { 6081, 0 }, { 5247, 1 }, { 37008, 1 } };

	(void)state;
	for (uint32_t port = 0; port < 65536; port++) {
		struct raw from = udp_frame(V4, port, 53), to = udp_frame(V4, 53, port);
		int at_sender = 0, at_receiver = 0;

		for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
			at_receiver |= rows[i].port == port;
			at_sender |= rows[i].port == port && rows[i].by_sender;
		}
		assert_int_equal(is_plain_frame(&from), !at_sender);
		assert_int_equal(is_plain_frame(&to), !at_receiver);
	}
}

static void other_protocols(void **state)
{
	(void)state;
	for (int version = V4; version < VERSIONS; version++) {
		for (int protocol = 0; protocol < 256; protocol++) {
			struct raw f = { 0 };

			put_link(&f, version);
			put_ip(&f, version, protocol);
			raw_u32(&f, 1000 << 16 | 53);
			raw_u32(&f, 40 << 16);
			raw_u32(&f, 0x50500000);
			raw_u32(&f, 0x50500000); /* as TCP: 20 bytes of header */
			raw_fill(&f, 16, 0);
			raw_seal(&f);
			assert_int_equal(is_plain_frame(&f),
					 protocol == PROTO_TCP || protocol == PROTO_UDP);
		}
	}
}

/* A byte of a plain frame with any other value: plain still, or left to parse.h. */
static void any_byte_changed(void **state)
{
	(void)state;
	for (int version = V4; version < VERSIONS; version++) {
		struct raw frames[] = { tcp_frame(version, 12, 10), udp_frame(version, 1000, 53) };

		for (int i = 0; i < 2; i++) {
			struct raw *f = &frames[i];

			for (uint32_t at = 12; at < f->len; at++) {
				uint8_t was = f->at[at];

				for (int value = 0; value < 256; value++) {
					f->at[at] = value;
					is_plain_frame(f);
				}
				f->at[at] = was;
			}
			assert_int_equal(is_plain_frame(f), 1);
		}
	}
}

/* Each is one change away from a plain frame: the byte at an offset, and its new value. */
static void shapes_left_to_the_parser(void **state)
{
	static const struct {
		int version;
		uint32_t at;
		uint8_t value;
	} rows[] = {
		{ V4, 12, 0x81 },      /* IEEE 802.1Q */
		{ V4, 14, 0x46 },      /* an option */
		{ V4, 14, 0x44 },      /* no room for the header */
		{ V4, 14, 0x65 },      /* another version */
		{ V4, 17, 0 },         /* length left to the NIC */
		{ V4, 17, 19 },        /* shorter than the header */
		{ V4, 17, 39 },        /* TCP's does not fit */
		{ V4, 20, 0x20 },      /* more fragments */
		{ V4, 21, 1 },         /* a later one */
		{ V4, 34 + 12, 0x40 }, /* a TCP header of 16 bytes */
		{ V4, 34 + 12, 0x80 }, /* of 32, where 30 are left */
		{ V6, 14, 0x40 },      /* another version */
		{ V6, 19, 0 },         /* a jumbogram */
		{ V6, 19, 19 },        /* TCP's does not fit */
		{ V6, 20, 0 },         /* hop-by-hop options */
		{ V6, 20, 44 },        /* a fragment */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		struct raw f = tcp_frame(rows[i].version, 0, 10);

		assert_int_equal(is_plain_frame(&f), 1);
		f.at[rows[i].at] = rows[i].value;
		assert_int_equal(is_plain_frame(&f), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tcp_cut_at_every_byte),
		cmocka_unit_test(udp_cut_at_every_byte),
		cmocka_unit_test(without_link_header),
		cmocka_unit_test(ports_of_tunnels),
		cmocka_unit_test(other_protocols),
		cmocka_unit_test(any_byte_changed),
		cmocka_unit_test(shapes_left_to_the_parser),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
