/* SPDX-License-Identifier: BSD-2-Clause */
/* How the agent joins the kernel's events: every order in which they can arrive. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "kernel_flows.h"
#include "meter/key.h"
#include "meter/meter.h"
#include "meter_rig.h"

#define PORT 40000

struct join {
	struct rig rig;
	struct meter_config config;
	struct kernel_flows *kernel;
	struct reopen_args reopened; /* the last one */
	int reopens, drops, sated;
	int reopen_result;
	enum appetite appetite;
};

static int fake_reopen(void *context, struct reopen_args *args)
{
	struct join *j = context;

	j->reopens += !args->drop;
	j->drops += args->drop;
	j->reopened = *args;
	return j->reopen_result;
}

static void fake_sate(void *context, const struct sated_flow *flows, uint32_t count)
{
	struct join *j = context;

	j->sated += count;
	j->appetite = flows[0].appetite;
}

static void join_open(struct join *j, uint64_t max_flows)
{
	struct kernel_port port = { .context = j, .reopen = fake_reopen, .sate = fake_sate };

	memset(j, 0, sizeof(*j));
	rig_init(&j->rig);
	j->rig.config.max_flows = max_flows;
	rig_open(&j->rig);
	j->config.idle_ns = j->rig.config.idle_ns;
	j->config.active_ns = j->rig.config.active_ns;
	j->config.first_udp = 16;
	j->kernel = kernel_flows_new(&j->config, &port, j->rig.meter, j->rig.flows, &j->rig.ledger);
	assert_non_null(j->kernel);
}

static void join_close(struct join *j)
{
	kernel_flows_free(j->kernel);
	rig_close(&j->rig);
}

static struct packet packet_at(uint16_t port, uint64_t time_ns)
{
	struct packet p = rig_packet_of(port, 0, time_ns, 17);

	p.segments = 1;
	key_canonicalize(&p);
	return p;
}

static void send_packet(struct join *j, enum event_type type, enum overflow_reason reason,
			uint16_t port, uint64_t time_ns)
{
	struct event_packet e = { .type = type, .reason = reason };

	e.packet = packet_at(port, time_ns);
	e.initiator = e.packet.dir;
	kernel_flows_event(j->kernel, &e, sizeof(e));
}

static void send_first(struct join *j, uint16_t port, uint64_t time_ns)
{
	send_packet(j, EVENT_PACKET, 0, port, time_ns);
}

static void send_overflow(struct join *j, enum overflow_reason reason, uint16_t port,
			  uint64_t time_ns)
{
	j->rig.ledger.value[COUNTER_METERED]++; /* as the kernel has counted it */
	send_packet(j, EVENT_OVERFLOW, reason, port, time_ns);
}

/* The numbers of an entry with packets at these times. */
static void send_end(struct join *j, uint16_t port, uint64_t first_ns, uint64_t last_ns,
		     uint64_t packets, enum flow_end_reason reason, bool kept)
{
	struct packet p = packet_at(port, first_ns);
	struct event_flow_end e = { .type = EVENT_FLOW_END, .reason = reason, .kept = kept };

	e.key = p.key;
	e.counters.initiator = p.dir;
	e.counters.dir[p.dir] = (struct flow_dir){
		.packets = packets,
		.bytes = packets * 100,
		.first_ns = first_ns,
		.last_ns = last_ns,
	};
	kernel_flows_event(j->kernel, &e, sizeof(e));
}

static uint32_t closed(struct join *j)
{
	static struct flow_key keys[16];

	return kernel_flows_closed(j->kernel, keys, 16);
}

static void numbers_come_from_the_kernel(void **state)
{
	struct join j;

	(void)state;
	join_open(&j, 0);
	send_first(&j, PORT, RIG_T0);
	send_end(&j, PORT, RIG_T0, RIG_T0 + RIG_SECOND, 7, FLOW_END_IDLE, false);
	join_close(&j);
	assert_int_equal(j.rig.row_count, 1);
	assert_row(&j.rig.rows[0], PORT, 7, 0, FLOW_END_IDLE);
	assert_int_equal(j.rig.rows[0].last_ns, RIG_T0 + RIG_SECOND);
	rig_free(&j.rig);
}

/* All copies were lost: the numbers alone make a record. */
static void no_copies(void **state)
{
	struct join j;

	(void)state;
	join_open(&j, 0);
	send_end(&j, PORT, RIG_T0, RIG_T0, 3, FLOW_END_FORCED, false);
	join_close(&j);
	assert_int_equal(j.rig.row_count, 1);
	assert_row(&j.rig.rows[0], PORT, 3, 0, FLOW_END_FORCED);
	rig_free(&j.rig);
}

