/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * chunk.c: random packets metered in consecutive chunks and merged give the flow that metering them
 * at once gives, byte by byte; and what is left where chunks overlap, are empty or full.
 */
#include "chunk.h"

#include "frames.h"

#include "meter/meter.h"

#define MS 1000000ull
#define T0 (1700000000000 * MS)

#define FLOWS 20000
#define MOST  12 /* packets of a chunk */

/* The numbers of a chunk. */
struct numbers {
	struct flow_counters c;
	struct flow_stats s;
	struct flow_tcp t;
};

static void merge(struct numbers *into, struct numbers *from)
{
	const struct flow_chunk a = { &into->c, &into->s, &into->t };
	const struct flow_chunk b = { &from->c, &from->s, &from->t };
	const struct numbers before = *from;

	chunk_merge(&a, &b);
	assert_memory_equal(from, &before, sizeof(before));
}

static void add(struct numbers *n, struct packet p)
{
	static const struct meter_config config = { .accounting = ACCOUNT_LINK };

	if (!n->c.dir[0].packets && !n->c.dir[1].packets)
		meter_open(&n->c, &p);
	meter_update(&n->c, &n->s, &n->t, &p, &config);
}

static struct packet packet(uint8_t dir, uint64_t time_ns, uint32_t size)
{
	struct packet p = {
		.key = { .protocol = PROTO_TCP, .ip_version = 4 },
		.time_ns = time_ns,
		.size = { size, size, size, size },
		.segments = 1,
		.tcp_window = 1,
		.dir = dir,
		.ttl = 64,
		.has_l4 = 1,
	};

	return p;
}

static uint64_t random_state;

static uint32_t below(uint32_t bound)
{
	random_state = random_state * 6364136223846793005ull + 1442695040888963407ull;
	return (random_state >> 33) % bound;
}

/* Of a stream without loss: seq is where the direction stands. */
static struct packet random_packet(uint64_t time_ns, uint32_t seq[2], uint32_t one_way)
{
	struct packet p = packet(below(8) < one_way, time_ns, 1 + below(1500));

	p.segments = below(3) ? 1 : 1 + below(5);
	p.segment_extra = p.segments > 1 ? below(1000) : 0;
	p.tcp_flags = below(256) & ~TCP_FLAG_SYN;
	p.tcp_window = below(2);
	p.tcp_seq = seq[p.dir];
	p.ttl = below(256);
	p.tos = below(256);
	seq[p.dir] += meter_bytes(&p, p.size[ACCOUNT_PAYLOAD]) + !!(p.tcp_flags & TCP_FLAG_FIN);
	return p;
}

/*
 * Packets at the same time are told apart by nothing, so two chunks must not lie in one moment: the
 * last packet of several is later than the first, and a chunk of one is not followed at once.
 */
static uint64_t random_step(uint32_t at, uint32_t count, uint32_t count_before)
{
	uint32_t must = at ? at + 1 == count : count_before == 1;

	switch (below(8)) {
	case 0:
	case 1: return must;
	case 2: return 1 + below(10);
	case 3: return below(1000) * 31557600000 * MS / 1000; /* of a year: squares past 64 bits */
	default: return 1 + below(60000) * MS;
	}
}

static void random_flow(struct numbers *whole, struct numbers *chunks, int count)
{
	uint32_t seq[2] = { below(UINT32_MAX), 0u - below(3000) }, before = 0;
	uint64_t now = T0;

	*whole = (struct numbers){ 0 };
	memset(chunks, 0, sizeof(*chunks) * count);
	for (int i = 0; i < count; i++) {
		uint32_t packets = 1 + below(MOST), one_way = below(9);

		for (uint32_t n = 0; n < packets; n++) {
			struct packet p;

			now += random_step(n, packets, before);
			p = random_packet(now, seq, one_way);
			add(whole, p);
			add(&chunks[i], p);
		}
		before = packets;
	}
}

