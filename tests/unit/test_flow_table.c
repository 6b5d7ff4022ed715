/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * flow_table.c: what the first packets of a flow tell by their order, when some of them are
 * super-packets, and when some are not shown.
 */
#include "meter_rig.h"

#define FIELDS                                                              \
	"flow_id,first_seen_ns,last_seen_ns,total_packets,src2dst_packets," \
	"dst2src_packets,src_port,dst_port,flow_end_reason,expiration_id,"  \
	"splt_direction,splt_ps,splt_piat_ms,app_latency_us,client_rtt_us," \
	"server_rtt_us,src_initial_window,dst_initial_window,bidirectional_bytes"

static struct rig rig;

static int begin(void **state)
{
	(void)state;
	rig_init(&rig);
	rig.config.fields = FIELDS;
	rig.config.splt = 6;
	rig.columns_added = 1;
	return 0;
}

static int end(void **state)
{
	(void)state;
	rig_free(&rig);
	return 0;
}

static uint64_t at(uint64_t ms)
{
	return RIG_T0 + ms * RIG_MS;
}

/* size: of the last segment; every earlier one is 1,000 bytes longer. */
static struct packet tcp(int from_server, uint64_t time_ns, uint8_t flags, uint32_t size,
			 uint32_t segments)
{
	struct packet p = rig_packet_of(1000, from_server, time_ns, 6);

	p.size[ACCOUNT_LINK] = size;
	p.size[ACCOUNT_PAYLOAD] = size - 54;
	p.tcp_flags = flags;
	p.tcp_window = from_server ? 200 : 100;
	p.segments = segments;
	p.segment_extra = segments > 1 ? 1000 : 0;
	return p;
}

static void show(int from_server, uint64_t ms, uint8_t flags, uint32_t size, uint32_t segments)
{
	struct packet p = tcp(from_server, at(ms), flags, size, segments);

	rig_packet(&rig, &p);
}

static void handshake(void)
{
	show(0, 0, TCP_FLAG_SYN, 54, 1);
	show(1, 10, TCP_FLAG_SYN | TCP_FLAG_ACK, 54, 1);
	show(0, 15, TCP_FLAG_ACK, 54, 1);
}

static void a_super_packet_is_its_segments(void **state)
{
	(void)state;
	rig_open(&rig);
	show(0, 0, TCP_FLAG_ACK, 100, 1);
	show(1, 7, TCP_FLAG_ACK, 154, 3);
	show(0, 9, TCP_FLAG_ACK, 54, 1);
	assert_int_equal(rig.ledger.value[COUNTER_METERED], 5);
	assert_int_equal(rig.ledger.value[COUNTER_BYTES], 100 + 2 * 1154 + 154 + 54);
	rig_close(&rig);
	assert_row(&rig.rows[0], 1000, 2, 3, FLOW_END_FORCED);
	assert_string_equal(rig.rows[0].more, ",\"[0, 1, 1, 1, 0, -1]\","
					      "\"[100, 1154, 1154, 154, 54, -1]\","
					      "\"[0, 7, 0, 0, 2, -1]\",7000,,,100,200,2616");
}

/* The first ones of a super-packet fill the sequence. */
static void a_super_packet_over_the_end(void **state)
{
	(void)state;
	rig_open(&rig);
	show(0, 0, TCP_FLAG_ACK, 154, 5);
	show(1, 7, TCP_FLAG_ACK, 254, 3);
	show(0, 9, TCP_FLAG_ACK, 54, 1);
	rig_close(&rig);
	assert_row(&rig.rows[0], 1000, 6, 3, FLOW_END_FORCED);
	assert_string_equal(rig.rows[0].more, ",\"[0, 0, 0, 0, 0, 1]\","
					      "\"[1154, 1154, 1154, 1154, 154, 1254]\","
					      "\"[0, 0, 0, 0, 0, 7]\",7000,,,100,200,7586");
}

/* The first 10 packets are looked at for times: a super-packet of 10 is all of them. */
static void times_count_segments(void **state)
{
	(void)state;
	rig.config.splt = 1;
	rig_open(&rig);
	show(0, 0, TCP_FLAG_ACK, 154, 9);
	show(1, 8, TCP_FLAG_ACK, 154, 1);
	rig_close(&rig);
	assert_non_null(strstr(rig.rows[0].more, ",8000,,,"));
	rig_free(&rig);
	begin(state);
	rig_open(&rig);
	show(0, 0, TCP_FLAG_ACK, 154, 10);
	show(1, 8, TCP_FLAG_ACK, 154, 1);
	rig_close(&rig);
	assert_non_null(strstr(rig.rows[0].more, ",,,,100,"));
}

