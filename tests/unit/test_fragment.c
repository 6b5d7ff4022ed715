/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The fragment table: later fragments get the flow of their datagram's first, and nobody else's.
 */
#include "frames.h"

#include "meter/fragment.h"
#include "meter/key.h"

#define SECOND_NS 1000000000ull
#define START_NS  (1700000000 * SECOND_NS)

static struct fragment_slot *table; /* FRAGMENT_SLOTS, zeroed before each test */

static int begin(void **state)
{
	(void)state;
	table = calloc(FRAGMENT_SLOTS, sizeof(*table));
	return table ? 0 : -1;
}

static int end(void **state)
{
	(void)state;
	free(table);
	return 0;
}

/* 10.0.0.from -> 10.0.0.(3 - from), one fragment of a UDP datagram from port 9999 to 53. */
static struct packet fragment(uint8_t from, uint32_t id, int first, uint64_t time_ns)
{
	struct raw f = { 0 };
	struct packet p;

	raw_ethernet(&f, 0x0800);
	raw_ipv4(&f, 0, PROTO_UDP);
	raw_udp(&f, 9999, 53);
	raw_fill(&f, 24, 0);
	raw_seal(&f);
	raw_set16(&f, 14 + 4, id);
	raw_set16(&f, 14 + 6, first ? 0x2000 : 0x0004);
	f.at[14 + 15] = from;
	f.at[14 + 19] = 3 - from;
	assert_int_equal(raw_parse(&f, &p), PARSE_DONE);
	p.time_ns = time_ns;
	key_canonicalize(&p);
	return p;
}

static void resolve(struct packet *p)
{
	fragment_resolve(&table[fragment_slot_of(p)], p);
}

static void assert_joined(const struct packet *later, const struct packet *first)
{
	assert_true(key_equal(&later->key, &first->key));
	assert_int_equal(later->dir, first->dir);
	assert_int_not_equal(later->key.port[0], 0);
}

static void assert_alone(const struct packet *later)
{
	assert_int_equal(later->key.port[0], 0);
	assert_int_equal(later->key.port[1], 0);
	assert_int_equal(later->key.protocol, PROTO_UDP);
}

static void in_order(void **state)
{
	(void)state;
	for (uint8_t from = 1; from <= 2; from++) {
		struct packet first = fragment(from, 77, 1, START_NS), before = first;
		struct packet later = fragment(from, 77, 0, START_NS);

		resolve(&first);
		assert_memory_equal(&first, &before, sizeof(first));
		resolve(&later);
		assert_joined(&later, &first);
		later = fragment(from, 77, 0, START_NS + 1000);
		resolve(&later);
		assert_joined(&later, &first);
	}
}

static void before_its_first(void **state)
{
	struct packet first = fragment(1, 77, 1, START_NS);
	struct packet early = fragment(1, 77, 0, START_NS), late = early;

	(void)state;
	resolve(&early);
	assert_alone(&early);
	resolve(&first);
	resolve(&late);
	assert_joined(&late, &first);
}

/* Identity is source, destination, protocol, identification; the VLAN is ours. */
static void another_datagram(void **state)
{
	struct packet first = fragment(1, 77, 1, START_NS);
	struct packet others[] = {
		fragment(1, 78, 0, START_NS), fragment(2, 77, 0, START_NS),
		fragment(1, 77, 0, START_NS), fragment(1, 77, 0, START_NS),
		fragment(1, 77, 0, START_NS),
	};

	(void)state;
	others[2].fragment_id.protocol = PROTO_TCP;
	others[3].fragment_id.vlan_id = 4;
	others[4].fragment_id.ip_version = 6;
	/* Into the very slot, as if all hashes were equal. */
	fragment_resolve(&table[0], &first);
	for (int i = 0; i < 5; i++) {
		fragment_resolve(&table[0], &others[i]);
		assert_alone(&others[i]);
	}
}