static void assert_merged(const struct numbers *merged, const struct numbers *whole)
{
	assert_memory_equal(&merged->c, &whole->c, sizeof(whole->c));
	assert_memory_equal(&merged->s, &whole->s, sizeof(whole->s));
	for (int dir = 0; dir < 2; dir++) {
		const struct flow_tcp_dir *a = &merged->t.dir[dir], *b = &whole->t.dir[dir];

		assert_int_equal(a->zero_window, b->zero_window);
		assert_int_equal(a->retransmitted, 0);
		assert_int_equal(a->out_of_order, 0);
	}
}

static void two_chunks(void **state)
{
	struct numbers whole, chunks[2], into[2];

	(void)state;
	random_state = 1;
	for (int i = 0; i < FLOWS; i++) {
		random_flow(&whole, chunks, 2);
		for (int first = 0; first < 2; first++) {
			memcpy(into, chunks, sizeof(into));
			merge(&into[first], &into[!first]);
			assert_merged(&into[first], &whole);
		}
	}
}

/* All ways to merge three neighbours. */
static void three_chunks(void **state)
{
	static const struct {
		int into, from, then_into, then_from;
	} ways[] = {
		{ 0, 1, 0, 2 }, { 1, 0, 1, 2 }, { 1, 2, 1, 0 }, { 2, 1, 2, 0 },
		{ 0, 1, 2, 0 }, { 1, 0, 2, 1 }, { 1, 2, 0, 1 }, { 2, 1, 0, 2 },
	};
	struct numbers whole, chunks[3], copy[3];

	(void)state;
	random_state = 2;
	for (int i = 0; i < FLOWS; i++) {
		random_flow(&whole, chunks, 3);
		for (size_t w = 0; w < sizeof(ways) / sizeof(ways[0]); w++) {
			memcpy(copy, chunks, sizeof(copy));
			merge(&copy[ways[w].into], &copy[ways[w].from]);
			merge(&copy[ways[w].then_into], &copy[ways[w].then_from]);
			assert_merged(&copy[ways[w].then_into], &whole);
		}
	}
}

static void an_empty_chunk_is_nothing(void **state)
{
	struct numbers whole, chunk, empty;

	(void)state;
	random_state = 3;
	for (int i = 0; i < 1000; i++) {
		random_flow(&whole, &chunk, 1);
		chunk.c.emitted = 7;
		chunk.c.appetite = APPETITE_METADATA;
		chunk.c.previous_ns = T0 - 1;
		whole = chunk;
		empty = (struct numbers){ 0 };
		merge(&chunk, &empty);
		assert_memory_equal(&chunk, &whole, sizeof(whole));
		merge(&empty, &chunk);
		assert_memory_equal(&empty, &whole, sizeof(whole));
	}
	empty = chunk = (struct numbers){ 0 };
	merge(&chunk, &empty);
	assert_memory_equal(&chunk, &empty, sizeof(empty));
}

static void assert_gaps(const struct flow_gaps *g, uint64_t min, uint64_t max, uint64_t squares)
{
	assert_int_equal(~g->inv_min_ns, min);
	assert_int_equal(g->max_ns, max);
	assert_int_equal(g->squares.lo, squares);
	assert_int_equal(g->squares.hi, 0);
}