/* A packet that found the timeout passed waits for the numbers, ends the flow and begins a new. */
static void cut_by_a_packet(void **state)
{
	struct join j;
	uint64_t later = RIG_T0 + 1800 * RIG_SECOND;

	(void)state;
	join_open(&j, 0);
	send_first(&j, PORT, RIG_T0);
	send_overflow(&j, OVERFLOW_CLOSED, PORT, later);
	send_overflow(&j, OVERFLOW_CLOSED, PORT, later + 1);
	assert_int_equal(closed(&j), 1);
	send_end(&j, PORT, RIG_T0, later - 1, 9, FLOW_END_NONE, true);
	assert_int_equal(j.reopens, 1);
	assert_int_equal(j.reopened.counters.dir[0].packets + j.reopened.counters.dir[1].packets,
			 2);
	kernel_flows_collected(j.kernel, 1);
	send_end(&j, PORT, later, later + 5, 4, FLOW_END_FORCED, false);
	join_close(&j);
	assert_int_equal(j.rig.row_count, 2);
	assert_row(&j.rig.rows[0], PORT, 9, 0, FLOW_END_ACTIVE);
	assert_row(&j.rig.rows[1], PORT, 4, 0, FLOW_END_FORCED);
	rig_free(&j.rig);
}

/* The entry is gone when it should be opened again: the agent counts on. */
static void reopen_fails(void **state)
{
	struct join j;
	uint64_t later = RIG_T0 + 200 * RIG_SECOND;

	(void)state;
	join_open(&j, 0);
	j.reopen_result = -2;
	send_first(&j, PORT, RIG_T0);
	send_overflow(&j, OVERFLOW_CLOSED, PORT, later);
	send_end(&j, PORT, RIG_T0, RIG_T0, 1, FLOW_END_NONE, true);
	send_overflow(&j, OVERFLOW_FULL, PORT, later + 1);
	join_close(&j);
	assert_int_equal(j.rig.row_count, 2);
	assert_row(&j.rig.rows[0], PORT, 1, 0, FLOW_END_IDLE);
	assert_row(&j.rig.rows[1], PORT, 2, 0, FLOW_END_FORCED);
	rig_free(&j.rig);
}

/* A packet met the entry just before it was deleted and comes behind the numbers. */
static void late_packet(void **state)
{
	struct join j;
	uint64_t later = RIG_T0 + 200 * RIG_SECOND;

	(void)state;
	join_open(&j, 0);
	send_first(&j, PORT, RIG_T0);
	send_end(&j, PORT, RIG_T0, RIG_T0, 1, FLOW_END_IDLE, false);
	send_overflow(&j, OVERFLOW_CLOSED, PORT, later);
	assert_int_equal(closed(&j), 1);
	kernel_flows_collected(j.kernel, 1);
	assert_int_equal(closed(&j), 0);
	join_close(&j);
	assert_int_equal(j.rig.row_count, 2);
	assert_row(&j.rig.rows[0], PORT, 1, 0, FLOW_END_IDLE);
	assert_row(&j.rig.rows[1], PORT, 1, 0, FLOW_END_FORCED);
	rig_free(&j.rig);
}

/* An old key of a flow that has closed again since does not give its new packets away early. */
static void closed_again(void **state)
{
	struct join j;
	uint64_t later = RIG_T0 + 200 * RIG_SECOND, again = later + 200 * RIG_SECOND;

	(void)state;
	join_open(&j, 0);
	send_first(&j, PORT, RIG_T0);
	send_overflow(&j, OVERFLOW_CLOSED, PORT, later);
	assert_int_equal(closed(&j), 1);
	send_end(&j, PORT, RIG_T0, RIG_T0, 1, FLOW_END_NONE, true);
	send_overflow(&j, OVERFLOW_CLOSED, PORT, again);
	kernel_flows_collected(j.kernel, 1);
	assert_int_equal(closed(&j), 1);
	send_end(&j, PORT, later, later, 1, FLOW_END_NONE, true);
	kernel_flows_collected(j.kernel, 1);
	send_end(&j, PORT, again, again, 1, FLOW_END_IDLE, false);
	join_close(&j);
	assert_int_equal(j.rig.row_count, 3);
	for (int i = 0; i < 3; i++)
		assert_row(&j.rig.rows[i], PORT, 1, 0, FLOW_END_IDLE);
	rig_free(&j.rig);
}

/* Two CPUs made the entry at once: the second's packet comes by itself, before or behind. */
static void race(void **state)
{
	struct join j;

	(void)state;
	join_open(&j, 0);
	send_overflow(&j, OVERFLOW_RACE, PORT, RIG_T0 + 1);
	send_first(&j, PORT, RIG_T0);
	send_overflow(&j, OVERFLOW_RACE, PORT, RIG_T0 + 2);
	send_end(&j, PORT, RIG_T0, RIG_T0 + 9, 5, FLOW_END_IDLE, false);
	join_close(&j);
	assert_int_equal(j.rig.row_count, 1);
	assert_row(&j.rig.rows[0], PORT, 7, 0, FLOW_END_IDLE);
	assert_int_equal(j.rig.rows[0].first_ns, RIG_T0);
	rig_free(&j.rig);
}

