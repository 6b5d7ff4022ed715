/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host_meter.c under random traffic, against a model that looks at one flow at a time, and the
 * ledger's promise: the packets of all records are those that were metered.
 */
#include "meter_rig.h"

#define PORTS   40
#define PACKETS 30000

static struct rig rig;

static int begin(void **state)
{
	(void)state;
	rig_init(&rig);
	return 0;
}

static int end(void **state)
{
	(void)state;
	rig_free(&rig);
	return 0;
}

static uint64_t random_state;

static uint32_t random_below(uint32_t bound)
{
	random_state = random_state * 6364136223846793005ull + 1442695040888963407ull;
	return (random_state >> 33) % bound;
}

/* Times in ms. */
struct model_flow {
	int open, source;
	uint64_t first, last, packets[2];
	uint8_t flags[2];
};

static struct model_flow model[PORTS];
static struct rig_row expected[PACKETS];
static size_t expected_count;

static int model_finished(const struct model_flow *f)
{
	return rig.config.tcp_end && (((f->flags[0] | f->flags[1]) & TCP_FLAG_RST) ||
				      (f->flags[0] & f->flags[1] & TCP_FLAG_FIN));
}

static int model_silent(const struct model_flow *f, uint64_t now)
{
	uint64_t idle = rig.config.idle_ns / RIG_MS;

	return now - f->last >= (model_finished(f) && idle > 1000 ? 1000 : idle);
}

static void model_end(int port, enum flow_end_reason reason)
{
	struct model_flow *f = &model[port];
	struct rig_row row = {
		.first_ns = RIG_T0 + f->first * RIG_MS,
		.last_ns = RIG_T0 + f->last * RIG_MS,
		.packets = f->packets[0] + f->packets[1],
		.src2dst = f->packets[f->source],
		.dst2src = f->packets[!f->source],
		.src_port = f->source ? RIG_PORT : port + 1,
		.dst_port = f->source ? port + 1 : RIG_PORT,
		.reason = reason,
		.expiration_id = reason == FLOW_END_ACTIVE,
	};

	assert_in_range(expected_count, 0, PACKETS - 1);
	expected[expected_count++] = row;
	*f = (struct model_flow){ .source = f->source };
}

static void model_silence_end(int port)
{
	model_end(port, model_finished(&model[port]) ? FLOW_END_DETECTED : FLOW_END_IDLE);
}

static void model_packet(int port, int from_server, uint64_t now, uint8_t flags)
{
	struct model_flow *f = &model[port];
	int keep_source = 0;

	if (f->open && model_silent(f, now)) {
		model_silence_end(port);
	} else if (f->open && now - f->first >= rig.config.active_ns / RIG_MS) {
		model_end(port, FLOW_END_ACTIVE);
		keep_source = 1;
	} else if (f->open && model_finished(f) && (flags & 0x12) == TCP_FLAG_SYN) {
		model_end(port, FLOW_END_DETECTED);
	}
	if (!f->open) {
		f->open = 1;
		f->first = now;
		f->source = keep_source ? f->source : from_server;
	}
	f->last = now;
	f->packets[from_server]++;
	f->flags[from_server] |= flags;
}

static int by_port_and_time(const void *a, const void *b)
{
	const struct rig_row *x = a, *y = b;
	unsigned int px = x->src_port == RIG_PORT ? x->dst_port : x->src_port;
	unsigned int py = y->src_port == RIG_PORT ? y->dst_port : y->src_port;

	if (px != py)
		return px < py ? -1 : 1;
	if (x->first_ns != y->first_ns)
		return x->first_ns < y->first_ns ? -1 : 1;
	/* A cut within the same ms: flow_id counts in creation order, the model in that of ends. */
	return x->last_ns < y->last_ns ? -1 : x->last_ns > y->last_ns;
}

static void assert_rows_as_expected(void)
{
	assert_int_equal(rig.row_count, expected_count);
	qsort(rig.rows, rig.row_count, sizeof(*rig.rows), by_port_and_time);
	qsort(expected, expected_count, sizeof(*expected), by_port_and_time);
	for (size_t i = 0; i < expected_count; i++) {
		rig.rows[i].flow_id = 0;
		assert_memory_equal(&rig.rows[i], &expected[i], sizeof(expected[i]));
	}
}

