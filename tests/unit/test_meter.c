/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * meter.h: what a packet adds to its flow. Sums are compared with arithmetic of 128 bits, a
 * super-packet with the segments that it stands for.
 */
#include "frames.h"

#include "meter/meter.h"

#define MS 1000000ull
#define T0 (1700000000000 * MS)

struct flow_under_test {
	struct meter_config config;
	struct flow_counters c;
	struct flow_stats s;
	struct flow_tcp t;
};

static struct flow_under_test new_flow(enum accounting accounting)
{
	struct flow_under_test f = { .config = { .accounting = accounting } };

	return f;
}

static struct packet packet(uint8_t dir, uint64_t time_ns, uint32_t size)
{
	struct packet p = {
		.key = { .protocol = PROTO_TCP, .ip_version = 4 },
		.time_ns = time_ns,
		.size = { size, size, size, size },
		.segments = 1,
		.dir = dir,
		.ttl = 64,
		.has_l4 = 1,
	};

	return p;
}

static uint64_t add(struct flow_under_test *f, struct packet p)
{
	meter_update(&f->c, &f->s, &f->t, &p, &f->config);
	return p.gap_ns;
}

static unsigned __int128 value_of(struct sum128 sum)
{
	return (unsigned __int128)sum.hi << 64 | sum.lo;
}

static void assert_gaps(const struct flow_gaps *g, uint64_t min, uint64_t max,
			unsigned __int128 squares)
{
	assert_int_equal(~g->inv_min_ns, min);
	assert_int_equal(g->max_ns, max);
	assert_true(value_of(g->squares) == squares);
}

static const struct flow_gaps no_gaps;

static void counters_of_each_direction(void **state)
{
	struct flow_under_test f = new_flow(ACCOUNT_LINK);

	(void)state;
	add(&f, packet(0, T0, 60));
	add(&f, packet(1, T0 + 1 * MS, 1500));
	add(&f, packet(0, T0 + 5 * MS, 54));
	add(&f, packet(0, T0 + 7 * MS, 100));
	assert_int_equal(f.c.dir[0].packets, 3);
	assert_int_equal(f.c.dir[0].bytes, 214);
	assert_int_equal(f.c.dir[0].first_ns, T0);
	assert_int_equal(f.c.dir[0].last_ns, T0 + 7 * MS);
	assert_int_equal(f.c.dir[1].packets, 1);
	assert_int_equal(f.c.dir[1].bytes, 1500);
	assert_int_equal(f.c.dir[1].first_ns, T0 + 1 * MS);
	assert_int_equal(f.c.dir[1].last_ns, T0 + 1 * MS);
	assert_int_equal(meter_first_ns(&f.c), T0);
	assert_int_equal(meter_last_ns(&f.c), T0 + 7 * MS);
}

static void accounting_chooses_the_size(void **state)
{
	(void)state;
	for (int mode = 0; mode < ACCOUNT_MODES; mode++) {
		struct flow_under_test f = new_flow(mode);
		struct packet p = packet(0, T0, 0);
		const uint32_t sizes[] = { 1000, 986, 966, 946 };

		memcpy(p.size, sizes, sizeof(sizes));
		add(&f, p);
		add(&f, p);
		assert_int_equal(f.c.dir[0].bytes, 2 * sizes[mode]);
		assert_int_equal(f.s.dir[0].max_size, sizes[mode]);
		assert_int_equal(~f.s.dir[0].inv_min_size, sizes[mode]);
	}
}

static void sizes_of_each_direction(void **state)
{
	struct flow_under_test f = new_flow(ACCOUNT_LINK);

	(void)state;
	add(&f, packet(1, T0, 100));
	add(&f, packet(1, T0, 40));
	add(&f, packet(1, T0, 1500));
	assert_int_equal(f.s.dir[1].max_size, 1500);
	assert_int_equal(~f.s.dir[1].inv_min_size, 40);
	assert_true(value_of(f.s.dir[1].size_squares) == 100 * 100 + 40 * 40 + 1500 * 1500);
	assert_int_equal(f.s.dir[0].max_size, 0);
	assert_int_equal(f.s.dir[0].inv_min_size, 0);
	assert_true(value_of(f.s.dir[0].size_squares) == 0);
}

