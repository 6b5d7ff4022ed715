/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From a meter's integers to a record's numbers. Means and deviations are compared with two passes
 * over the packets themselves in long double.
 */
#include "outputs.h"

#include "meter/meter.h"

#define PACKETS  200
#define START_NS 1700000000123456789ull
#define NEED_ALL (NEED_STATS | NEED_TCP | NEED_RATES)

/* One flow, the packets it was made of and what record_fill() gets. */
struct sample {
	struct packet packets[PACKETS];
	int count;
	struct flow_key key;
	struct flow_counters counters;
	struct flow_stats stats;
	struct flow_tcp tcp;
	struct flow flow;
	struct flow_record record;
};

static void set_address(uint8_t *to, uint8_t last)
{
	const uint8_t addr[16] = { [10] = 0xff, [11] = 0xff, [12] = 10, [15] = last };

	memcpy(to, addr, 16);
}

static void sample_begin(struct sample *s)
{
	memset(s, 0, sizeof(*s));
	set_address(s->key.addr[0], 1);
	set_address(s->key.addr[1], 2);
	s->key.port[0] = meter_be16(80);
	s->key.port[1] = meter_be16(40000);
	s->key.protocol = 6;
	s->key.ip_version = 4;
}

static struct packet *sample_packet(struct sample *s, uint64_t time_ns, uint8_t dir, uint32_t size)
{
	static const struct meter_config config = { .stats = 1, .tcp = 1 };
	struct packet *p = &s->packets[s->count++];

	*p = (struct packet){
		.key = s->key,
		.time_ns = START_NS + time_ns,
		.size = { size },
		.segments = 1,
		.dir = dir,
		.tcp_flags = TCP_FLAG_ACK,
		.ttl = 64 - dir,
		.tos = 0xb8,
		.has_l4 = 1,
	};
	if (s->count == 1)
		meter_open(&s->counters, p);
	meter_update(&s->counters, &s->stats, &s->tcp, p, &config);
	return p;
}

static const struct record_side_values *sample_fill(struct sample *s, uint32_t need)
{
	struct config config = every_config();
	struct flow_end end = { &s->key, &s->counters, &s->stats, &s->tcp, FLOW_END_IDLE };

	memset(&s->record, 0xaa, sizeof(s->record));
	record_fill(&s->record, &s->flow, &end, need, NULL, &config);
	return s->record.side;
}

static void assert_near(double found, long double expected)
{
	if (fabsl(found - expected) > 1e-12L * fabsl(expected) + 1e-15L)
		fail_msg("%.17g is not %.17Lg", found, expected);
}

/* The packets of a side: all, the source's, the destination's. */
static bool on_side(const struct sample *s, int packet, int side)
{
	bool from_src = s->packets[packet].dir == s->counters.initiator;

	return side == SIDE_BOTH || from_src == (side == SIDE_SRC2DST);
}

struct series {
	long double values[PACKETS];
	int count;
};

static long double series_mean(const struct series *s)
{
	long double sum = 0;

	for (int i = 0; i < s->count; i++)
		sum += s->values[i];
	return s->count ? sum / s->count : 0;
}

static long double series_stddev(const struct series *s)
{
	long double mean = series_mean(s), sum = 0;

	for (int i = 0; i < s->count; i++)
		sum += (s->values[i] - mean) * (s->values[i] - mean);
	return s->count > 1 ? sqrtl(sum / (s->count - 1)) : 0;
}

static long double series_extreme(const struct series *s, int sign)
{
	long double extreme = s->count ? s->values[0] : 0;

	for (int i = 1; i < s->count; i++)
		if (sign * s->values[i] > sign * extreme)
			extreme = s->values[i];
	return extreme;
}

static void assert_side(const struct sample *s, int side)
{
	const struct record_side_values *v = &s->record.side[side];
	struct series sizes = { .count = 0 }, gaps = { .count = 0 };
	uint64_t last_ns = 0, first_ns = 0, bytes = 0;

	for (int i = 0; i < s->count; i++) {
		if (!on_side(s, i, side))
			continue;
		if (sizes.count)
			gaps.values[gaps.count++] = s->packets[i].time_ns - last_ns;
		else
			first_ns = s->packets[i].time_ns;
		last_ns = s->packets[i].time_ns;
		sizes.values[sizes.count++] = s->packets[i].size[0];
		bytes += s->packets[i].size[0];
	}
	assert_int_equal(v->packets, sizes.count);
	assert_int_equal(v->bytes, bytes);
	assert_int_equal(v->first_ns, first_ns);
	assert_int_equal(v->last_ns, last_ns);
	assert_int_equal(v->duration_ns, last_ns - first_ns);
	assert_near(v->mean_ps, series_mean(&sizes));
	assert_near(v->stddev_ps, series_stddev(&sizes));
	assert_near(v->min_ps, series_extreme(&sizes, -1));
	assert_near(v->max_ps, series_extreme(&sizes, 1));
	assert_near(v->mean_piat_ms, series_mean(&gaps) / 1e6L);
	assert_near(v->stddev_piat_ms, series_stddev(&gaps) / 1e6L);
	assert_near(v->min_piat_ns, series_extreme(&gaps, -1));
	assert_near(v->max_piat_ns, series_extreme(&gaps, 1));
}

