/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host_meter.c: which flows end, when, why, and in which order; that every packet is in exactly
 * one record.
 */
#include "meter_rig.h"

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

static uint64_t at(uint64_t seconds)
{
	return RIG_T0 + seconds * RIG_SECOND;
}

static void both_directions_are_one_flow(void **state)
{
	(void)state;
	rig_open(&rig);
	rig_udp(&rig, 1000, 0, at(0));
	rig_udp(&rig, 1000, 1, at(1));
	rig_udp(&rig, 1000, 0, at(2));
	rig_udp(&rig, 1001, 1, at(3)); /* here the server speaks first */
	assert_int_equal(host_meter_flows(rig.meter), 2);
	assert_int_equal(rig.ledger.value[COUNTER_METERED], 4);
	assert_int_equal(rig.ledger.value[COUNTER_BYTES], 400);
	rig_close(&rig);
	assert_int_equal(rig.row_count, 2);
	assert_row(&rig.rows[0], 1000, 2, 1, FLOW_END_FORCED);
	assert_int_equal(rig.rows[0].dst_port, RIG_PORT);
	assert_int_equal(rig.rows[0].first_ns, at(0));
	assert_int_equal(rig.rows[0].last_ns, at(2));
	assert_row(&rig.rows[1], RIG_PORT, 1, 0, FLOW_END_FORCED);
	assert_int_equal(rig.rows[1].dst_port, 1001);
}

/* A flow that never falls silent does not keep others from ending. */
static void idle_flows_end_behind_a_long_lived_one(void **state)
{
	(void)state;
	rig_open(&rig);
	rig_udp(&rig, 1, 0, at(0));
	rig_udp(&rig, 2, 0, at(0));
	for (int s = 1; s <= 120; s++)
		rig_udp(&rig, 1, 0, at(s));
	assert_int_equal(host_meter_flows(rig.meter), 2);
	rig_udp(&rig, 1, 0, at(121)); /* the second packet that says so */
	assert_int_equal(host_meter_flows(rig.meter), 1);
	assert_int_equal(rig_ended(&rig, COUNTER_ENDED_IDLE), 1);
	rig_close(&rig);
	assert_row(&rig.rows[0], 2, 1, 0, FLOW_END_IDLE);
	assert_row(&rig.rows[1], 1, 122, 0, FLOW_END_FORCED);
}

/* Flows that fall silent one after the other end one after the other. */
static void idle_flows_end_in_order(void **state)
{
	(void)state;
	rig_open(&rig);
	for (int i = 0; i < 1000; i++)
		rig_udp(&rig, 1000 + i, 0, at(i));
	assert_int_equal(host_meter_flows(rig.meter), 121); /* 879 to 999 */
	rig_close(&rig);
	assert_int_equal(rig.row_count, 1000);
	for (int i = 0; i < 1000; i++) {
		assert_int_equal(rig.rows[i].src_port, 1000 + i);
		assert_int_equal(rig.rows[i].flow_id, i);
		assert_int_equal(rig.rows[i].reason, i < 879 ? FLOW_END_IDLE : FLOW_END_FORCED);
	}
}

/* The next packet after the silence opens a new flow, whose source is its sender. */
static void a_pause_makes_two_flows(void **state)
{
	(void)state;
	rig_open(&rig);
	rig_udp(&rig, 1, 0, at(0));
	rig_udp(&rig, 1, 1, at(120) - 1 * RIG_MS);
	rig_udp(&rig, 1, 1, at(240) - 1 * RIG_MS);
	assert_int_equal(host_meter_flows(rig.meter), 1);
	rig_close(&rig);
	assert_int_equal(rig.row_count, 2);
	assert_row(&rig.rows[0], 1, 1, 1, FLOW_END_IDLE);
	assert_row(&rig.rows[1], RIG_PORT, 1, 0, FLOW_END_FORCED);
	assert_int_equal(rig.rows[1].flow_id, 1);
}

