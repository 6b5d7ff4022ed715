/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * timing.c: round trips from the handshake, and how long the server thought. Only what was seen
 * is known.
 */
#include "timing.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "meter/wire.h"

#define US 1000ull
#define T0 (1700000000000000 * US)

enum { SYN = TCP_FLAG_SYN, ACK = TCP_FLAG_ACK, SYN_ACK = TCP_FLAG_SYN | TCP_FLAG_ACK };

static struct flow_timing timing;

static int begin(void **state)
{
	(void)state;
	timing = (struct flow_timing){ 0 };
	return 0;
}

static int end(void **state)
{
	(void)state;
	return 0;
}

static void show(bool from_src, uint64_t at_us, uint8_t protocol, uint8_t flags, uint32_t payload)
{
	struct packet p = {
		.key = { .protocol = protocol },
		.time_ns = T0 + at_us * US,
		.size = { [ACCOUNT_PAYLOAD] = payload },
		.segments = 1,
		.tcp_flags = flags,
		.has_l4 = 1,
	};

	timing_packet(&timing, &p, from_src);
}

static void client(uint64_t at_us, uint8_t flags, uint32_t payload)
{
	show(true, at_us, PROTO_TCP, flags, payload);
}

static void server(uint64_t at_us, uint8_t flags, uint32_t payload)
{
	show(false, at_us, PROTO_TCP, flags, payload);
}

static void assert_known(uint8_t known, uint32_t server_rtt, uint32_t client_rtt, uint32_t latency)
{
	assert_int_equal(timing.known, known);
	assert_int_equal(timing.server_rtt_us, server_rtt);
	assert_int_equal(timing.client_rtt_us, client_rtt);
	assert_int_equal(timing.app_latency_us, latency);
}

#define BOTH_RTTS (TIMING_SERVER_RTT | TIMING_CLIENT_RTT)
#define ALL       (BOTH_RTTS | TIMING_APP_LATENCY)

static void a_whole_exchange(void **state)
{
	(void)state;
	client(0, SYN, 0);
	assert_known(0, 0, 0, 0);
	server(30000, SYN_ACK, 0);
	assert_known(TIMING_SERVER_RTT, 30000, 0, 0);
	client(41000, ACK, 0);
	assert_known(BOTH_RTTS, 30000, 11000, 0);
	client(50000, ACK, 300);
	server(80000, ACK, 0);
	assert_known(BOTH_RTTS, 30000, 11000, 0);
	server(125000, ACK, 1400);
	assert_known(ALL, 30000, 11000, 75000);
	client(200000, ACK, 10);
	server(900000, ACK, 10);
	assert_known(ALL, 30000, 11000, 75000);
}

/* The latency counts from the last packet of the request. */
static void a_request_of_several_packets(void **state)
{
	(void)state;
	client(0, SYN, 0);
	server(10, SYN_ACK, 0);
	client(20, ACK, 1400);
	assert_known(BOTH_RTTS, 10, 10, 0);
	client(30, ACK, 1400);
	server(35, ACK, 0);
	client(40, ACK, 200);
	client(45, ACK, 0);
	server(1040, ACK, 1);
	assert_known(ALL, 10, 10, 1000);
}

/* The SYN that was answered is the last one. */
static void syn_repeated(void **state)
{
	(void)state;
	client(0, SYN, 0);
	client(1000000, SYN, 0);
	client(3000000, SYN, 0);
	server(3000700, SYN_ACK, 0);
	assert_known(TIMING_SERVER_RTT, 700, 0, 0);
}

static void syn_ack_repeated(void **state)
{
	(void)state;
	client(0, SYN, 0);
	server(500, SYN_ACK, 0);
	server(1000500, SYN_ACK, 0);
	client(1000800, ACK, 0);
	assert_known(BOTH_RTTS, 500, 300, 0);
}

/* ECN set-up, RFC 3168: ECE and CWR beside SYN change nothing. */
static void syn_with_other_flags(void **state)
{
	(void)state;
	client(0, SYN | TCP_FLAG_ECE | TCP_FLAG_CWR, 0);
	server(7, SYN_ACK | TCP_FLAG_ECE, 0);
	client(9, ACK, 0);
	assert_known(BOTH_RTTS, 7, 2, 0);
}

