/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * meter.h: retransmitted, out-of-order and zero-window segments, told by sequence numbers of 32
 * bits that wrap (RFC 9293 section 3.4). Every case runs at several places of the number space.
 */
#include "frames.h"

#include "meter/meter.h"

static const struct meter_config config = { .tcp = 1 };

static struct flow_counters counters;
static struct flow_tcp tcp;
static uint32_t base; /* of the sequence numbers in a test */

static void add_packet(struct packet p)
{
	meter_update(&counters, NULL, &tcp, &p, &config);
}

static struct packet segment(uint32_t seq, uint32_t len, uint8_t flags)
{
	struct packet p = {
		.key = { .protocol = PROTO_TCP, .ip_version = 4 },
		.segments = 1,
		.size = { [ACCOUNT_PAYLOAD] = len },
		.tcp_seq = base + seq,
		.tcp_window = 500,
		.tcp_flags = flags,
		.has_l4 = 1,
	};

	return p;
}

static void send(uint32_t seq, uint32_t len)
{
	add_packet(segment(seq, len, TCP_FLAG_ACK));
}

static void assert_seen(uint32_t retransmitted, uint32_t out_of_order)
{
	assert_int_equal(tcp.dir[0].retransmitted, retransmitted);
	assert_int_equal(tcp.dir[0].out_of_order, out_of_order);
}

/* Runs a case from 0, over the wrap at any of its bytes, and over the sign bit. */
static void everywhere(void (*run)(void))
{
	static const uint32_t middles[] = { 0, 0x80000000, 0x12345678 };

	for (int i = 0; i < 3; i++) {
		for (uint32_t back = 0; back <= 1100; back++) {
			memset(&counters, 0, sizeof(counters));
			memset(&tcp, 0, sizeof(tcp));
			base = middles[i] - back;
			run();
		}
	}
}

static void run_in_order(void)
{
	send(0, 100);
	send(100, 1);
	send(101, 899);
	send(1000, 100);
	assert_seen(0, 0);
}

static void in_order(void **state)
{
	(void)state;
	everywhere(run_in_order);
}

static void run_retransmission(void)
{
	send(0, 100);
	send(0, 100);
	assert_seen(1, 0);
	send(100, 100);
	send(0, 100);
	send(100, 100);
	send(150, 50);
	assert_seen(4, 0);
	send(200, 800);
	assert_seen(4, 0);
}

static void retransmission(void **state)
{
	(void)state;
	everywhere(run_retransmission);
}

/* Old bytes with new ones behind are no pure retransmission. */
static void run_partly_new(void)
{
	send(0, 100);
	send(50, 100);
	assert_seen(0, 0);
	send(100, 50);
	assert_seen(1, 0);
	send(150, 100);
	assert_seen(1, 0);
}

static void partly_new(void **state)
{
	(void)state;
	everywhere(run_partly_new);
}

static void run_gap_filled(void)
{
	send(0, 100);
	send(200, 100);
	assert_seen(0, 0);
	send(100, 100);
	assert_seen(0, 1);
	send(100, 100);
	assert_seen(1, 1);
	send(300, 100);
	assert_seen(1, 1);
}

static void a_gap_is_filled(void **state)
{
	(void)state;
	everywhere(run_gap_filled);
}

static void run_gap_filled_in_pieces(void)
{
	send(0, 100);
	send(1000, 100);
	send(100, 300);
	assert_seen(0, 1);
	send(700, 300);
	assert_seen(0, 2);
	send(100, 300);
	send(700, 300);
	assert_seen(2, 2);
	send(400, 300);
	assert_seen(2, 3);
	send(400, 300);
	assert_seen(3, 3);
}

static void a_gap_is_filled_in_pieces(void **state)
{
	(void)state;
	everywhere(run_gap_filled_in_pieces);
}

/* A segment that fills the gap and says more than was missing lies not in the gap. */
static void run_gap_overlapped(void)
{
	send(0, 100);
	send(200, 100);
	send(50, 100);
	assert_seen(1, 0);
	send(150, 100);
	assert_seen(2, 0);
}

static void a_gap_is_overlapped(void **state)
{
	(void)state;
	everywhere(run_gap_overlapped);
}

/* SYN and FIN take a number each. */
static void run_handshake(void)
{
	add_packet(segment(0, 0, TCP_FLAG_SYN));
	add_packet(segment(0, 0, TCP_FLAG_SYN));
	assert_seen(1, 0);
	send(1, 0);
	send(1, 0);
	send(1, 100);
	assert_seen(1, 0);
	add_packet(segment(101, 0, TCP_FLAG_FIN | TCP_FLAG_ACK));
	assert_seen(1, 0);
	add_packet(segment(101, 0, TCP_FLAG_FIN | TCP_FLAG_ACK));
	assert_seen(2, 0);
	send(102, 0);
	assert_seen(2, 0);
}

static void syn_and_fin_count_as_sequence_space(void **state)
{
	(void)state;
	everywhere(run_handshake);
}