/* The source stays the source, though the packet that cuts is the server's. */
static void an_active_cut_keeps_the_source(void **state)
{
	(void)state;
	rig.config.active_ns = 60 * RIG_SECOND;
	rig_open(&rig);
	for (int s = 0; s < 60; s += 10)
		rig_udp(&rig, 1, 0, at(s));
	for (int s = 60; s < 180; s += 10)
		rig_udp(&rig, 1, 1, at(s));
	assert_int_equal(rig_ended(&rig, COUNTER_ENDED_ACTIVE), 2);
	rig_close(&rig);
	assert_int_equal(rig.row_count, 3);
	assert_row(&rig.rows[0], 1, 6, 0, FLOW_END_ACTIVE);
	assert_row(&rig.rows[1], 1, 0, 6, FLOW_END_ACTIVE);
	assert_row(&rig.rows[2], 1, 0, 6, FLOW_END_FORCED);
	for (int i = 0; i < 3; i++) {
		assert_int_equal(rig.rows[i].flow_id, i);
		assert_int_equal(rig.rows[i].first_ns, at(i * 60));
		assert_int_equal(rig.rows[i].last_ns, at(i * 60 + 50));
	}
}

static void an_idle_timeout_of_zero_makes_a_flow_of_each_packet(void **state)
{
	(void)state;
	rig.config.idle_ns = 0;
	rig_open(&rig);
	for (int i = 0; i < 10; i++)
		rig_udp(&rig, 1, 0, at(0) + i / 2);
	rig_close(&rig);
	assert_int_equal(rig.row_count, 10);
	for (int i = 0; i < 10; i++)
		assert_int_equal(rig.rows[i].packets, 1);
}

/* The flow that has been idle longest makes way, not the oldest. */
static void max_flows_evicts_the_longest_idle(void **state)
{
	(void)state;
	rig.config.max_flows = 3;
	rig_open(&rig);
	rig_udp(&rig, 1, 0, at(1));
	rig_udp(&rig, 2, 0, at(2));
	rig_udp(&rig, 3, 0, at(3));
	rig_udp(&rig, 1, 0, at(4));
	assert_int_equal(host_meter_flows(rig.meter), 3);
	rig_udp(&rig, 4, 0, at(5));
	assert_int_equal(host_meter_flows(rig.meter), 3);
	rig_udp(&rig, 3, 0, at(6));
	rig_udp(&rig, 5, 0, at(7));
	assert_int_equal(rig_ended(&rig, COUNTER_ENDED_NO_RESOURCES), 2);
	rig_close(&rig);
	assert_int_equal(rig.row_count, 5);
	assert_row(&rig.rows[0], 2, 1, 0, FLOW_END_NO_RESOURCES);
	assert_row(&rig.rows[1], 1, 2, 0, FLOW_END_NO_RESOURCES);
	assert_row(&rig.rows[2], 4, 1, 0, FLOW_END_FORCED);
	assert_row(&rig.rows[3], 3, 2, 0, FLOW_END_FORCED);
	assert_row(&rig.rows[4], 5, 1, 0, FLOW_END_FORCED);
}

/* Finished connections stand in a list of their own; the longest idle of both makes way. */
static void max_flows_looks_at_finished_connections(void **state)
{
	(void)state;
	rig.config.max_flows = 2;
	rig.config.tcp_end = true;
	rig_open(&rig);
	rig_udp(&rig, 1, 0, at(0));
	rig_tcp(&rig, 2, 0, at(0) + 1, TCP_FLAG_RST);
	rig_udp(&rig, 3, 0, at(0) + 2);
	rig_udp(&rig, 4, 0, at(0) + 3);
	rig_close(&rig);
	assert_row(&rig.rows[0], 1, 1, 0, FLOW_END_NO_RESOURCES);
	assert_row(&rig.rows[1], 2, 1, 0, FLOW_END_NO_RESOURCES);
}

static void one_flow_at_most(void **state)
{
	(void)state;
	rig.config.max_flows = 1;
	rig_open(&rig);
	for (int i = 0; i < 100; i++)
		rig_udp(&rig, 1 + i % 2, 0, at(i));
	assert_int_equal(host_meter_flows(rig.meter), 1);
	rig_close(&rig);
	assert_int_equal(rig.row_count, 100);
}

