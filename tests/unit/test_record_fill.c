/* SPDX-License-Identifier: BSD-2-Clause */
/* What record_fill() takes from the half of a flow that the agent has, and what it leaves out. */
#include "outputs.h"

/* A flow of two packets in 1 ms, the source's. */
struct ended {
	struct flow_key key;
	struct flow_counters counters;
	struct flow_stats stats;
	struct flow_tcp tcp;
	struct flow flow;
	struct flow_record record;
};

static void ended_begin(struct ended *e)
{
	*e = (struct ended){ .key = { .protocol = 6, .ip_version = 4 } };
	e->counters.dir[0] = (struct flow_dir){
		.packets = 2,
		.bytes = 120,
		.first_ns = 1700000000000000000,
		.last_ns = 1700000000001000000,
	};
	e->stats.dir[0].max_size = 60;
	memset(&e->record, 0xaa, sizeof(e->record)); /* what the record before left */
}

static void ended_fill(struct ended *e, uint32_t need, enum flow_end_reason reason, bool counted)
{
	struct config config = every_config();
	struct flow_end end = {
		.key = &e->key,
		.counters = &e->counters,
		.stats = counted ? &e->stats : NULL,
		.tcp = counted ? &e->tcp : NULL,
		.reason = reason,
	};

	record_fill(&e->record, &e->flow, &end, need, NULL, &config);
}

static void what_nobody_needs_is_not_made(void **state)
{
	struct ended e;

	(void)state;
	ended_begin(&e);
	e.tcp.dir[0].retransmitted = 1;
	ended_fill(&e, 0, FLOW_END_IDLE, true);
	assert_int_equal(e.record.side[SIDE_BOTH].packets, 2);
	assert_true(e.record.side[SIDE_BOTH].mean_ps == 0);
	assert_true(e.record.side[SIDE_BOTH].packet_rate == 0);
	assert_int_equal(e.record.side[SIDE_BOTH].max_ps, 0);
	assert_int_equal(e.record.side[SIDE_BOTH].retransmitted, 0);
	assert_int_equal(e.record.nfhash, 0);
	assert_string_equal(e.record.community_id, "");
}

static void nothing_was_counted(void **state)
{
	struct ended e;

	(void)state;
	ended_begin(&e);
	ended_fill(&e, ~0u, FLOW_END_IDLE, false);
	assert_true(e.record.side[SIDE_BOTH].mean_ps == 0);
	assert_int_equal(e.record.side[SIDE_BOTH].retransmitted, 0);
	assert_true(e.record.side[SIDE_BOTH].packet_rate == 2000);
	assert_true(e.record.side[SIDE_DST2SRC].byte_rate == 0);
}

/* Absent texts are empty, never NULL. */
static void without_dissection(void **state)
{
	struct ended e;

	(void)state;
	ended_begin(&e);
	ended_fill(&e, NEED_DISSECT | NEED_RISK_NAMES, FLOW_END_IDLE, true);
	assert_string_equal(e.record.application_name, "");
	assert_string_equal(e.record.category_name, "");
	assert_string_equal(e.record.confidence_name, "");
	assert_string_equal(e.record.risk_names, "");
	assert_string_equal(e.record.text.host, "");
	assert_string_equal(e.record.text.alpn, "");
	assert_string_equal(e.record.probe, "probe7");
}

static void ends(void **state)
{
	struct ended e;

	(void)state;
	for (int reason = FLOW_END_IDLE; reason <= FLOW_END_NO_RESOURCES; reason++) {
		ended_begin(&e);
		ended_fill(&e, 0, reason, true);
		assert_int_equal(e.record.end_reason, reason);
		assert_int_equal(e.record.expiration_id, reason == FLOW_END_ACTIVE);
	}
}