static void sizes_of_nothing(void **state)
{
	struct flow_under_test f = new_flow(ACCOUNT_PAYLOAD);

	(void)state;
	add(&f, packet(0, T0, 0));
	assert_int_equal(f.c.dir[0].bytes, 0);
	assert_int_equal(f.s.dir[0].max_size, 0);
	assert_int_equal(~f.s.dir[0].inv_min_size, 0);
	add(&f, packet(0, T0, UINT32_MAX));
	assert_int_equal(f.s.dir[0].max_size, UINT32_MAX);
	assert_int_equal(~f.s.dir[0].inv_min_size, 0);
	assert_true(value_of(f.s.dir[0].size_squares) ==
		    (unsigned __int128)UINT32_MAX * UINT32_MAX);
}

/* Packets at 0, 3, 4, 10, 10 ms; the third is the answer. */
static void gaps_of_the_flow_and_of_its_directions(void **state)
{
	struct flow_under_test f = new_flow(ACCOUNT_LINK);

	(void)state;
	assert_int_equal(add(&f, packet(0, T0, 1)), 0);
	assert_memory_equal(&f.s.gaps, &no_gaps, sizeof(no_gaps));
	assert_int_equal(add(&f, packet(0, T0 + 3 * MS, 1)), 3 * MS);
	assert_int_equal(add(&f, packet(1, T0 + 4 * MS, 1)), 1 * MS);
	assert_memory_equal(&f.s.dir[1].gaps, &no_gaps, sizeof(no_gaps));
	assert_int_equal(add(&f, packet(0, T0 + 10 * MS, 1)), 6 * MS);
	assert_gaps(&f.s.dir[0].gaps, 3 * MS, 7 * MS, (9 + 49) * MS * MS);
	assert_int_equal(add(&f, packet(1, T0 + 10 * MS, 1)), 0);
	assert_gaps(&f.s.dir[1].gaps, 6 * MS, 6 * MS, 36 * MS * MS);
	assert_gaps(&f.s.gaps, 0, 6 * MS, (9 + 1 + 36) * MS * MS);
}

/* A packet older than its flow's last one adds a gap of zero, and time does not go back. */
static void an_older_packet_adds_no_gap(void **state)
{
	struct flow_under_test f = new_flow(ACCOUNT_LINK);

	(void)state;
	add(&f, packet(0, T0, 1));
	add(&f, packet(0, T0 + 10 * MS, 1));
	assert_int_equal(add(&f, packet(0, T0 + 4 * MS, 1)), 0);
	assert_gaps(&f.s.gaps, 0, 10 * MS, 100 * MS * MS);
	assert_gaps(&f.s.dir[0].gaps, 0, 10 * MS, 100 * MS * MS);
	assert_int_equal(f.c.dir[0].last_ns, T0 + 10 * MS);
	assert_int_equal(f.c.dir[0].packets, 3);
	assert_int_equal(add(&f, packet(0, T0 + 11 * MS, 1)), 1 * MS);
	assert_gaps(&f.s.gaps, 0, 10 * MS, 101 * MS * MS);
}

/* Gaps add up to last - first in the flow and in each direction, whatever the order of times. */
static void gaps_add_up(void **state)
{
	struct flow_under_test f = new_flow(ACCOUNT_LINK);
	uint64_t sum = 0, random = 1;

	(void)state;
	for (int i = 0; i < 1000; i++) {
		random = random * 6364136223846793005ull + 1442695040888963407ull;
		sum += add(&f, packet(random >> 63, T0 + (random >> 20) % (60000 * MS), 1));
	}
	assert_int_equal(sum, meter_last_ns(&f.c) - meter_first_ns(&f.c));
	assert_int_equal(f.c.dir[0].packets + f.c.dir[1].packets, 1000);
}

/* An older packet that opens the answer direction: no time before the flow's own. */
static void a_direction_opened_by_an_older_packet(void **state)
{
	struct flow_under_test f = new_flow(ACCOUNT_LINK);

	(void)state;
	add(&f, packet(0, T0, 1));
	assert_int_equal(add(&f, packet(1, T0 - 5 * MS, 1)), 0);
	assert_int_equal(meter_first_ns(&f.c), T0);
	assert_int_equal(meter_last_ns(&f.c), T0);
	assert_gaps(&f.s.gaps, 0, 0, 0);
}

