/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The canonical flow key: packets of both directions have the same one, and packet.dir tells the
 * sender whatever the order of the endpoints is.
 */
#include "frames.h"

#include "meter/key.h"

/* A packet from an endpoint to another; the last byte of each address is given. */
static struct packet packet_of(uint8_t src, uint16_t src_port, uint8_t dst, uint16_t dst_port)
{
	struct packet p = { .key = { .protocol = PROTO_TCP, .ip_version = 4, .vlan_id = 5 } };

	p.key.addr[0][10] = p.key.addr[0][11] = p.key.addr[1][10] = p.key.addr[1][11] = 0xff;
	p.key.addr[0][12] = p.key.addr[1][12] = 10;
	p.key.addr[0][15] = src;
	p.key.addr[1][15] = dst;
	p.key.port[0] = meter_be16(src_port);
	p.key.port[1] = meter_be16(dst_port);
	return p;
}

static struct packet answer_to(const struct packet *p)
{
	struct packet answer = *p;

	memcpy(answer.key.addr[0], p->key.addr[1], 16);
	memcpy(answer.key.addr[1], p->key.addr[0], 16);
	answer.key.port[0] = p->key.port[1];
	answer.key.port[1] = p->key.port[0];
	return answer;
}

/* Whoever is addr[dir] sent it. */
static void assert_sender(const struct packet *canonical, const struct packet *sent)
{
	assert_memory_equal(canonical->key.addr[canonical->dir], sent->key.addr[0], 16);
	assert_memory_equal(canonical->key.addr[!canonical->dir], sent->key.addr[1], 16);
	assert_int_equal(canonical->key.port[canonical->dir], sent->key.port[0]);
	assert_int_equal(canonical->key.port[!canonical->dir], sent->key.port[1]);
}

static void assert_same_flow(struct packet there)
{
	struct packet back = answer_to(&there), a = there, b = back;

	key_canonicalize(&a);
	key_canonicalize(&b);
	assert_memory_equal(&a.key, &b.key, sizeof(a.key));
	assert_true(key_equal(&a.key, &b.key));
	assert_int_equal(a.dir + b.dir, 1);
	assert_sender(&a, &there);
	assert_sender(&b, &back);
}

static void both_directions_share_a_key(void **state)
{
	(void)state;
	assert_same_flow(packet_of(1, 40000, 2, 80));
	assert_same_flow(packet_of(2, 40000, 1, 80));
	assert_same_flow(packet_of(1, 0, 2, 0));
	assert_same_flow(packet_of(0, 0, 255, 65535));
}

/* Each byte of an address alone decides, in either half. */
static void every_address_byte_counts(void **state)
{
	(void)state;
	for (int byte = 0; byte < 16; byte++) {
		struct packet p = packet_of(1, 1000, 1, 1000);

		p.key.addr[1][byte] ^= 0x80;
		assert_same_flow(p);
		p.key.addr[0][15 - byte] ^= 0x01;
		if (memcmp(p.key.addr[0], p.key.addr[1], 16))
			assert_same_flow(p);
	}
}

static void one_host_talks_to_itself(void **state)
{
	(void)state;
	assert_same_flow(packet_of(1, 40000, 1, 80));
	assert_same_flow(packet_of(1, 80, 1, 40000));
	assert_same_flow(packet_of(1, 255, 1, 256)); /* ports in network order sort differently */
	assert_same_flow(packet_of(1, 0, 1, 65535));
}

/* Nothing tells the directions apart: there is one, and it stays as it is. */
static void source_equals_destination(void **state)
{
	struct packet p = packet_of(7, 123, 7, 123), before = p;

	(void)state;
	key_canonicalize(&p);
	assert_int_equal(p.dir, 0);
	assert_memory_equal(&p.key, &before.key, sizeof(p.key));
}

static void dir_is_set_even_if_it_was_not_zero(void **state)
{
	struct packet p = packet_of(1, 2, 3, 4);

	(void)state;
	key_canonicalize(&p);
	p.dir = 1;
	key_canonicalize(&p);
	assert_int_equal(p.dir, 0);
}

static void the_rest_of_the_key_stays(void **state)
{
	struct packet p = packet_of(9, 1, 3, 2);

	(void)state;
	p.key.tunnel_id = 0x123456;
	p.key.interface = 77;
	p.key.tunnel = TUNNEL_VXLAN;
	for (int i = 0; i < 2; i++) {
		key_canonicalize(&p);
		assert_int_equal(p.key.vlan_id, 5);
		assert_int_equal(p.key.protocol, PROTO_TCP);
		assert_int_equal(p.key.ip_version, 4);
		assert_int_equal(p.key.tunnel_id, 0x123456);
		assert_int_equal(p.key.interface, 77);
		assert_int_equal(p.key.tunnel, TUNNEL_VXLAN);
		p = answer_to(&p);
	}
}

static void keys_differ_by_any_bit(void **state)
{
	struct packet p = packet_of(1, 2, 3, 4);

	(void)state;
	for (size_t byte = 0; byte < sizeof(p.key); byte++) {
		for (int bit = 0; bit < 8; bit++) {
			struct flow_key other = p.key;

			((uint8_t *)&other)[byte] ^= 1 << bit;
			assert_false(key_equal(&p.key, &other));
			assert_false(key_equal(&other, &p.key));
		}
	}
	assert_true(key_equal(&p.key, &p.key));
}

/* From bytes on the wire: a request and its answer. */
static void parsed_packets_share_a_key(void **state)
{
	struct raw f = { 0 };
	struct packet there, back;

	(void)state;
	raw_ethernet(&f, 0x0800);
	raw_segment(&f);
	assert_int_equal(raw_parse(&f, &there), PARSE_DONE);
	f.at[26 + 3] = 2; /* source address, destination address, ports */
	f.at[30 + 3] = 1;
	raw_set16(&f, 34, 80);
	raw_set16(&f, 36, 1000);
	assert_int_equal(raw_parse(&f, &back), PARSE_DONE);
	key_canonicalize(&there);
	key_canonicalize(&back);
	assert_true(key_equal(&there.key, &back.key));
	assert_int_equal(there.dir + back.dir, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_directions_share_a_key),
		cmocka_unit_test(every_address_byte_counts),
		cmocka_unit_test(one_host_talks_to_itself),
		cmocka_unit_test(source_equals_destination),
		cmocka_unit_test(dir_is_set_even_if_it_was_not_zero),
		cmocka_unit_test(the_rest_of_the_key_stays),
		cmocka_unit_test(keys_differ_by_any_bit),
		cmocka_unit_test(parsed_packets_share_a_key),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