static void first_packets(void **state)
{
	struct splt_entry splt[2] = { { .size = 1 }, { .size = 2 } };
	struct ended e;

	(void)state;
	ended_begin(&e);
	e.flow = (struct flow){
		.flow_id = 77,
		.splt = splt,
		.splt_count = 2,
		.teid = { 11, 22 },
		.window = { 33, 44 },
		.mac = { { 1, 2, 3, 4, 5, 6 }, { 7, 8, 9, 10, 11, 12 } },
		.icmp_type = 8,
		.icmp_code = 9,
	};
	ended_fill(&e, 0, FLOW_END_IDLE, true);
	assert_int_equal(e.record.flow_id, 77);
	assert_ptr_equal(e.record.splt, splt);
	assert_int_equal(e.record.splt_count, 2);
	assert_int_equal(e.record.splt_length, 4);
	assert_int_equal(e.record.src_teid, 11);
	assert_int_equal(e.record.dst_teid, 22);
	assert_int_equal(e.record.src_window, 33);
	assert_int_equal(e.record.dst_window, 44);
	assert_int_equal(e.record.src_mac[0], 1);
	assert_int_equal(e.record.dst_mac[5], 12);
	assert_int_equal(e.record.icmp_type, 8);
	assert_int_equal(e.record.icmp_code, 9);
}

static void timing_and_verdict(void **state)
{
	struct ended e;

	(void)state;
	ended_begin(&e);
	e.flow.timing = (struct flow_timing){
		.server_rtt_us = 1,
		.client_rtt_us = 2,
		.app_latency_us = 3,
		.known = TIMING_SERVER_RTT | TIMING_APP_LATENCY,
	};
	e.flow.app = (struct app_info){
		.master_protocol = 91,
		.app_protocol = 126,
		.guessed = 1,
		.confidence = 6,
		.risks = 1ull << 63,
	};
	ended_fill(&e, NEED_DISSECT, FLOW_END_IDLE, true);
	assert_int_equal(e.record.server_rtt_us, 1);
	assert_int_equal(e.record.client_rtt_us, 2);
	assert_int_equal(e.record.app_latency_us, 3);
	assert_int_equal(e.record.timing_known, TIMING_SERVER_RTT | TIMING_APP_LATENCY);
	assert_int_equal(e.record.master_protocol, 91);
	assert_int_equal(e.record.app_protocol, 126);
	assert_int_equal(e.record.guessed, 1);
	assert_int_equal(e.record.confidence, 6);
	assert_int_equal(e.record.risks, 1ull << 63);
}

static void key_of_a_tunnel(void **state)
{
	struct ended e;

	(void)state;
	ended_begin(&e);
	e.key = (struct flow_key){
		.vlan_id = 4094,
		.protocol = 17,
		.ip_version = 6,
		.tunnel = TUNNEL_VXLAN,
		.tunnel_id = 0xffffff,
	};
	ended_fill(&e, 0, FLOW_END_IDLE, true);
	assert_int_equal(e.record.vlan_id, 4094);
	assert_int_equal(e.record.protocol, 17);
	assert_int_equal(e.record.ip_version, 6);
	assert_int_equal(e.record.tunnel, TUNNEL_VXLAN);
	assert_int_equal(e.record.tunnel_key, 0xffffff);
}

static void nfhash_is_the_sum(void **state)
{
	struct flow_record r = sample_record(), back;

	(void)state;
	r.vlan_id = 5;
	record_derive(&r, NEED_NFHASH);
	/* 192.0.2.1 + 198.51.100.254 + ports + protocol + VLAN */
	assert_int_equal(r.nfhash, 0xc0000201ull + 0xc63364feull + 40000 + 443 + 6 + 5);
	back = r;
	memcpy(back.src_addr, r.dst_addr, 16);
	memcpy(back.dst_addr, r.src_addr, 16);
	back.src_port = r.dst_port;
	back.dst_port = r.src_port;
	record_derive(&back, NEED_NFHASH);
	assert_int_equal(back.nfhash, r.nfhash);
	r.ip_version = 6;
	memset(r.src_addr, 0xff, 16);
	memset(r.dst_addr, 0, 15);
	r.dst_addr[15] = 1;
	record_derive(&r, NEED_NFHASH);
	assert_int_equal(r.nfhash, 40000 + 443 + 6 + 5); /* 2^64 - 1 + 1 */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_nobody_needs_is_not_made),
		cmocka_unit_test(nothing_was_counted),
		cmocka_unit_test(without_dissection),
		cmocka_unit_test(ends),
		cmocka_unit_test(first_packets),
		cmocka_unit_test(timing_and_verdict),
		cmocka_unit_test(key_of_a_tunnel),
		cmocka_unit_test(nfhash_is_the_sum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
