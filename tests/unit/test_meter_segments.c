/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * meter.h: random conversations of super-packets, metered whole and segment by segment, leave the
 * same flow after every packet. Sequence numbers are drawn from a small window, so that segments
 * repeat, leave gaps and fill them, in parts and across their edges.
 */
#include "frames.h"

#include "meter/meter.h"

#define MS 1000000ull
#define T0 (1700000000000 * MS)

#define FLOWS   6000
#define PACKETS 40

struct flow_under_test {
	struct flow_counters c;
	struct flow_stats s;
	struct flow_tcp t;
};

static uint64_t random_state;

static uint32_t below(uint32_t bound)
{
	random_state = random_state * 6364136223846793005ull + 1442695040888963407ull;
	return (random_state >> 33) % bound;
}

/* Where a conversation takes place, and what it counts. */
struct scene {
	struct meter_config config;
	uint64_t now;
	uint32_t base;   /* of the sequence numbers */
	uint32_t window; /* they are less than that from there */
	uint32_t most;   /* bytes a segment carries */
	uint8_t protocol;
};

static struct scene random_scene(void)
{
	struct scene s = {
		.config = { .accounting = below(ACCOUNT_MODES) },
		.now = T0,
		.base = below(4) ? below(UINT32_MAX) : 0u - below(300),
		.window = 20 + below(400),
		.most = below(2) ? 1 + below(12) : 1 + below(1448),
		.protocol = below(5) ? PROTO_TCP : PROTO_UDP,
	};

	return s;
}

/* Forward mostly, at once sometimes, back seldom. */
static uint64_t next_time(struct scene *s)
{
	switch (below(8)) {
	case 0: return s->now;
	case 1: return s->now - below(20 * MS);
	default: s->now += below(50 * MS); return s->now;
	}
}

static uint8_t random_flags(int whole)
{
	static const uint8_t common[] = { 0x10, 0x10, 0x18, 0x11, 0x19, 0x90, 0x14, 0x02, 0x12 };
	uint8_t flags = below(2) ? common[below(sizeof(common))] : below(256);

	return whole ? flags & ~TCP_FLAG_SYN : flags; /* nobody segments a SYN */
}

static void set_sizes(struct packet *p, uint32_t payload)
{
	p->size[ACCOUNT_LINK] = payload + 66;
	p->size[ACCOUNT_IP] = payload + 52;
	p->size[ACCOUNT_TRANSPORT] = payload + 32;
	p->size[ACCOUNT_PAYLOAD] = payload;
}

static struct packet random_packet(struct scene *s)
{
	struct packet p = {
		.key = { .protocol = s->protocol, .ip_version = 4 },
		.time_ns = next_time(s),
		.segments = below(3) ? 1 + below(12) : 1,
		.tcp_seq = s->base + below(s->window),
		.tcp_window = below(4) ? 500 : 0,
		.dir = below(3) == 0,
		.ttl = 60 + below(8),
		.tos = below(256),
		.has_l4 = below(20) > 0,
	};

	if (s->protocol == PROTO_TCP)
		p.tcp_flags = random_flags(p.segments > 1);
	if (p.segments > 1) {
		uint32_t full = 1 + below(s->most), last = 1 + below(full);

		if (!below(3))
			last = full;
		set_sizes(&p, last);
		p.segment_extra = full - last;
	} else {
		set_sizes(&p, below(3) ? below(s->most + 1) : 0);
	}
	return p;
}

static void meter(struct flow_under_test *f, struct packet p, const struct scene *s)
{
	meter_update(&f->c, &f->s, &f->t, &p, &s->config);
}

static void meter_pieces(struct flow_under_test *f, const struct packet *whole,
			 const struct scene *s)
{
	uint32_t full = whole->size[ACCOUNT_PAYLOAD] + whole->segment_extra;

	for (uint32_t i = 0; i < whole->segments; i++) {
		struct packet p = *whole;
		int last = i + 1 == whole->segments;

		p.segments = 1;
		p.segment_extra = 0;
		if (!last)
			set_sizes(&p, full);
		p.tcp_seq += i * full;
		if (i)
			p.tcp_flags &= ~TCP_FLAG_CWR;
		if (!last)
			p.tcp_flags &= ~(TCP_FLAG_PSH | TCP_FLAG_FIN);
		meter(f, p, s);
	}
}