static void the_capture_starts_late(void **state)
{
	(void)state;
	server(0, SYN_ACK, 0);
	assert_known(0, 0, 0, 0);
	client(8, ACK, 0);
	assert_known(TIMING_CLIENT_RTT, 0, 8, 0);
	timing = (struct flow_timing){ 0 };
	client(0, ACK, 0);
	assert_known(0, 0, 0, 0);
	client(10, ACK, 50);
	server(30, ACK, 50);
	assert_known(TIMING_APP_LATENCY, 0, 0, 20);
}

/* A greeting answers no request: SSH, SMTP. */
static void the_server_speaks_first(void **state)
{
	(void)state;
	client(0, SYN, 0);
	server(10, SYN_ACK, 0);
	client(20, ACK, 0);
	server(500, ACK, 40);
	client(600, ACK, 40);
	server(900, ACK, 40);
	assert_known(BOTH_RTTS, 10, 10, 0);
}

/* Acknowledgements of the wrong side are no milestones. */
static void flags_of_the_other_side(void **state)
{
	(void)state;
	server(0, SYN, 0);
	client(5, SYN_ACK, 0);
	server(9, ACK, 0);
	server(12, SYN_ACK, 0);
	assert_known(0, 0, 0, 0);
}

static void udp_request_and_response(void **state)
{
	(void)state;
	show(true, 0, PROTO_UDP, 0, 40);
	show(true, 5000, PROTO_UDP, 0, 40);
	show(false, 12000, PROTO_UDP, 0, 300);
	assert_known(TIMING_APP_LATENCY, 0, 0, 7000);
	show(false, 19000, PROTO_UDP, 0, 300);
	assert_known(TIMING_APP_LATENCY, 0, 0, 7000);
}

static void time_that_goes_back_is_zero(void **state)
{
	(void)state;
	client(100, SYN, 0);
	server(50, SYN_ACK, 0);
	assert_known(TIMING_SERVER_RTT, 0, 0, 0);
}

/* 32 bits of microseconds are 71 minutes. */
static void long_waits_stop_at_the_largest_number(void **state)
{
	(void)state;
	show(true, 0, PROTO_UDP, 0, 1);
	show(false, UINT32_MAX, PROTO_UDP, 0, 1);
	assert_known(TIMING_APP_LATENCY, 0, 0, UINT32_MAX);
	timing = (struct flow_timing){ 0 };
	show(true, 0, PROTO_UDP, 0, 1);
	show(false, 1ull << 33, PROTO_UDP, 0, 1);
	assert_known(TIMING_APP_LATENCY, 0, 0, UINT32_MAX);
}

static void nanoseconds_are_cut(void **state)
{
	struct packet p = { .key = { .protocol = PROTO_UDP }, .time_ns = T0 + 1 };

	(void)state;
	p.size[ACCOUNT_PAYLOAD] = 1;
	timing_packet(&timing, &p, true);
	p.time_ns = T0 + 2000;
	timing_packet(&timing, &p, false);
	assert_known(TIMING_APP_LATENCY, 0, 0, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_whole_exchange, begin, end),
		cmocka_unit_test_setup_teardown(a_request_of_several_packets, begin, end),
		cmocka_unit_test_setup_teardown(syn_repeated, begin, end),
		cmocka_unit_test_setup_teardown(syn_ack_repeated, begin, end),
		cmocka_unit_test_setup_teardown(syn_with_other_flags, begin, end),
		cmocka_unit_test_setup_teardown(the_capture_starts_late, begin, end),
		cmocka_unit_test_setup_teardown(the_server_speaks_first, begin, end),
		cmocka_unit_test_setup_teardown(flags_of_the_other_side, begin, end),
		cmocka_unit_test_setup_teardown(udp_request_and_response, begin, end),
		cmocka_unit_test_setup_teardown(time_that_goes_back_is_zero, begin, end),
		cmocka_unit_test_setup_teardown(long_waits_stop_at_the_largest_number, begin, end),
		cmocka_unit_test_setup_teardown(nanoseconds_are_cut, begin, end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