/* A router's datagram is met where it comes in and where it goes out: each is another flow. */
static void the_same_datagram_at_two_interfaces(void **state)
{
	struct packet first[2], later[2];

	(void)state;
	for (int i = 0; i < 2; i++) {
		first[i] = fragment(1, 77, 1, START_NS);
		later[i] = fragment(1, 77, 0, START_NS);
		first[i].key.interface = later[i].key.interface = i + 1;
		resolve(&first[i]);
	}
	for (int i = 0; i < 2; i++) {
		resolve(&later[i]);
		assert_joined(&later[i], &first[i]);
	}
	/* Into the very slot, as if all hashes were equal. */
	later[1] = fragment(1, 77, 0, START_NS);
	later[1].key.interface = 2;
	fragment_resolve(&table[0], &first[0]);
	fragment_resolve(&table[0], &later[1]);
	assert_alone(&later[1]);
}

/* Whatever the datagram: all it crosses on its way have places of their own. */
static void one_datagram_at_every_interface(void **state)
{
	enum { INTERFACES = FRAGMENT_SLOTS - 1 }; /* by chance, some five would meet in one slot */

	(void)state;
	for (uint32_t id = 0; id < 20; id++) {
		struct packet first = fragment(1, id, 1, START_NS);

		for (int i = 1; i <= INTERFACES; i++) {
			first.key.interface = i;
			resolve(&first);
		}
		for (int i = 1; i <= INTERFACES; i++) {
			struct packet later = fragment(1, id, 0, START_NS);

			first.key.interface = later.key.interface = i;
			resolve(&later);
			assert_joined(&later, &first);
		}
	}
}

/* RFC 8200 section 4.5: 60 seconds. */
static void life_is_60_seconds(void **state)
{
	struct packet first = fragment(1, 77, 1, START_NS);
	struct packet just = fragment(1, 77, 0, START_NS + 60 * SECOND_NS - 1);
	struct packet over = fragment(1, 77, 0, START_NS + 60 * SECOND_NS);

	(void)state;
	resolve(&first);
	resolve(&over);
	assert_alone(&over);
	resolve(&just);
	assert_joined(&just, &first);
}

/* Files out of order, or a reordered capture. */
static void older_than_its_first(void **state)
{
	struct packet first = fragment(1, 77, 1, START_NS);
	struct packet older = fragment(1, 77, 0, START_NS - 3600 * SECOND_NS);

	(void)state;
	resolve(&first);
	resolve(&older);
	assert_joined(&older, &first);
}

/* Identifications wrap: the latest first fragment is the one. */
static void identification_is_used_again(void **state)
{
	struct packet old = fragment(1, 77, 1, START_NS);
	struct packet new = fragment(1, 77, 1, START_NS + 61 * SECOND_NS);
	struct packet later = fragment(1, 77, 0, START_NS + 62 * SECOND_NS);

	(void)state;
	new.key.port[0] = new.key.port[1] = meter_be16(4321);
	resolve(&old);
	resolve(&new);
	resolve(&later);
	assert_joined(&later, &new);
}

enum { SHARERS = FRAGMENT_WAYS + 1 };

/* First and later fragments of more datagrams than their one slot holds. */
static void in_one_slot(struct packet first[SHARERS], struct packet later[SHARERS])
{
	uint32_t id = 0;

	for (int i = 0; i < SHARERS; i++) {
		do {
			assert_in_range(id, 0, 65535);
			first[i] = fragment(1, id++, 1, START_NS);
		} while (fragment_slot_of(&first[i]) != fragment_slot_of(&first[0]));
		first[i].key.port[0] = first[i].key.port[1] = meter_be16(4321 + i);
		later[i] = fragment(1, id - 1, 0, START_NS);
	}
}

/* As several senders have it: fragments of one between those of another. */
static void datagrams_share_a_slot(void **state)
{
	struct packet first[SHARERS], later[SHARERS];

	(void)state;
	in_one_slot(first, later);
	for (int i = 0; i < SHARERS - 1; i++)
		for (int again = 0; again < 3; again++) /* a repeated first forgets nobody */
			resolve(&first[i]);
	for (int i = 0; i < SHARERS - 1; i++) {
		resolve(&later[i]);
		assert_joined(&later[i], &first[i]);
	}
}

static void one_too_many_forgets_the_oldest(void **state)
{
	struct packet first[SHARERS], later[SHARERS];

	(void)state;
	in_one_slot(first, later);
	for (int i = 0; i < SHARERS; i++)
		resolve(&first[i]);
	resolve(&later[0]);
	assert_alone(&later[0]);
	for (int i = 1; i < SHARERS; i++) {
		resolve(&later[i]);
		assert_joined(&later[i], &first[i]);
	}
}