/* No room in the map: the flow lives here, and its later entry joins it. */
static void no_room_in_the_map(void **state)
{
	struct join j;

	(void)state;
	join_open(&j, 0);
	send_overflow(&j, OVERFLOW_FULL, PORT, RIG_T0);
	send_overflow(&j, OVERFLOW_FULL, PORT, RIG_T0 + 1);
	send_first(&j, PORT, RIG_T0 + 2);
	send_end(&j, PORT, RIG_T0 + 2, RIG_T0 + 9, 5, FLOW_END_IDLE, false);
	send_overflow(&j, OVERFLOW_FULL, PORT + 1, RIG_T0);
	join_close(&j);
	assert_int_equal(j.rig.row_count, 2);
	assert_row(&j.rig.rows[0], PORT, 7, 0, FLOW_END_IDLE);
	assert_row(&j.rig.rows[1], PORT + 1, 1, 0, FLOW_END_FORCED);
	rig_free(&j.rig);
}

/* --max-flows is reached by flows in the kernel: nothing can make way, and it is told. */
static void no_room_in_the_agent(void **state)
{
	struct join j;

	(void)state;
	join_open(&j, 1);
	send_first(&j, PORT, RIG_T0);
	send_first(&j, PORT + 1, RIG_T0);
	send_overflow(&j, OVERFLOW_FULL, PORT + 2, RIG_T0);
	assert_int_equal(rig_ended(&j.rig, COUNTER_MISSED_COPIES), 1);
	assert_int_equal(rig_ended(&j.rig, COUNTER_LOST_NO_MEMORY), 1);
	assert_int_equal(rig_ended(&j.rig, COUNTER_METERED), 0);
	send_end(&j, PORT + 1, RIG_T0, RIG_T0, 3, FLOW_END_IDLE, false);
	send_end(&j, PORT, RIG_T0, RIG_T0, 2, FLOW_END_IDLE, false);
	join_close(&j);
	assert_int_equal(j.rig.row_count, 2);
	assert_row(&j.rig.rows[0], PORT + 1, 3, 0, FLOW_END_IDLE);
	assert_row(&j.rig.rows[1], PORT, 2, 0, FLOW_END_IDLE);
	rig_free(&j.rig);
}

/* The event of the packet that closed an entry was lost: the numbers are a record all the same. */
static void kept_for_nobody(void **state)
{
	struct join j;

	(void)state;
	join_open(&j, 0);
	send_first(&j, PORT, RIG_T0);
	send_end(&j, PORT, RIG_T0, RIG_T0, 2, FLOW_END_ACTIVE, true);
	assert_int_equal(j.drops, 1);
	join_close(&j);
	assert_int_equal(j.rig.row_count, 1);
	assert_row(&j.rig.rows[0], PORT, 2, 0, FLOW_END_ACTIVE);
	rig_free(&j.rig);
}

/* Without a dissector one packet is enough, and the kernel is told once. */
static void tells_what_is_enough(void **state)
{
	struct join j;

	(void)state;
	join_open(&j, 0);
	send_first(&j, PORT, RIG_T0);
	send_first(&j, PORT, RIG_T0 + 1);
	kernel_flows_flush(j.kernel);
	assert_int_equal(j.sated, 1);
	assert_int_equal(j.appetite, APPETITE_NOTHING);
	send_end(&j, PORT, RIG_T0, RIG_T0, 2, FLOW_END_IDLE, false);
	join_close(&j);
	rig_free(&j.rig);
}

static void packets_of_events(void **state)
{
	struct event_packet packet = { .type = EVENT_OVERFLOW, .packet = { .segments = 3 } };
	struct event_flow_end end = { .type = EVENT_FLOW_END };

	(void)state;
	end.counters.dir[0].packets = 4;
	end.counters.dir[1].packets = 5;
	assert_int_equal(kernel_flows_packets(&packet, sizeof(packet)), 3);
	assert_int_equal(kernel_flows_packets(&end, sizeof(end)), 9);
	packet.type = EVENT_PACKET;
	assert_int_equal(kernel_flows_packets(&packet, sizeof(packet)), 0);
	assert_int_equal(kernel_flows_packets(&packet, 4), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_come_from_the_kernel),
		cmocka_unit_test(no_copies),
		cmocka_unit_test(cut_by_a_packet),
		cmocka_unit_test(reopen_fails),
		cmocka_unit_test(late_packet),
		cmocka_unit_test(closed_again),
		cmocka_unit_test(race),
		cmocka_unit_test(no_room_in_the_map),
		cmocka_unit_test(no_room_in_the_agent),
		cmocka_unit_test(kept_for_nobody),
		cmocka_unit_test(tells_what_is_enough),
		cmocka_unit_test(packets_of_events),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
