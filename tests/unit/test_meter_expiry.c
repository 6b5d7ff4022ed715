/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * meter.h: when a packet finds its flow ended, and why. Limits are met exactly, in whole
 * milliseconds of both times.
 */
#include "frames.h"

#include "meter/meter.h"

#define MS     1000000ull
#define SECOND (1000 * MS)
#define T0     (1700000000 * SECOND)

static const struct meter_config config = { .idle_ns = 120 * SECOND, .active_ns = 1800 * SECOND };

static struct packet packet(uint8_t dir, uint64_t time_ns, uint8_t flags)
{
	struct packet p = {
		.key = { .protocol = PROTO_TCP, .ip_version = 4 },
		.time_ns = time_ns,
		.segments = 1,
		.dir = dir,
		.tcp_flags = flags,
	};

	return p;
}

static void add(struct flow_counters *c, uint8_t dir, uint64_t time_ns, uint8_t flags)
{
	struct packet p = packet(dir, time_ns, flags);

	meter_update(c, NULL, NULL, &p, &config);
}

/* A flow of packets at these two times, one by each side. */
static struct flow_counters flow_of(uint64_t first_ns, uint64_t last_ns)
{
	struct flow_counters c = { 0 };

	add(&c, 0, first_ns, 0);
	add(&c, 1, last_ns, 0);
	return c;
}

static enum flow_end_reason found_by(const struct flow_counters *c, uint64_t time_ns,
				     const struct meter_config *cfg)
{
	struct packet p = packet(0, time_ns, TCP_FLAG_ACK);

	return meter_expired(c, &p, cfg);
}

static void idle_at_exactly_the_limit(void **state)
{
	struct flow_counters c = flow_of(T0, T0 + 5 * SECOND);
	uint64_t limit = T0 + 125 * SECOND;

	(void)state;
	assert_int_equal(found_by(&c, T0 + 5 * SECOND, &config), FLOW_END_NONE);
	assert_int_equal(found_by(&c, limit - 1 * MS, &config), FLOW_END_NONE);
	assert_int_equal(found_by(&c, limit - 1, &config), FLOW_END_NONE);
	assert_int_equal(found_by(&c, limit, &config), FLOW_END_IDLE);
	assert_int_equal(found_by(&c, limit + 1, &config), FLOW_END_IDLE);
	assert_int_equal(found_by(&c, UINT64_MAX, &config), FLOW_END_IDLE);
}

/* The last packet of either direction counts. */
static void idle_since_the_last_packet_of_either_side(void **state)
{
	struct flow_counters c = flow_of(T0, T0 + 1 * SECOND);

	(void)state;
	add(&c, 0, T0 + 100 * SECOND, 0);
	assert_int_equal(found_by(&c, T0 + 220 * SECOND - 1, &config), FLOW_END_NONE);
	assert_int_equal(found_by(&c, T0 + 220 * SECOND, &config), FLOW_END_IDLE);
}

static void active_at_exactly_the_limit(void **state)
{
	struct flow_counters c = flow_of(T0, T0 + 1799 * SECOND);
	uint64_t limit = T0 + 1800 * SECOND;

	(void)state;
	assert_int_equal(found_by(&c, limit - 1, &config), FLOW_END_NONE);
	assert_int_equal(found_by(&c, limit, &config), FLOW_END_ACTIVE);
	assert_int_equal(found_by(&c, limit + 50 * SECOND, &config), FLOW_END_ACTIVE);
	/* Silent for too long as well: the flow ended when it fell silent. */
	assert_int_equal(found_by(&c, limit + 119 * SECOND, &config), FLOW_END_IDLE);
}

/* After a cut the first packet may be the destination's. */
static void active_since_the_first_packet_of_either_side(void **state)
{
	struct meter_config cfg = config;
	struct flow_counters c = { 0 };

	(void)state;
	cfg.active_ns = 60 * SECOND;
	add(&c, 1, T0, 0);
	assert_int_equal(meter_first_ns(&c), T0);
	add(&c, 0, T0 + 30 * SECOND, 0);
	assert_int_equal(meter_first_ns(&c), T0);
	assert_int_equal(found_by(&c, T0 + 60 * SECOND - 1, &cfg), FLOW_END_NONE);
	assert_int_equal(found_by(&c, T0 + 60 * SECOND, &cfg), FLOW_END_ACTIVE);
}