/* A: dir 0 at 0, 10 ms. B: dir 0 at 4 ms, dir 1 at 6, 7 ms. The gap in between is 0. */
static void chunks_that_overlap(void **state)
{
	struct numbers a = { 0 }, b = { 0 }, swapped_a, swapped_b;

	(void)state;
	add(&a, packet(0, T0, 100));
	add(&a, packet(0, T0 + 10 * MS, 100));
	add(&b, packet(0, T0 + 4 * MS, 60));
	add(&b, packet(1, T0 + 6 * MS, 200));
	add(&b, packet(1, T0 + 7 * MS, 200));
	swapped_a = a;
	swapped_b = b;
	merge(&a, &b);
	assert_int_equal(a.c.dir[0].packets, 3);
	assert_int_equal(a.c.dir[0].bytes, 260);
	assert_int_equal(meter_first_ns(&a.c), T0);
	assert_int_equal(meter_last_ns(&a.c), T0 + 10 * MS);
	assert_int_equal(a.c.dir[1].first_ns, T0 + 6 * MS);
	assert_gaps(&a.s.dir[0].gaps, 0, 10 * MS, 100 * MS * MS);
	assert_gaps(&a.s.dir[1].gaps, 1 * MS, 1 * MS, 1 * MS * MS);
	assert_gaps(&a.s.gaps, 0, 10 * MS, 105 * MS * MS);
	merge(&swapped_b, &swapped_a);
	assert_memory_equal(&swapped_b.c, &a.c, sizeof(a.c));
	assert_memory_equal(&swapped_b.s, &a.s, sizeof(a.s));
}

/* Apart in a direction, together overlapping: each gap by its own times. */
static void directions_that_do_not_overlap(void **state)
{
	struct numbers a = { 0 }, b = { 0 };

	(void)state;
	add(&a, packet(0, T0, 1));
	add(&a, packet(1, T0 + 9 * MS, 1));
	add(&b, packet(0, T0 + 3 * MS, 1));
	add(&b, packet(1, T0 + 5 * MS, 1));
	merge(&b, &a);
	assert_gaps(&b.s.dir[0].gaps, 3 * MS, 3 * MS, 9 * MS * MS);
	assert_gaps(&b.s.dir[1].gaps, 4 * MS, 4 * MS, 16 * MS * MS);
	assert_gaps(&b.s.gaps, 0, 9 * MS, (81 + 4) * MS * MS);
}

/* The source and the type of service are those of the first packet. */
static void the_first_packet_decides(void **state)
{
	struct numbers a = { 0 }, b = { 0 };
	struct packet p = packet(1, T0, 1);

	(void)state;
	p.tos = 0x10;
	add(&a, p);
	p = packet(0, T0 + 1, 1);
	p.tos = 0x20;
	add(&a, p);
	p = packet(0, T0 + 2, 1);
	p.tos = 0x30;
	add(&b, p);
	p.dir = 1;
	add(&b, p);
	a.c.previous_ns = 5;
	b.c.previous_ns = T0 + 1;
	merge(&b, &a);
	assert_int_equal(b.c.initiator, 1);
	assert_int_equal(b.c.dir[1].tos, 0x10);
	assert_int_equal(b.c.dir[0].tos, 0x20);
	assert_int_equal(b.c.previous_ns, 5);
}

static void what_kernel_and_agent_keep(void **state)
{
	struct numbers a = { 0 }, b = { 0 };

	(void)state;
	add(&a, packet(0, T0, 1));
	add(&b, packet(0, T0 + 1, 1));
	a.c.state = 0x1122334455667788;
	b.c.state = 0x99;
	a.c.emitted = 7;
	b.c.emitted = UINT32_MAX - 8;
	b.c.appetite = APPETITE_NOTHING;
	merge(&a, &b);
	assert_int_equal(a.c.state, 0x1122334455667788);
	assert_int_equal(a.c.emitted, UINT32_MAX - 1);
	assert_int_equal(a.c.appetite, APPETITE_NOTHING);
	merge(&a, &b);
	assert_int_equal(a.c.emitted, UINT32_MAX);
}