static void a_packet_is_missed(void **state)
{
	(void)state;
	rig_open(&rig);
	show(0, 0, TCP_FLAG_SYN, 54, 1);
	show(1, 10, TCP_FLAG_SYN | TCP_FLAG_ACK, 54, 1);
	flow_table_missed(rig.flows, 1);
	show(0, 15, TCP_FLAG_ACK, 54, 1);
	show(0, 20, TCP_FLAG_ACK, 154, 2);
	show(1, 30, TCP_FLAG_ACK, 154, 2);
	rig_close(&rig);
	assert_row(&rig.rows[0], 1000, 4, 3, FLOW_END_FORCED);
	assert_string_equal(rig.rows[0].more, ",\"[0, 1, -1, -1, -1, -1]\","
					      "\"[54, 54, -1, -1, -1, -1]\","
					      "\"[0, 10, -1, -1, -1, -1]\",,,10000,100,200,2778");
}

/* Of a flow whose first packets are missed nothing is known by order; of the next flow all. */
static void the_first_packet_is_missed(void **state)
{
	struct packet other;

	(void)state;
	rig.config.splt = 2;
	rig_open(&rig);
	flow_table_missed(rig.flows, 0);
	handshake();
	other = rig_packet_of(2000, 0, at(20), 17);
	rig_packet(&rig, &other);
	rig_close(&rig);
	assert_row(&rig.rows[0], 1000, 2, 1, FLOW_END_FORCED);
	assert_string_equal(rig.rows[0].more, ",\"[-1, -1]\",\"[-1, -1]\",\"[-1, -1]\",,,,0,0,162");
	assert_string_equal(rig.rows[1].more, ",\"[0, -1]\",\"[100, -1]\",\"[0, -1]\",,,,0,0,100");
}

/* The next record of the flow has first packets of its own. */
static void a_cut_after_a_missed_packet(void **state)
{
	(void)state;
	rig.config.splt = 2;
	rig.config.active_ns = RIG_SECOND;
	rig_open(&rig);
	handshake();
	flow_table_missed(rig.flows, 1);
	show(0, 1000, TCP_FLAG_ACK, 154, 2);
	show(1, 1003, TCP_FLAG_ACK, 54, 1);
	rig_close(&rig);
	assert_row(&rig.rows[0], 1000, 2, 1, FLOW_END_ACTIVE);
	assert_row(&rig.rows[1], 1000, 2, 1, FLOW_END_FORCED);
	assert_non_null(strstr(rig.rows[1].more, "\"[1154, 154]\""));
}

static bool show_direct(uint32_t *number, uint64_t ms, uint32_t segments)
{
	static const uint8_t ip[20] = { 0x45 };
	const struct frame frame = { .ip = ip, .captured = sizeof(ip) };
	struct packet p = tcp(0, at(ms), TCP_FLAG_ACK, 154, segments);

	return flow_table_packet(rig.flows, number, 0, &p, &frame, NULL) == PACKET_MORE;
}

/* Whether more packets are needed: by segments, and not at all once order is lost. */
static void appetite(void **state)
{
	static const struct flow_counters counters;
	static const struct flow_key key;
	const struct flow_end last = { .key = &key, .counters = &counters, .reason = 1 };
	uint32_t a = 0, b = 0;

	(void)state;
	rig.config.splt = 20;
	rig_open(&rig);
	assert_true(show_direct(&a, 0, 1));
	assert_true(show_direct(&a, 0, 18));
	assert_false(show_direct(&a, 0, 1));
	assert_true(show_direct(&b, 0, 19));
	flow_table_missed(rig.flows, b);
	assert_false(show_direct(&b, 0, 1));
	flow_table_end(rig.flows, a, &last);
	flow_table_end(rig.flows, b, &last);
	rig_close(&rig);
}

static uint64_t random_state;

static uint32_t below(uint32_t bound)
{
	random_state = random_state * 6364136223846793005ull + 1442695040888963407ull;
	return (random_state >> 33) % bound;
}

/* pieces: show the segments one by one. */
static void show_random(bool pieces)
{
	uint64_t ms = 0;

	for (int i = 0; i < 3000; i++) {
		int from_server = below(3) == 0;
		uint32_t segments = below(2) ? 1 : 1 + below(9), size = 54 + below(400);

		ms += below(400) ? below(30) : 130000;
		if (!pieces) {
			show(from_server, ms, TCP_FLAG_ACK, size, segments);
			continue;
		}
		for (uint32_t n = 1; n < segments; n++)
			show(from_server, ms, TCP_FLAG_ACK, size + 1000, 1);
		show(from_server, ms, TCP_FLAG_ACK, size, 1);
	}
}