/* NFStream compares times in whole milliseconds: 0.5 ms to 1000.4 ms is 0 to 1000. */
static void limits_count_whole_milliseconds(void **state)
{
	(void)state;
	assert_true(meter_has_passed(T0 + 500000, T0 + 1000 * MS + 400000, 1000 * MS));
	assert_true(meter_has_passed(T0 + 999999, T0 + 1000 * MS, 1000 * MS));
	assert_false(meter_has_passed(T0 + 500000, T0 + 999999999, 1000 * MS));
	assert_false(meter_has_passed(T0, T0 + 999999999, 1000 * MS));
	assert_true(meter_has_passed(T0, T0 + 1000 * MS, 1000 * MS));
	assert_true(meter_has_passed(T0 + 999999, T0 + 1000 * MS + 999999, 1000 * MS));
	assert_true(meter_has_passed(T0 + 999999, T0 + 1 * MS, 1 * MS));
	assert_true(meter_has_passed(T0, T0 + 1500000, 1500000));
	assert_false(meter_has_passed(T0, T0 + 1499999, 1500000));
}

/* The division is left out where it cannot decide; that must never show. */
static void the_short_cut_changes_nothing(void **state)
{
	uint64_t random = 7;

	(void)state;
	for (int i = 0; i < 200000; i++) {
		uint64_t limit = (1 + i % 5) * MS, from, to;

		random = random * 6364136223846793005ull + 1442695040888963407ull;
		from = T0 + (random >> 20) % (3 * MS);
		random = random * 6364136223846793005ull + 1442695040888963407ull;
		to = from + (random >> 20) % (7 * MS);
		assert_int_equal(meter_has_passed(from, to, limit),
				 to / MS - from / MS >= limit / MS);
	}
}

static void a_limit_of_zero_ends_at_every_packet(void **state)
{
	const struct meter_config idle = { .idle_ns = 0, .active_ns = 1800 * SECOND };
	const struct meter_config active = { .idle_ns = 120 * SECOND, .active_ns = 0 };
	struct flow_counters c = flow_of(T0, T0);

	(void)state;
	assert_int_equal(found_by(&c, T0, &idle), FLOW_END_IDLE);
	assert_int_equal(found_by(&c, T0 + 1, &idle), FLOW_END_IDLE);
	assert_int_equal(found_by(&c, T0, &active), FLOW_END_ACTIVE);
	assert_int_equal(found_by(&c, T0 - SECOND, &active), FLOW_END_ACTIVE);
}

static void limits_beyond_all_times(void **state)
{
	const struct meter_config never = { .idle_ns = UINT64_MAX, .active_ns = UINT64_MAX };
	struct flow_counters c = flow_of(0, 0);

	(void)state;
	assert_int_equal(found_by(&c, 0, &never), FLOW_END_NONE);
	assert_int_equal(found_by(&c, UINT64_MAX - 1, &never), FLOW_END_NONE);
}

/* Flows at the epoch: a time of 0 is a time. */
static void flows_that_start_at_zero(void **state)
{
	struct flow_counters c = flow_of(0, 0);

	(void)state;
	assert_int_equal(found_by(&c, 120 * SECOND - 1, &config), FLOW_END_NONE);
	assert_int_equal(found_by(&c, 120 * SECOND, &config), FLOW_END_IDLE);
}

static void an_older_packet_ends_nothing(void **state)
{
	struct flow_counters c = flow_of(T0, T0 + 1799 * SECOND);

	(void)state;
	assert_int_equal(found_by(&c, T0, &config), FLOW_END_NONE);
	assert_int_equal(found_by(&c, T0 - 5000 * SECOND, &config), FLOW_END_NONE);
	assert_int_equal(found_by(&c, 0, &config), FLOW_END_NONE);
}

static const struct meter_config tcp_end = {
	.idle_ns = 120 * SECOND,
	.active_ns = 1800 * SECOND,
	.tcp_end = 1,
};

static struct flow_counters closed_by(uint8_t source_flags, uint8_t destination_flags)
{
	struct flow_counters c = { 0 };

	add(&c, 0, T0, TCP_FLAG_ACK | source_flags);
	add(&c, 1, T0, TCP_FLAG_ACK | destination_flags);
	return c;
}