/* Gaps of years: squares past 64 bits. */
static void squares_past_64_bits(void **state)
{
	const uint64_t year_ns = 31557600000 * MS;
	struct flow_under_test f = new_flow(ACCOUNT_LINK);
	unsigned __int128 expected = 0;

	(void)state;
	add(&f, packet(0, 0, 1));
	for (int i = 1; i <= 100; i++) {
		add(&f, packet(0, i * year_ns, 1));
		expected += (unsigned __int128)year_ns * year_ns;
	}
	assert_true(expected >> 64);
	assert_gaps(&f.s.gaps, year_ns, year_ns, expected);
	assert_gaps(&f.s.dir[0].gaps, year_ns, year_ns, expected);
}

static void squares_against_128_bit_arithmetic(void **state)
{
	struct sum128 sum = { 0 };
	unsigned __int128 expected = 0;

	(void)state;
	for (int bit = 0; bit < 64; bit++) {
		for (int step = -2; step <= 2; step++) {
			uint64_t x = (1ull << bit) + step;
			struct sum128 one = { 0 };

			meter_add_square(&one, x);
			assert_true(value_of(one) == (unsigned __int128)x * x);
			meter_add_square(&sum, x);
			expected += (unsigned __int128)x * x;
			assert_true(value_of(sum) == expected);
		}
	}
}

static void squares_of_random_numbers(void **state)
{
	uint64_t random = 42;

	(void)state;
	for (int i = 0; i < 100000; i++) {
		uint64_t before = random * 0x9e3779b97f4a7c15ull, x;
		struct sum128 sum = { .lo = before, .hi = i };
		unsigned __int128 expected = value_of(sum);

		random = random * 6364136223846793005ull + 1442695040888963407ull;
		x = random >> (i % 64);
		meter_add_square(&sum, x);
		assert_true(value_of(sum) == expected + (unsigned __int128)x * x);
	}
}

static void ttl_tos_and_flags(void **state)
{
	static const struct {
		uint8_t ttl, tos, flags;
	} rows[] = {
		{ 64, 0x10, 0x02 }, { 63, 0xb8, 0x10 }, { 255, 0x00, 0x18 }, { 0, 0x20, 0x11 }
	};
	struct flow_under_test f = new_flow(ACCOUNT_LINK);
	struct packet p;

	(void)state;
	for (int i = 0; i < 4; i++) {
		p = packet(1, T0 + i, 60);
		p.ttl = rows[i].ttl;
		p.tos = rows[i].tos;
		p.tcp_flags = rows[i].flags;
		add(&f, p);
	}
	assert_int_equal(f.c.dir[1].tos, 0x10); /* of the first packet */
	assert_int_equal(f.c.dir[1].tcp_flags, 0x1b);
	assert_int_equal(f.c.dir[1].ttl_max, 255);
	assert_int_equal(255 - f.c.dir[1].ttl_inv_min, 0);
	assert_int_equal(f.c.dir[0].tcp_flags, 0);
	assert_int_equal(*meter_flag_count(&f.s, 1, 0), 1); /* FIN */
	assert_int_equal(*meter_flag_count(&f.s, 1, 1), 1); /* SYN */
	assert_int_equal(*meter_flag_count(&f.s, 1, 3), 1); /* PSH */
	assert_int_equal(*meter_flag_count(&f.s, 1, 4), 3); /* ACK */
	assert_int_equal(*meter_flag_count(&f.s, 0, 4), 0);
	p = packet(0, T0 + 9, 60);
	add(&f, p);
	assert_int_equal(f.c.dir[0].ttl_max, 64);
	assert_int_equal(255 - f.c.dir[0].ttl_inv_min, 64);
}

/* 4 segments of 1400 bytes and one of 100. */
static struct packet super_packet(uint8_t dir, uint64_t time_ns, uint8_t flags)
{
	struct packet p = packet(dir, time_ns, 100);

	p.segments = 5;
	p.segment_extra = 1300;
	p.tcp_flags = flags;
	return p;
}

static void a_super_packet_counts_its_segments(void **state)
{
	struct flow_under_test f = new_flow(ACCOUNT_LINK);

	(void)state;
	add(&f, packet(0, T0, 60));
	assert_int_equal(add(&f, super_packet(0, T0 + 2 * MS, 0xff)), 2 * MS);
	assert_int_equal(f.c.dir[0].packets, 6);
	assert_int_equal(f.c.dir[0].bytes, 60 + 4 * 1400 + 100);
	assert_int_equal(~f.s.dir[0].inv_min_size, 60);
	assert_int_equal(f.s.dir[0].max_size, 1400);
	assert_true(value_of(f.s.dir[0].size_squares) == 60 * 60 + 100 * 100 + 4 * 1400 * 1400);
	assert_gaps(&f.s.gaps, 0, 2 * MS, 4 * MS * MS);
	assert_gaps(&f.s.dir[0].gaps, 0, 2 * MS, 4 * MS * MS);
}