static void whole_or_in_pieces_the_records_are_the_same(void **state)
{
	struct rig whole;

	(void)state;
	for (uint32_t splt = 1; splt < 30; splt += 4) {
		rig.config.splt = splt;
		rig_open(&rig);
		random_state = splt;
		show_random(false);
		rig_close(&rig);
		whole = rig;
		begin(state);
		rig.config.splt = splt;
		rig_open(&rig);
		random_state = splt;
		show_random(true);
		rig_close(&rig);
		assert_memory_equal(&rig.ledger, &whole.ledger, sizeof(rig.ledger));
		assert_int_equal(rig.row_count, whole.row_count);
		assert_in_range(rig.row_count, 3, 30);
		for (size_t i = 0; i < rig.row_count; i++) {
			assert_int_equal(rig.rows[i].packets, whole.rows[i].packets);
			assert_string_equal(rig.rows[i].more, whole.rows[i].more);
		}
		rig_free(&whole);
		rig_free(&rig);
		begin(state);
	}
}

static bool nowhere(void *context, const uint8_t addr[16])
{
	(void)context;
	(void)addr;
	return false;
}

static void tell_process(struct owners *owners, uint64_t socket)
{
	const struct attribute_socket m = {
		.type = ATTRIBUTE_SOCKET,
		.socket = socket,
		.process = { .pid = 100, .name = "x" },
	};

	owners_message(owners, &m, sizeof(m), false);
}

/* A socket of no process gives way to one of a process; room for two is enough for that. */
static void sockets(void **state)
{
	const struct owners_config config = { .netns = 7, .most_sockets = 2, .is_local = nowhere };

	(void)state;
	rig.owners = owners_new(&config);
	rig_open(&rig);
	rig.socket = 1;
	show(0, 0, TCP_FLAG_ACK, 100, 1);
	tell_process(rig.owners, 2);
	rig.socket = 2;
	show(0, 1, TCP_FLAG_ACK, 100, 1);
	rig.socket = 1;
	show(0, 2, TCP_FLAG_ACK, 100, 1);
	assert_int_not_equal(owners_hold(rig.owners, 3), 0); /* 1 is held no more, 2 is */
	assert_int_equal(owners_hold(rig.owners, 4), 0);
	rig_close(&rig);
	assert_int_equal(rig.ledger.value[COUNTER_ATTRIBUTION_KNOWN], 1);
	assert_int_equal(rig.ledger.value[COUNTER_ATTRIBUTION_UNKNOWN], 0);
	assert_int_not_equal(owners_hold(rig.owners, 4), 0);
	owners_free(rig.owners);
}

/* Eight packets are looked at for the socket of an end that sends none. */
static void sockets_are_not_hoped_for_longer(void **state)
{
	static const struct flow_counters counters;
	static const struct flow_key key;
	const struct flow_end last = { .key = &key, .counters = &counters, .reason = 1 };
	const struct owners_config config = { .netns = 7, .is_local = nowhere };
	uint32_t a = 0;

	(void)state;
	rig_init(&rig);
	rig.owners = owners_new(&config);
	rig_open(&rig);
	assert_true(show_direct(&a, 0, 7));
	assert_false(show_direct(&a, 0, 1));
	flow_table_end(rig.flows, a, &last);
	rig_close(&rig);
	owners_free(rig.owners);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_super_packet_is_its_segments, begin, end),
		cmocka_unit_test_setup_teardown(a_super_packet_over_the_end, begin, end),
		cmocka_unit_test_setup_teardown(times_count_segments, begin, end),
		cmocka_unit_test_setup_teardown(a_packet_is_missed, begin, end),
		cmocka_unit_test_setup_teardown(the_first_packet_is_missed, begin, end),
		cmocka_unit_test_setup_teardown(a_cut_after_a_missed_packet, begin, end),
		cmocka_unit_test_setup_teardown(appetite, begin, end),
		cmocka_unit_test_setup_teardown(sockets, begin, end),
		cmocka_unit_test_setup_teardown(sockets_are_not_hoped_for_longer, begin, end),
		cmocka_unit_test_setup_teardown(whole_or_in_pieces_the_records_are_the_same, begin,
						end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