/* 1 second for stray segments, then the flow has ended. */
static void a_finished_connection_lingers(void **state)
{
	static const struct {
		uint8_t source, destination;
		int finished;
	} rows[] = {
		{ TCP_FLAG_FIN, TCP_FLAG_FIN, 1 },
		{ TCP_FLAG_RST, 0, 1 },
		{ 0, TCP_FLAG_RST, 1 },
		{ TCP_FLAG_FIN, 0, 0 },
		{ 0, TCP_FLAG_FIN, 0 },
		{ TCP_FLAG_PSH, TCP_FLAG_SYN, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct flow_counters c = closed_by(rows[i].source, rows[i].destination);

		assert_int_equal(meter_finished(&c, &tcp_end), rows[i].finished);
		assert_int_equal(meter_patience_ns(&c, &tcp_end),
				 rows[i].finished ? SECOND : 120 * SECOND);
		assert_int_equal(found_by(&c, T0 + SECOND - 1, &tcp_end), FLOW_END_NONE);
		assert_int_equal(found_by(&c, T0 + SECOND, &tcp_end),
				 rows[i].finished ? FLOW_END_DETECTED : FLOW_END_NONE);
		assert_int_equal(found_by(&c, T0 + 120 * SECOND, &tcp_end),
				 rows[i].finished ? FLOW_END_DETECTED : FLOW_END_IDLE);
		/* Without --tcp-end flags end nothing. */
		assert_int_equal(found_by(&c, T0 + SECOND, &config), FLOW_END_NONE);
		assert_int_equal(found_by(&c, T0 + 120 * SECOND, &config), FLOW_END_IDLE);
	}
}

/* The idle timeout may be shorter than the second. */
static void linger_is_within_the_idle_timeout(void **state)
{
	const struct meter_config hasty = { .idle_ns = 100 * MS,
					    .active_ns = 1800 * SECOND,
					    .tcp_end = 1 };
	struct flow_counters c = closed_by(TCP_FLAG_RST, 0);

	(void)state;
	assert_int_equal(found_by(&c, T0 + 100 * MS - 1, &hasty), FLOW_END_NONE);
	assert_int_equal(found_by(&c, T0 + 100 * MS, &hasty), FLOW_END_DETECTED);
}

/* A new connection with the same ports is a new flow, at once. */
static void a_syn_ends_a_finished_connection(void **state)
{
	struct flow_counters c = closed_by(TCP_FLAG_FIN, TCP_FLAG_FIN);
	struct flow_counters open = closed_by(TCP_FLAG_FIN, 0);
	struct packet syn = packet(0, T0 + 1, TCP_FLAG_SYN);
	struct packet syn_ack = packet(1, T0 + 1, TCP_FLAG_SYN | TCP_FLAG_ACK);

	(void)state;
	assert_int_equal(meter_expired(&c, &syn, &tcp_end), FLOW_END_DETECTED);
	assert_int_equal(meter_expired(&c, &syn_ack, &tcp_end), FLOW_END_NONE);
	assert_int_equal(meter_expired(&open, &syn, &tcp_end), FLOW_END_NONE);
	assert_int_equal(meter_expired(&c, &syn, &config), FLOW_END_NONE);
	syn.tcp_flags |= TCP_FLAG_ECE | TCP_FLAG_CWR; /* RFC 3168 */
	assert_int_equal(meter_expired(&c, &syn, &tcp_end), FLOW_END_DETECTED);
}

/* This connection's own SYN, late: a packet older than the last one ends nothing. */
static void an_older_syn_ends_nothing(void **state)
{
	struct flow_counters c = closed_by(TCP_FLAG_FIN, TCP_FLAG_FIN);
	struct packet syn = packet(0, T0 - 1, TCP_FLAG_SYN);

	(void)state;
	assert_int_equal(meter_expired(&c, &syn, &tcp_end), FLOW_END_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(idle_at_exactly_the_limit),
		cmocka_unit_test(idle_since_the_last_packet_of_either_side),
		cmocka_unit_test(active_at_exactly_the_limit),
		cmocka_unit_test(active_since_the_first_packet_of_either_side),
		cmocka_unit_test(limits_count_whole_milliseconds),
		cmocka_unit_test(the_short_cut_changes_nothing),
		cmocka_unit_test(a_limit_of_zero_ends_at_every_packet),
		cmocka_unit_test(limits_beyond_all_times),
		cmocka_unit_test(flows_that_start_at_zero),
		cmocka_unit_test(an_older_packet_ends_nothing),
		cmocka_unit_test(a_finished_connection_lingers),
		cmocka_unit_test(linger_is_within_the_idle_timeout),
		cmocka_unit_test(a_syn_ends_a_finished_connection),
		cmocka_unit_test(an_older_syn_ends_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