/* One packet from the year 2033 among those of 2023. */
static void a_wild_time_stamp_ends_nobody_else(void **state)
{
	const uint64_t years = 10 * 31557600ull;

	(void)state;
	rig_open(&rig);
	for (int i = 0; i < 50; i++)
		rig_udp(&rig, 100 + i, 0, at(0));
	rig_udp(&rig, 1, 0, at(years)); /* a flow of its own */
	for (int i = 0; i < 50; i++)
		rig_udp(&rig, 100 + i, 0, at(1));
	rig_udp(&rig, 100, 0, at(years)); /* one of them: ends, but only this one */
	for (int i = 1; i < 50; i++)
		rig_udp(&rig, 100 + i, 0, at(2));
	assert_int_equal(rig_ended(&rig, COUNTER_ENDED_IDLE), 1);
	assert_int_equal(host_meter_flows(rig.meter), 51);
	rig_close(&rig);
	assert_row(&rig.rows[0], 100, 2, 0, FLOW_END_IDLE);
	assert_int_equal(rig.row_count, 52);
}

/* Nor does a flow of the far future keep the others from ending. */
static void a_wild_time_stamp_holds_nobody_up(void **state)
{
	(void)state;
	rig_open(&rig);
	rig_udp(&rig, 1, 0, at(0));
	rig_udp(&rig, 2, 0, at(1000000));
	for (int i = 0; i < 300; i++)
		rig_udp(&rig, 1000 + i, 0, at(1 + i));
	assert_int_equal(host_meter_flows(rig.meter), 1 + 121);
	rig_close(&rig);
}

/* The second file is a day older than the first; its flows end by its own time. */
static void files_out_of_order(void **state)
{
	const uint64_t day = 86400;

	(void)state;
	rig_open(&rig);
	for (int i = 0; i < 100; i++)
		rig_udp(&rig, 1000 + i, 0, at(day));
	for (int i = 0; i < 600; i++)
		rig_udp(&rig, 2000 + i, 0, at(i));
	assert_int_equal(rig_ended(&rig, COUNTER_ENDED_IDLE), 600 - 121);
	assert_int_equal(host_meter_flows(rig.meter), 100 + 121);
	/* Then the first file's time again, for two minutes: the second's are all over. */
	for (int i = 0; i < 300; i++)
		rig_udp(&rig, 1000 + i % 100, 1, at(day + 1 + i / 100 * 60));
	assert_int_equal(host_meter_flows(rig.meter), 100);
	rig_close(&rig);
	assert_int_equal(rig.row_count, 700);
	for (int i = 0; i < 100; i++)
		assert_row(&rig.rows[600 + i], 1000 + i, 1, 3, FLOW_END_FORCED);
}

/* The clock was set back: what is older than its flow's last packet ends nothing. */
static void time_that_goes_back(void **state)
{
	(void)state;
	rig_open(&rig);
	rig_udp(&rig, 1, 0, at(1000));
	for (int i = 0; i < 100; i++)
		rig_udp(&rig, 1, 1, at(i));
	assert_int_equal(host_meter_flows(rig.meter), 1);
	rig_close(&rig);
	assert_int_equal(rig.row_count, 1);
	assert_row(&rig.rows[0], 1, 1, 100, FLOW_END_FORCED);
	assert_int_equal(rig.rows[0].last_ns, at(1000));
}

/* RST, or FIN of both, and a second without a packet. */
static void tcp_end(void **state)
{
	(void)state;
	rig.config.tcp_end = true;
	rig_open(&rig);
	rig_tcp(&rig, 1, 0, at(0), TCP_FLAG_FIN | TCP_FLAG_ACK);
	rig_tcp(&rig, 1, 1, at(0), TCP_FLAG_FIN | TCP_FLAG_ACK);
	rig_tcp(&rig, 2, 0, at(0), TCP_FLAG_FIN | TCP_FLAG_ACK);
	rig_tcp(&rig, 3, 1, at(0), TCP_FLAG_RST);
	rig_udp(&rig, 4, 0, at(0));
	rig_tcp(&rig, 1, 0, at(0) + 500 * RIG_MS, TCP_FLAG_ACK); /* a stray segment */
	rig_udp(&rig, 4, 0, at(1));
	rig_udp(&rig, 4, 0, at(1));
	assert_int_equal(rig_ended(&rig, COUNTER_ENDED_DETECTED), 1);
	rig_udp(&rig, 4, 0, at(1) + 500 * RIG_MS);
	rig_udp(&rig, 4, 0, at(1) + 500 * RIG_MS);
	assert_int_equal(rig_ended(&rig, COUNTER_ENDED_DETECTED), 2);
	assert_int_equal(host_meter_flows(rig.meter), 2);
	rig_close(&rig);
	assert_row(&rig.rows[0], RIG_PORT, 1, 0, FLOW_END_DETECTED);
	assert_row(&rig.rows[1], 1, 2, 1, FLOW_END_DETECTED);
	assert_int_equal(rig.row_count, 4);
}