/* CWR on the first segment, PSH and FIN on the last, the others on each. */
static void flags_of_a_super_packet(void **state)
{
	static const uint32_t expected[] = {
		1 /* FIN */, 5 /* SYN */, 5 /* RST */, 1 /* PSH */,
		5 /* ACK */, 5 /* URG */, 5 /* ECE */, 1 /* CWR */,
	};
	struct flow_under_test f = new_flow(ACCOUNT_LINK);

	(void)state;
	add(&f, super_packet(1, T0, 0xff));
	for (int bit = 0; bit < TCP_FLAG_BITS; bit++)
		assert_int_equal(*meter_flag_count(&f.s, 1, bit), expected[bit]);
	assert_int_equal(f.c.dir[1].tcp_flags, 0xff);
}

/* Metered whole or in pieces, a super-packet leaves the same flow. */
static void a_super_packet_equals_its_segments(void **state)
{
	struct flow_under_test whole = new_flow(ACCOUNT_LINK), pieces = whole;

	(void)state;
	for (int round = 0; round < 3; round++) {
		uint64_t now = T0 + round * 7 * MS;
		uint8_t dir = round == 1;
		struct packet p = super_packet(dir, now, 0x98); /* CWR, ACK, PSH */

		p.tcp_seq = 1000 + round / 2 * 5700;
		p.tcp_window = 1;
		add(&whole, p);
		for (int i = 0; i < 5; i++) {
			struct packet piece = packet(dir, now, i < 4 ? 1400 : 100);

			piece.tcp_flags = 0x10 | (i == 0 ? 0x80 : 0) | (i == 4 ? 0x08 : 0);
			piece.tcp_seq = p.tcp_seq + i * 1400;
			piece.tcp_window = 1;
			add(&pieces, piece);
		}
	}
	assert_memory_equal(&whole, &pieces, sizeof(whole));
	assert_int_equal(whole.c.dir[0].packets, 10);
}

/* More bytes than 32 bits hold. */
static void bytes_past_32_bits(void **state)
{
	struct flow_under_test f = new_flow(ACCOUNT_LINK);
	struct packet p = packet(0, T0, 1500);

	(void)state;
	p.segments = 3000000;
	add(&f, p);
	p.segment_extra = 2000;
	add(&f, p);
	assert_int_equal(f.c.dir[0].bytes, 2 * 4500000000 + 5999998000);
}

static void statistics_are_optional(void **state)
{
	struct flow_under_test f = new_flow(ACCOUNT_LINK);
	struct packet p = packet(0, T0, 60);

	(void)state;
	meter_update(&f.c, NULL, NULL, &p, &f.config);
	p.time_ns += 5;
	meter_update(&f.c, NULL, NULL, &p, &f.config);
	assert_int_equal(p.gap_ns, 5);
	assert_int_equal(f.c.dir[0].packets, 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counters_of_each_direction),
		cmocka_unit_test(accounting_chooses_the_size),
		cmocka_unit_test(sizes_of_each_direction),
		cmocka_unit_test(sizes_of_nothing),
		cmocka_unit_test(gaps_of_the_flow_and_of_its_directions),
		cmocka_unit_test(an_older_packet_adds_no_gap),
		cmocka_unit_test(gaps_add_up),
		cmocka_unit_test(a_direction_opened_by_an_older_packet),
		cmocka_unit_test(squares_past_64_bits),
		cmocka_unit_test(squares_against_128_bit_arithmetic),
		cmocka_unit_test(squares_of_random_numbers),
		cmocka_unit_test(ttl_tos_and_flags),
		cmocka_unit_test(a_super_packet_counts_its_segments),
		cmocka_unit_test(flags_of_a_super_packet),
		cmocka_unit_test(a_super_packet_equals_its_segments),
		cmocka_unit_test(bytes_past_32_bits),
		cmocka_unit_test(statistics_are_optional),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