static void a_super_packet_equals_its_segments(void **state)
{
	uint64_t retransmitted = 0, out_of_order = 0, zero_window = 0, opened = 0;

	(void)state;
	random_state = 20261125;
	for (int i = 0; i < FLOWS; i++) {
		struct flow_under_test whole = { 0 }, pieces = { 0 };
		struct scene s = random_scene();

		for (int n = 0; n < PACKETS; n++) {
			struct packet p = random_packet(&s);

			opened += !n && p.segments > 1;
			meter(&whole, p, &s);
			meter_pieces(&pieces, &p, &s);
			assert_memory_equal(&whole, &pieces, sizeof(whole));
		}
		retransmitted += whole.t.dir[0].retransmitted;
		out_of_order += whole.t.dir[0].out_of_order;
		zero_window += whole.t.dir[0].zero_window;
	}
	/* The conversations were not dull. */
	assert_in_range(retransmitted, FLOWS * 10, UINT64_MAX);
	assert_in_range(out_of_order, FLOWS / 2, UINT64_MAX);
	assert_in_range(zero_window, FLOWS * 10, UINT64_MAX);
	assert_in_range(opened, FLOWS / 2, UINT64_MAX);
}

/* A gap of 0 is the smallest of a flow that one super-packet opens. */
static void the_first_packet_of_a_flow(void **state)
{
	struct scene s = { .now = T0, .protocol = PROTO_TCP };
	struct flow_under_test f = { 0 };
	struct packet p = {
		.key = { .protocol = PROTO_TCP },
		.time_ns = T0,
		.segments = 3,
		.segment_extra = 900,
		.has_l4 = 1,
	};

	(void)state;
	set_sizes(&p, 100);
	meter(&f, p, &s);
	assert_int_equal(f.c.dir[0].packets, 3);
	assert_int_equal(f.c.dir[0].bytes, 2 * 1066 + 166);
	assert_int_equal(f.s.gaps.inv_min_ns, ~0ull);
	assert_int_equal(f.s.dir[0].gaps.inv_min_ns, ~0ull);
	assert_int_equal(f.s.gaps.max_ns, 0);
	p.time_ns += 5 * MS;
	meter(&f, p, &s);
	assert_int_equal(f.s.gaps.max_ns, 5 * MS);
	assert_int_equal(f.s.gaps.squares.lo, 25 * MS * MS);
	assert_int_equal(f.t.dir[0].retransmitted, 3);
}

/* A size of 0 is that of every segment: a tunnel that is not opened carries no payload. */
static void no_payload_in_any_segment(void **state)
{
	struct scene s = { .config = { .accounting = ACCOUNT_PAYLOAD }, .now = T0 };
	struct flow_under_test f = { 0 };
	struct packet p = {
		.key = { .protocol = PROTO_TCP },
		.time_ns = T0,
		.size = { 154, 140, 120, 0 },
		.segments = 5,
		.segment_extra = 900,
		.tcp_window = 1,
		.has_l4 = 1,
	};

	(void)state;
	meter(&f, p, &s);
	meter(&f, p, &s);
	assert_int_equal(f.c.dir[0].packets, 10);
	assert_int_equal(f.c.dir[0].bytes, 0);
	assert_int_equal(f.s.dir[0].max_size, 0);
	assert_int_equal(f.s.dir[0].size_squares.lo, 0);
	assert_int_equal(f.t.dir[0].retransmitted, 0);
	s.config.accounting = ACCOUNT_IP;
	meter(&f, p, &s);
	assert_int_equal(f.c.dir[0].bytes, 4 * 1040 + 140);
	assert_int_equal(f.s.dir[0].max_size, 1040);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_super_packet_equals_its_segments),
		cmocka_unit_test(the_first_packet_of_a_flow),
		cmocka_unit_test(no_payload_in_any_segment),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