/* Acknowledgements of any number, old ones too, are neither. */
static void run_pure_acks(void)
{
	send(500, 0);
	send(0, 100);
	send(0, 0);
	send(100, 0);
	send(50, 0);
	send(1000, 0);
	send(100, 100);
	assert_seen(0, 0);
}

static void pure_acks_have_no_place(void **state)
{
	(void)state;
	everywhere(run_pure_acks);
}

/* RFC 9293 section 3.8.4: a keep-alive repeats the last byte, or sends none. */
static void run_keep_alive(void)
{
	send(0, 100);
	send(99, 0);
	assert_seen(0, 0);
	send(99, 1);
	assert_seen(1, 0);
}

static void keep_alive(void **state)
{
	(void)state;
	everywhere(run_keep_alive);
}

static void directions_are_apart(void **state)
{
	struct packet answer;

	(void)state;
	memset(&counters, 0, sizeof(counters));
	memset(&tcp, 0, sizeof(tcp));
	base = 0;
	send(1000, 100);
	answer = segment(0, 100, TCP_FLAG_ACK);
	answer.dir = 1;
	add_packet(answer);
	add_packet(answer);
	assert_seen(0, 0);
	assert_int_equal(tcp.dir[1].retransmitted, 1);
	send(1000, 100);
	assert_seen(1, 0);
	assert_int_equal(tcp.dir[1].retransmitted, 1);
}

/* RFC 9293: a window of 0 stops the peer; in a RST it says nothing. */
static void zero_windows(void **state)
{
	struct packet p;

	(void)state;
	memset(&counters, 0, sizeof(counters));
	memset(&tcp, 0, sizeof(tcp));
	p = segment(0, 0, TCP_FLAG_ACK);
	add_packet(p);
	p.tcp_window = 0;
	add_packet(p);
	p.segments = 3;
	add_packet(p);
	p.segments = 1;
	p.tcp_flags = TCP_FLAG_RST;
	add_packet(p);
	p.tcp_flags = TCP_FLAG_RST | TCP_FLAG_ACK;
	add_packet(p);
	assert_int_equal(tcp.dir[0].zero_window, 4);
	assert_int_equal(tcp.dir[1].zero_window, 0);
	assert_seen(0, 0);
}

/* 4 segments of 200 and one of 100 bytes lie in one piece. */
static void run_super_packet(void)
{
	struct packet p = segment(0, 100, TCP_FLAG_ACK);

	p.segments = 5;
	p.segment_extra = 100;
	add_packet(p);
	send(900, 100);
	assert_seen(0, 0);
	add_packet(p);
	assert_seen(5, 0);
	send(800, 100);
	assert_seen(6, 0);
}

static void super_packets_count_their_segments(void **state)
{
	(void)state;
	everywhere(run_super_packet);
}

static void only_tcp_headers_count(void **state)
{
	struct packet p;

	(void)state;
	memset(&counters, 0, sizeof(counters));
	memset(&tcp, 0, sizeof(tcp));
	p = segment(0, 100, TCP_FLAG_ACK);
	p.tcp_window = 0;
	p.has_l4 = 0; /* a later fragment, a cut header */
	add_packet(p);
	add_packet(p);
	p.has_l4 = 1;
	p.key.protocol = PROTO_UDP;
	add_packet(p);
	add_packet(p);
	assert_seen(0, 0);
	assert_int_equal(tcp.dir[0].zero_window, 0);
	p.key.protocol = PROTO_TCP;
	add_packet(p); /* the first that tells where the direction stands */
	assert_seen(0, 0);
	add_packet(p);
	assert_seen(1, 0);
	assert_int_equal(tcp.dir[0].zero_window, 2);
}

/* RFC 1982: before and behind are half the number space. */
static void sequence_order(void **state)
{
	(void)state;
	assert_true(meter_seq_before(0, 1));
	assert_true(meter_seq_before(0xffffffff, 0));
	assert_true(meter_seq_before(0, 0x7fffffff));
	assert_true(meter_seq_before(0xc0000000, 0x3fffffff));
	assert_false(meter_seq_before(0, 0));
	assert_false(meter_seq_before(1, 0));
	assert_false(meter_seq_before(0, 0xffffffff));
	assert_false(meter_seq_before(0x80000000, 0x7fffffff));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(in_order),
		cmocka_unit_test(retransmission),
		cmocka_unit_test(partly_new),
		cmocka_unit_test(a_gap_is_filled),
		cmocka_unit_test(a_gap_is_filled_in_pieces),
		cmocka_unit_test(a_gap_is_overlapped),
		cmocka_unit_test(syn_and_fin_count_as_sequence_space),
		cmocka_unit_test(pure_acks_have_no_place),
		cmocka_unit_test(keep_alive),
		cmocka_unit_test(directions_are_apart),
		cmocka_unit_test(zero_windows),
		cmocka_unit_test(super_packets_count_their_segments),
		cmocka_unit_test(only_tcp_headers_count),
		cmocka_unit_test(sequence_order),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