static void assert_sides(struct sample *s)
{
	sample_fill(s, NEED_ALL);
	for (int side = 0; side < SIDES; side++)
		assert_side(s, side);
}

static uint32_t draw(uint32_t *seed)
{
	return *seed = *seed * 1664525 + 1013904223;
}

static void any_packets(void **state)
{
	uint32_t seed = 1;

	(void)state;
	for (int round = 0; round < 200; round++) {
		int count = 1 + round % PACKETS;
		uint64_t at = 0;
		struct sample s;

		sample_begin(&s);
		for (int i = 0; i < count; i++) {
			at += (uint64_t)draw(&seed) >> (round % 24);
			sample_packet(&s, at, draw(&seed) >> 31, draw(&seed) % 65536);
		}
		assert_sides(&s);
	}
}

static void few_packets(void **state)
{
	struct sample s;

	(void)state;
	sample_begin(&s);
	for (int i = 0; i < 4; i++) {
		sample_packet(&s, i * i * 1000000, i == 3, 100 + i);
		assert_sides(&s);
	}
}

static void known_numbers(void **state)
{
	const struct record_side_values *v;
	struct sample s;

	(void)state;
	sample_begin(&s);
	sample_packet(&s, 0, 1, 60);
	sample_packet(&s, 10000000, 0, 100);
	sample_packet(&s, 40000000, 1, 70);
	sample_packet(&s, 40500000, 1, 80);
	v = sample_fill(&s, NEED_ALL);
	assert_near(v[SIDE_SRC2DST].mean_ps, 70);
	assert_near(v[SIDE_SRC2DST].stddev_ps, 10);
	assert_near(v[SIDE_SRC2DST].mean_piat_ms, 20.25L);
	assert_near(v[SIDE_SRC2DST].stddev_piat_ms, sqrtl(2 * 19.75L * 19.75L));
	assert_near(v[SIDE_BOTH].mean_ps, 77.5L);
	assert_near(v[SIDE_BOTH].mean_piat_ms, 13.5L);
	assert_near(v[SIDE_DST2SRC].mean_ps, 100);
	assert_near(v[SIDE_DST2SRC].stddev_ps, 0);
	assert_near(v[SIDE_DST2SRC].mean_piat_ms, 0);
	assert_near(v[SIDE_BOTH].packet_rate, 4 / 0.0405L);
	assert_near(v[SIDE_BOTH].byte_rate, 310 / 0.0405L);
	assert_near(v[SIDE_DST2SRC].packet_rate, 0);
}

/* sum^2 / n and the squares agree in 36 digits here: floating point would say 0, or anything. */
static void near_equal_gaps(void **state)
{
	const uint64_t day_ns = 86400000000000ull;
	const struct record_side_values *v;
	struct sample s;

	(void)state;
	sample_begin(&s);
	sample_packet(&s, 0, 0, 4000000001u);
	sample_packet(&s, 1000 * day_ns, 0, 4000000003u);
	sample_packet(&s, 2000 * day_ns + 2, 0, 4000000002u);
	v = sample_fill(&s, NEED_ALL);
	assert_near(v[SIDE_SRC2DST].stddev_piat_ms, sqrtl(2) / 1e6L);
	assert_near(v[SIDE_SRC2DST].stddev_ps, 1);
	assert_near(v[SIDE_SRC2DST].mean_ps, 4000000002.0L);
}

static void counters_at_their_end(void **state)
{
	const struct record_side_values *v;
	struct sample s;

	(void)state;
	sample_begin(&s);
	s.counters.dir[0] = (struct flow_dir){
		UINT64_MAX / 2, UINT64_MAX, 0, UINT64_MAX, 0xff, 255, 255, 255, 0
	};
	memset(&s.stats, 0xff, sizeof(s.stats));
	v = sample_fill(&s, NEED_ALL);
	for (int side = 0; side < SIDES; side++) {
		assert_true(isfinite(v[side].mean_ps) && isfinite(v[side].stddev_ps));
		assert_true(isfinite(v[side].mean_piat_ms) && isfinite(v[side].stddev_piat_ms));
	}
	assert_near(v[SIDE_SRC2DST].mean_ps, 2);
	assert_int_equal(v[SIDE_SRC2DST].min_ttl, 0);
	assert_int_equal(v[SIDE_SRC2DST].max_ttl, 255);
	assert_int_equal(v[SIDE_SRC2DST].dscp, 63);
}