static void a_port_is_used_again(void **state)
{
	(void)state;
	rig.config.tcp_end = true;
	rig_open(&rig);
	rig_tcp(&rig, 1, 0, at(0), TCP_FLAG_SYN);
	rig_tcp(&rig, 1, 1, at(0), TCP_FLAG_RST | TCP_FLAG_ACK);
	rig_tcp(&rig, 1, 0, at(0) + 1, TCP_FLAG_SYN);
	rig_tcp(&rig, 1, 1, at(0) + 1, TCP_FLAG_SYN | TCP_FLAG_ACK);
	rig_udp(&rig, 2, 0, at(100));
	rig_udp(&rig, 2, 0, at(101));
	assert_int_equal(host_meter_flows(rig.meter), 2); /* the new one is open */
	rig_close(&rig);
	assert_row(&rig.rows[0], 1, 1, 1, FLOW_END_DETECTED);
	assert_row(&rig.rows[1], 1, 1, 1, FLOW_END_FORCED);
}

static void fragments_join_their_flow(void **state)
{
	struct packet p[2];

	(void)state;
	rig_open(&rig);
	for (int i = 0; i < 2; i++) {
		p[i] = rig_packet_of(1, 0, at(0), 17);
		memcpy(p[i].fragment_id.addr, p[i].key.addr, 32);
		p[i].fragment_id.id = 99;
		p[i].fragment_id.protocol = 17;
		p[i].fragment_id.ip_version = 4;
		p[i].fragment = i ? FRAGMENT_LATER : FRAGMENT_FIRST;
	}
	p[1].key.port[0] = p[1].key.port[1] = 0;
	p[1].has_l4 = 0;
	rig_packet(&rig, &p[0]);
	rig_packet(&rig, &p[1]);
	p[1].fragment_id.id = 100; /* of a datagram whose first fragment is lost */
	p[1].key.port[0] = p[1].key.port[1] = 0;
	rig_packet(&rig, &p[1]);
	rig_close(&rig);
	assert_int_equal(rig.row_count, 2);
	assert_row(&rig.rows[0], 1, 2, 0, FLOW_END_FORCED);
	assert_row(&rig.rows[1], 0, 1, 0, FLOW_END_FORCED);
}

/* A silent wire: somebody looks, by packet time, and what is idle ends. */
static void a_look_ends_what_is_idle(void **state)
{
	(void)state;
	rig.config.tcp_end = true;
	rig_open(&rig);
	rig_udp(&rig, 1, 0, at(0));
	rig_tcp(&rig, 2, 0, at(1), TCP_FLAG_RST);
	rig_udp(&rig, 3, 0, at(2));
	host_meter_look(rig.meter, at(2) - 1); /* older than the last packet: nothing */
	assert_int_equal(host_meter_flows(rig.meter), 3);
	host_meter_look(rig.meter, at(2) + 1);
	assert_int_equal(host_meter_flows(rig.meter), 2);
	host_meter_look(rig.meter, at(120) - 1);
	assert_int_equal(host_meter_flows(rig.meter), 2);
	host_meter_look(rig.meter, at(120));
	assert_int_equal(host_meter_flows(rig.meter), 1);
	host_meter_look(rig.meter, at(122));
	assert_int_equal(host_meter_flows(rig.meter), 0);
	rig_close(&rig);
	assert_row(&rig.rows[0], 2, 1, 0, FLOW_END_DETECTED);
	assert_row(&rig.rows[1], 1, 1, 0, FLOW_END_IDLE);
	assert_row(&rig.rows[2], 3, 1, 0, FLOW_END_IDLE);
}