/* pause: the longest time between two packets, in ms; looks: whether somebody looks in between. */
static void run(uint32_t pause, int looks, uint64_t seed)
{
	uint64_t now = 1, older = 0, newer = 0;

	random_state = seed;
	memset(model, 0, sizeof(model));
	expected_count = 0;
	rig_open(&rig);
	for (int i = 0; i < PACKETS; i++) {
		static const uint8_t choices[] = { 0x10, 0x10, 0x10, 0x18, 0x02, 0x12, 0x11, 0x14 };
		uint8_t flags = choices[random_below(8)];
		int port = random_below(random_below(PORTS) + 1), back = random_below(2);

		now += 1 + random_below(pause);
		model_packet(port, back, now, flags);
		rig_tcp(&rig, port + 1, back, RIG_T0 + now * RIG_MS, flags);
		older = newer;
		newer = now;
		if (looks && random_below(10) == 0) {
			now += 1 + random_below(pause);
			host_meter_look(rig.meter, RIG_T0 + now * RIG_MS);
			older = newer = now;
		}
	}
	rig_close(&rig);
	for (int port = 0; port < PORTS; port++) {
		if (model[port].open && older >= model[port].last &&
		    model_silent(&model[port], older))
			model_silence_end(port);
		else if (model[port].open)
			model_end(port, FLOW_END_FORCED);
	}
	assert_rows_as_expected();
	assert_int_equal(rig.ledger.value[COUNTER_METERED], PACKETS);
}

static void idle_ends(void **state)
{
	(void)state;
	rig.config.idle_ns = 5 * RIG_SECOND;
	run(400, 0, 1);
}

static void idle_and_active_ends(void **state)
{
	(void)state;
	rig.config.idle_ns = 3 * RIG_SECOND;
	rig.config.active_ns = 10 * RIG_SECOND;
	run(200, 0, 2);
}

static void tcp_ends(void **state)
{
	(void)state;
	rig.config.idle_ns = 4 * RIG_SECOND;
	rig.config.active_ns = 60 * RIG_SECOND;
	rig.config.tcp_end = true;
	run(150, 0, 3);
}

static void short_idle_timeout(void **state)
{
	(void)state;
	rig.config.idle_ns = 300 * RIG_MS;
	rig.config.tcp_end = true;
	run(50, 0, 4);
}

/* A record's content does not depend on when somebody looked. */
static void looked_at_in_between(void **state)
{
	(void)state;
	rig.config.idle_ns = 4 * RIG_SECOND;
	rig.config.active_ns = 20 * RIG_SECOND;
	rig.config.tcp_end = true;
	run(150, 1, 5);
}

/* Any order of times, few places: no packet is lost or counted twice. */
static void every_packet_is_in_one_record(void **state)
{
	uint64_t packets = 0;

	(void)state;
	random_state = 6;
	rig.config.idle_ns = 2 * RIG_SECOND;
	rig.config.active_ns = 5 * RIG_SECOND;
	rig.config.tcp_end = true;
	rig.config.max_flows = 12;
	rig_open(&rig);
	for (int i = 0; i < PACKETS; i++) {
		uint64_t now = RIG_T0 + (uint64_t)i * 10 * RIG_MS;

		now += random_below(20) ? random_below(1000) * RIG_MS
					: random_below(1u << 31) * 1000ull;
		rig_tcp(&rig, 1 + random_below(PORTS), random_below(2), now, random_below(256));
		assert_true(host_meter_flows(rig.meter) <= 12);
		if (random_below(100) == 0)
			host_meter_look(rig.meter, now);
	}
	rig_close(&rig);
	for (size_t i = 0; i < rig.row_count; i++) {
		assert_int_equal(rig.rows[i].packets, rig.rows[i].src2dst + rig.rows[i].dst2src);
		assert_true(rig.rows[i].packets > 0);
		assert_true(rig.rows[i].first_ns <= rig.rows[i].last_ns);
		packets += rig.rows[i].packets;
	}
	assert_int_equal(packets, PACKETS);
	assert_int_equal(rig.ledger.value[COUNTER_METERED], PACKETS);
	assert_int_equal(rig.ledger.value[COUNTER_FLOWS], rig.row_count);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(idle_ends, begin, end),
		cmocka_unit_test_setup_teardown(idle_and_active_ends, begin, end),
		cmocka_unit_test_setup_teardown(tcp_ends, begin, end),
		cmocka_unit_test_setup_teardown(short_idle_timeout, begin, end),
		cmocka_unit_test_setup_teardown(looked_at_in_between, begin, end),
		cmocka_unit_test_setup_teardown(every_packet_is_in_one_record, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