/* Where two CPUs met, the kernel's sums of gaps are approximate. */
static void squares_too_small(void **state)
{
	const struct record_side_values *v;
	struct sample s;

	(void)state;
	sample_begin(&s);
	for (int i = 0; i < 3; i++)
		sample_packet(&s, i * 1000000000ull, 0, 100);
	s.stats.gaps.squares.lo -= 1000;
	s.stats.dir[0].size_squares.lo = 0;
	v = sample_fill(&s, NEED_ALL);
	assert_near(v[SIDE_BOTH].stddev_piat_ms, 0);
	assert_near(v[SIDE_SRC2DST].stddev_ps, 0);
}

static void flags_and_headers(void **state)
{
	static const uint8_t flags[5] = { 0x02, 0x12, 0x10, 0xd8, 0x15 };
	const struct record_side_values *v;
	struct sample s;

	(void)state;
	sample_begin(&s);
	for (int i = 0; i < 5; i++) {
		struct sample one;

		sample_begin(&one);
		sample_packet(&one, 0, 0, 60);
		s.packets[i] = one.packets[0];
		s.packets[i].dir = i % 2;
		s.packets[i].ttl = 60 + i;
		s.packets[i].tos = 4 * i + 1;
		s.packets[i].tcp_flags = flags[i];
		meter_update(&s.counters, &s.stats, &s.tcp, &s.packets[i],
			     &(struct meter_config){ .stats = 1, .tcp = 1 });
	}
	v = sample_fill(&s, NEED_ALL);
	assert_int_equal(v[SIDE_SRC2DST].tcp_flags, 0x17);
	assert_int_equal(v[SIDE_DST2SRC].tcp_flags, 0xda);
	assert_int_equal(v[SIDE_BOTH].tcp_flags, 0xdf);
	assert_int_equal(v[SIDE_BOTH].flags[1], 2);    /* SYN */
	assert_int_equal(v[SIDE_SRC2DST].flags[0], 1); /* FIN */
	assert_int_equal(v[SIDE_DST2SRC].flags[3], 1); /* PSH */
	assert_int_equal(v[SIDE_BOTH].flags[4], 4);    /* ACK */
	assert_int_equal(v[SIDE_SRC2DST].min_ttl, 60);
	assert_int_equal(v[SIDE_SRC2DST].max_ttl, 64);
	assert_int_equal(v[SIDE_DST2SRC].tos, 5);
	assert_int_equal(v[SIDE_DST2SRC].dscp, 1);
}

static void tcp_trouble_by_direction(void **state)
{
	const struct record_side_values *v;
	struct sample s;

	(void)state;
	sample_begin(&s);
	sample_packet(&s, 0, 1, 60);
	s.tcp.dir[1] = (struct flow_tcp_dir){ .retransmitted = 1, .out_of_order = 2 };
	s.tcp.dir[0] = (struct flow_tcp_dir){ .retransmitted = 4, .zero_window = 5 };
	v = sample_fill(&s, NEED_ALL);
	assert_int_equal(v[SIDE_SRC2DST].retransmitted, 1);
	assert_int_equal(v[SIDE_SRC2DST].out_of_order, 2);
	assert_int_equal(v[SIDE_DST2SRC].retransmitted, 4);
	assert_int_equal(v[SIDE_DST2SRC].zero_window, 5);
	assert_int_equal(v[SIDE_BOTH].retransmitted, 5);
}

static void source_is_the_initiator(void **state)
{
	struct sample s;

	(void)state;
	sample_begin(&s);
	sample_packet(&s, 0, 1, 60);
	sample_fill(&s, 0);
	assert_int_equal(s.record.src_addr[15], 2);
	assert_int_equal(s.record.dst_addr[15], 1);
	assert_int_equal(s.record.src_port, 40000);
	assert_int_equal(s.record.dst_port, 80);
	assert_int_equal(s.record.side[SIDE_SRC2DST].packets, 1);
	assert_int_equal(s.record.side[SIDE_DST2SRC].first_ns, 0);
	assert_int_equal(s.record.side[SIDE_DST2SRC].max_ttl, 0);
	assert_int_equal(s.record.side[SIDE_DST2SRC].min_ttl, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_packets),
		cmocka_unit_test(few_packets),
		cmocka_unit_test(known_numbers),
		cmocka_unit_test(near_equal_gaps),
		cmocka_unit_test(counters_at_their_end),
		cmocka_unit_test(squares_too_small),
		cmocka_unit_test(flags_and_headers),
		cmocka_unit_test(tcp_trouble_by_direction),
		cmocka_unit_test(source_is_the_initiator),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