static void sums_carry(void **state)
{
	struct numbers a = { 0 }, b = { 0 };

	(void)state;
	add(&a, packet(0, T0, 0));
	add(&b, packet(0, T0, 0));
	a.s.dir[0].size_squares = (struct sum128){ .lo = UINT64_MAX, .hi = 1 };
	b.s.dir[0].size_squares = (struct sum128){ .lo = 2, .hi = 3 };
	a.s.gaps.squares = (struct sum128){ .lo = 1ull << 63, .hi = 0 };
	b.s.gaps.squares = (struct sum128){ .lo = 1ull << 63, .hi = 0 };
	a.s.dir[0].gaps.squares = (struct sum128){ .lo = UINT64_MAX, .hi = 5 };
	b.s.dir[0].gaps.squares = (struct sum128){ .lo = UINT64_MAX, .hi = 6 };
	merge(&a, &b);
	assert_int_equal(a.s.dir[0].size_squares.lo, 1);
	assert_int_equal(a.s.dir[0].size_squares.hi, 5);
	assert_int_equal(a.s.gaps.squares.lo, 0);
	assert_int_equal(a.s.gaps.squares.hi, 1);
	assert_int_equal(a.s.dir[0].gaps.squares.lo, UINT64_MAX - 1);
	assert_int_equal(a.s.dir[0].gaps.squares.hi, 12);
}

static struct packet data(uint64_t time_ns, uint32_t seq)
{
	struct packet p = packet(0, time_ns, 100);

	p.tcp_seq = seq;
	return p;
}

/* Counts add up; where the sequence stands is the later chunk's, if it has data. */
static void sequence_numbers(void **state)
{
	struct numbers a = { 0 }, b = { 0 }, ack = { 0 };

	(void)state;
	add(&a, data(T0, 0));
	add(&a, data(T0 + 1, 0));
	add(&a, data(T0 + 2, 200));
	add(&a, data(T0 + 3, 100));
	add(&b, data(T0 + 4, 300));
	add(&b, data(T0 + 5, 300));
	add(&b, data(T0 + 6, 500));
	add(&ack, packet(0, T0 + 7, 0));
	merge(&a, &b);
	assert_int_equal(a.t.dir[0].retransmitted, 2);
	assert_int_equal(a.t.dir[0].out_of_order, 1);
	assert_int_equal(a.c.next_seq[0], 600);
	assert_int_equal(a.t.dir[0].hole_seq, 400);
	assert_int_equal(a.t.dir[0].hole_end, 500);
	merge(&a, &ack);
	assert_int_equal(a.c.next_seq[0], 600);
	merge(&ack, &b);
	assert_int_equal(ack.c.next_seq[0], 600);
	assert_int_equal(ack.t.dir[0].hole_end, 500);
}

static void what_is_not_counted(void **state)
{
	struct numbers a = { 0 }, b = { 0 }, none = { 0 };
	struct flow_chunk into = { &a.c, NULL, NULL }, from = { &b.c, NULL, NULL };

	(void)state;
	add(&a, packet(0, T0, 10));
	add(&b, packet(0, T0 + 1, 20));
	a.s = none.s;
	chunk_merge(&into, &from);
	assert_int_equal(a.c.dir[0].packets, 2);
	assert_int_equal(a.c.dir[0].bytes, 30);
	from.stats = &b.s;
	from.tcp = &b.t;
	chunk_merge(&into, &from);
	assert_int_equal(a.c.dir[0].packets, 3);
	into.stats = &a.s;
	into.tcp = &a.t;
	from.stats = NULL;
	from.tcp = NULL;
	chunk_merge(&into, &from);
	assert_int_equal(a.c.dir[0].packets, 4);
	assert_memory_equal(&a.s, &none.s, sizeof(none.s));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_chunks),
		cmocka_unit_test(three_chunks),
		cmocka_unit_test(an_empty_chunk_is_nothing),
		cmocka_unit_test(chunks_that_overlap),
		cmocka_unit_test(directions_that_do_not_overlap),
		cmocka_unit_test(the_first_packet_decides),
		cmocka_unit_test(what_kernel_and_agent_keep),
		cmocka_unit_test(sums_carry),
		cmocka_unit_test(sequence_numbers),
		cmocka_unit_test(what_is_not_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