/* A random function of as many hits 4096 * (1 - 1/e) = 2589 of the slots, give or take 20. */
static void assert_spread(int hosts, int ids, uint32_t id_step)
{
	uint8_t used[FRAGMENT_SLOTS] = { 0 };
	int slots = 0;

	for (int i = 0; i < hosts * ids; i++) {
		struct packet p = fragment(1, 0, 1, START_NS);
		uint32_t slot;

		p.fragment_id.addr[0][15] = i % hosts;
		p.fragment_id.id = meter_be32(i / hosts * id_step);
		slot = fragment_slot_of(&p);
		assert_in_range(slot, 0, FRAGMENT_SLOTS - 1);
		slots += !used[slot];
		used[slot] = 1;
	}
	assert_in_range(slots, 2500, FRAGMENT_SLOTS);
}

/* Datagrams in flight at once: of one host, of many, with identifications of 16 and 32 bits. */
static void neighbours_spread(void **state)
{
	(void)state;
	assert_spread(1, FRAGMENT_SLOTS, 1);
	assert_spread(1, FRAGMENT_SLOTS, 1 << 16);
	assert_spread(1, FRAGMENT_SLOTS, 1 << 20);
	assert_spread(256, FRAGMENT_SLOTS / 256, 1);
	assert_spread(64, FRAGMENT_SLOTS / 64, 1 << 16);
}

/* On one host only the ports tell the directions apart, and a later fragment has none. */
static void one_host_talks_to_itself(void **state)
{
	int dirs = 0;

	(void)state;
	for (int back = 0; back < 2; back++) {
		struct packet p[2];

		for (int later = 0; later < 2; later++) {
			p[later] = fragment(1, 77 + back, !later, START_NS);
			memcpy(p[later].key.addr[1], p[later].key.addr[0], 16);
			memcpy(p[later].fragment_id.addr, p[later].key.addr, 32);
			if (!later) {
				p[0].key.port[back] = meter_be16(9999);
				p[0].key.port[!back] = meter_be16(53);
			}
			key_canonicalize(&p[later]);
			resolve(&p[later]);
		}
		assert_joined(&p[1], &p[0]);
		dirs += p[1].dir;
	}
	assert_int_equal(dirs, 1);
}

/* RFC 8200: the identity has no protocol, since a fragment header may name another one. */
static void ipv6_joins_whatever_the_next_header(void **state)
{
	struct packet p[2];

	(void)state;
	for (int later = 0; later < 2; later++) {
		struct raw f = { 0 };

		raw_ethernet(&f, 0x86dd);
		raw_ipv6(&f, 0, PROTO_FRAGMENT);
		raw_fragment6(&f, PROTO_DEST_OPTIONS, later ? 2 : 0, !later, 0xdeadbeef);
		raw_extension(&f, PROTO_UDP, 0);
		raw_udp(&f, 1000, 2000);
		raw_seal(&f);
		assert_int_equal(raw_parse(&f, &p[later]), PARSE_DONE);
		p[later].time_ns = START_NS;
		key_canonicalize(&p[later]);
		resolve(&p[later]);
	}
	assert_int_equal(p[0].key.protocol, PROTO_UDP);
	assert_joined(&p[1], &p[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(in_order, begin, end),
		cmocka_unit_test_setup_teardown(before_its_first, begin, end),
		cmocka_unit_test_setup_teardown(another_datagram, begin, end),
		cmocka_unit_test_setup_teardown(the_same_datagram_at_two_interfaces, begin, end),
		cmocka_unit_test_setup_teardown(one_datagram_at_every_interface, begin, end),
		cmocka_unit_test_setup_teardown(life_is_60_seconds, begin, end),
		cmocka_unit_test_setup_teardown(older_than_its_first, begin, end),
		cmocka_unit_test_setup_teardown(identification_is_used_again, begin, end),
		cmocka_unit_test_setup_teardown(datagrams_share_a_slot, begin, end),
		cmocka_unit_test_setup_teardown(one_too_many_forgets_the_oldest, begin, end),
		cmocka_unit_test_setup_teardown(neighbours_spread, begin, end),
		cmocka_unit_test_setup_teardown(one_host_talks_to_itself, begin, end),
		cmocka_unit_test_setup_teardown(ipv6_joins_whatever_the_next_header, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