/* The clock was set back by an hour: all flows have their last packet in the future. */
static void a_look_at_flows_of_the_future(void **state)
{
	(void)state;
	rig_open(&rig);
	for (int i = 0; i < 10; i++)
		rig_udp(&rig, 1 + i, 0, at(3600));
	for (int i = 0; i < 10; i++)
		rig_udp(&rig, 1 + i, 0, at(0));
	alarm(20); /* it once looked for ever */
	host_meter_look(rig.meter, at(300));
	alarm(0);
	assert_int_equal(host_meter_flows(rig.meter), 10);
	host_meter_look(rig.meter, at(3600 + 120));
	assert_int_equal(host_meter_flows(rig.meter), 0);
	rig_close(&rig);
}

/*
 * Packet time decides: hundreds of flows that were idle when the input ended are idle, whether
 * there was a packet more to end them or not.
 */
static void idle_at_the_end_of_input(void **state)
{
	(void)state;
	rig_open(&rig);
	for (int i = 0; i < 500; i++)
		rig_udp(&rig, 1000 + i, 0, at(0));
	rig_udp(&rig, 1, 0, at(200));
	rig_udp(&rig, 1, 0, at(200));
	rig_close(&rig);
	assert_int_equal(rig.row_count, 501);
	for (int i = 0; i < 500; i++)
		assert_row(&rig.rows[i], 1000 + i, 1, 0, FLOW_END_IDLE);
	assert_row(&rig.rows[500], 1, 2, 0, FLOW_END_FORCED);
	assert_int_equal(rig_ended(&rig, COUNTER_ENDED_IDLE), 500);
	assert_int_equal(rig_ended(&rig, COUNTER_ENDED_FORCED), 1);
}

static void an_end_by_the_user_is_forced(void **state)
{
	(void)state;
	rig.config.tcp_end = true;
	rig_open(&rig);
	for (int i = 0; i < 50; i++)
		rig_udp(&rig, 1000 + i, i & 1, at(i));
	rig_tcp(&rig, 1, 0, at(50), TCP_FLAG_RST); /* lingers */
	rig_close(&rig);
	for (int i = 0; i < 50; i++)
		assert_row(&rig.rows[i], i & 1 ? RIG_PORT : 1000 + i, 1, 0, FLOW_END_FORCED);
	assert_row(&rig.rows[50], 1, 1, 0, FLOW_END_FORCED);
}

static void nothing_at_all(void **state)
{
	(void)state;
	rig_open(&rig);
	host_meter_look(rig.meter, at(0));
	rig_close(&rig);
	assert_int_equal(rig.row_count, 0);
	host_meter_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(both_directions_are_one_flow, begin, end),
		cmocka_unit_test_setup_teardown(idle_flows_end_behind_a_long_lived_one, begin, end),
		cmocka_unit_test_setup_teardown(idle_flows_end_in_order, begin, end),
		cmocka_unit_test_setup_teardown(a_pause_makes_two_flows, begin, end),
		cmocka_unit_test_setup_teardown(an_active_cut_keeps_the_source, begin, end),
		cmocka_unit_test_setup_teardown(an_idle_timeout_of_zero_makes_a_flow_of_each_packet,
						begin, end),
		cmocka_unit_test_setup_teardown(max_flows_evicts_the_longest_idle, begin, end),
		cmocka_unit_test_setup_teardown(max_flows_looks_at_finished_connections, begin,
						end),
		cmocka_unit_test_setup_teardown(one_flow_at_most, begin, end),
		cmocka_unit_test_setup_teardown(a_wild_time_stamp_ends_nobody_else, begin, end),
		cmocka_unit_test_setup_teardown(a_wild_time_stamp_holds_nobody_up, begin, end),
		cmocka_unit_test_setup_teardown(files_out_of_order, begin, end),
		cmocka_unit_test_setup_teardown(time_that_goes_back, begin, end),
		cmocka_unit_test_setup_teardown(tcp_end, begin, end),
		cmocka_unit_test_setup_teardown(a_port_is_used_again, begin, end),
		cmocka_unit_test_setup_teardown(fragments_join_their_flow, begin, end),
		cmocka_unit_test_setup_teardown(a_look_ends_what_is_idle, begin, end),
		cmocka_unit_test_setup_teardown(a_look_at_flows_of_the_future, begin, end),
		cmocka_unit_test_setup_teardown(idle_at_the_end_of_input, begin, end),
		cmocka_unit_test_setup_teardown(an_end_by_the_user_is_forced, begin, end),
		cmocka_unit_test_setup_teardown(nothing_at_all, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
