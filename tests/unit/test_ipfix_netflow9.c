/* SPDX-License-Identifier: BSD-2-Clause */
/* NetFlow v9 messages byte by byte, as RFC 3954 has them: a record for each direction. */
#include "ipfix_rig.h"

#include "anonymize.h"

#define START_S 0x6553f100u
#define DAY_S   86400u

/* 24 days in ms: the uptime that a run begins with. */
#define UPTIME "7b98a000"

static void both_directions(void **state)
{
	struct rig rig;
	struct flow_record r = sample_flow();

	(void)state;
	rig_open(&rig, NETFLOW9, "src_ip,dst_ip,src_port,protocol,src2dst_packets,dst2src_bytes");
	rig_encode(&rig, &r);
	rig_flush(&rig);
	assert_int_equal(rig.count, 1);
	assert_int_equal(rig.messages[0].flows, 1);
	/* 3 templates and 3 records */
	assert_message(&rig, 0,
		       "0009 0006" UPTIME "6553f100 00000000 00000001"
		       "0000 0034"
		       "0100 0005 0008 0004 000c 0004 0007 0002 0004 0001 0002 0008"
		       "0101 0005 001b 0010 001c 0010 0007 0002 0004 0001 0002 0008"
		       "0001 001c 0106 0004 000c 0001 0004 0029 0008 002a 0008 0028 0008 0000"
		       "0106 0020 00000001 0000000000000000 0000000000000000 0000000000000000"
		       "0100 002c"
		       "c0000201 c63364fe 9c40 06 0000000000000007"
		       "c63364fe c0000201 01bb 06 0000000000000003 0000");
	rig_close(&rig);
}

/* The sequence number counts messages. */
static void sequence_numbers(void **state)
{
	struct rig rig;
	struct flow_record r = sample_flow();

	(void)state;
	rig_open(&rig, NETFLOW9, "src_ip");
	for (int i = 0; i < 3; i++) {
		rig_encode(&rig, &r);
		rig_flush(&rig);
	}
	for (uint32_t i = 0; i < 3; i++)
		assert_int_equal(rig_sequence(&rig, i), i);
	assert_message(&rig, 2,
		       "0009 0002" UPTIME "6553f100 00000002 00000001"
		       "0100 000c c0000201 c63364fe");
	rig_close(&rig);
}

static void a_direction_without_packets_has_no_record(void **state)
{
	struct rig rig;
	struct flow_record r = sample_flow();

	(void)state;
	rig_open(&rig, NETFLOW9, "src_ip,src2dst_packets");
	r.side[SIDE_DST2SRC].packets = 0;
	rig_encode(&rig, &r);
	r.side[SIDE_DST2SRC].packets = 9;
	r.side[SIDE_SRC2DST].packets = 0;
	rig_encode(&rig, &r);
	rig_flush(&rig);
	assert_bytes(rig_find_set(&rig, 256).bytes, rig_find_set(&rig, 256).length,
		     "c0000201 0000000000000007 c63364fe 0000000000000009");
	assert_int_equal(rig.messages[0].flows, 2);
	rig_close(&rig);
}

/* Times of the direction: on the uptime's clock, which agrees with the header, and since 1970. */
static void times(void **state)
{
	struct rig rig;
	struct flow_record r = sample_flow();
	struct record_side_values *src = &r.side[SIDE_SRC2DST], *dst = &r.side[SIDE_DST2SRC];

	(void)state;
	rig_open(&rig, NETFLOW9, "first_seen,last_seen,duration");
	src->first_ns = r.side[SIDE_BOTH].first_ns = RIG_NOW - 5 * SECOND;
	src->last_ns = RIG_NOW - SECOND;
	src->duration_ns = 4 * SECOND;
	dst->first_ns = RIG_NOW - 4 * SECOND;
	dst->last_ns = r.side[SIDE_BOTH].last_ns = RIG_NOW + 1000000;
	dst->duration_ns = dst->last_ns - dst->first_ns;
	assert_int_equal(ipfix_encoder_encode(rig.encoder, &r, RIG_NOW + 999999999), 0);
	assert_int_equal(ipfix_encoder_flush(rig.encoder, RIG_NOW + 999999999), 0);
	/* the next whole second */
	assert_bytes(rig.messages[0].bytes + 4, 8, "7b98a3e8 6553f101");
	assert_bytes(rig_find_set(&rig, 0).bytes, 24,
		     "0100 0005 0016 0004 0098 0008 0015 0004 0099 0008 00a1 0004");
	assert_bytes(rig_find_set(&rig, 256).bytes, rig_find_set(&rig, 256).length,
		     "7b988c78 0000018bcfe55478 7b989c18 0000018bcfe56418 00000fa0"
		     "7b989060 0000018bcfe55860 7b98a001 0000018bcfe56801 00000fa1");
	rig_close(&rig);
}

/* A message of one flow that began then and ended 5 s later. */
static void encode_at(struct rig *rig, uint64_t start_s, uint64_t now_s)
{
	struct flow_record r = sample_flow();
	struct record_side_values *src = &r.side[SIDE_SRC2DST], *both = &r.side[SIDE_BOTH];

	r.side[SIDE_DST2SRC].packets = 0;
	src->first_ns = both->first_ns = start_s * SECOND;
	src->last_ns = both->last_ns = (start_s + 5) * SECOND;
	assert_int_equal(ipfix_encoder_templates(rig->encoder, now_s * SECOND), 0);
	assert_int_equal(ipfix_encoder_flush(rig->encoder, now_s * SECOND), 0);
	assert_int_equal(ipfix_encoder_encode(rig->encoder, &r, now_s * SECOND), 0);
	assert_int_equal(ipfix_encoder_flush(rig->encoder, now_s * SECOND), 0);
}

/* The last message: its stamp, its uptime, and where on it the flow began; s. */
static void assert_clock(const struct rig *rig, uint32_t stamp, uint32_t uptime, uint32_t start)
{
	const uint8_t *bytes = rig->messages[rig->count - 1].bytes;

	assert_int_equal(be32_at(bytes + 8), stamp);
	assert_int_equal(be32_at(bytes + 4), uptime * 1000);
	assert_int_equal(be32_at(bytes + 24), start * 1000);
}

/* The uptime's 32 bits of ms never wrap: a run of weeks counts anew. */
static void uptime_does_not_wrap(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig, NETFLOW9, "first_seen");
	encode_at(&rig, START_S - 5, START_S);
	assert_clock(&rig, START_S, 24 * DAY_S, 24 * DAY_S - 5);
	encode_at(&rig, START_S - 24 * DAY_S, START_S);
	assert_clock(&rig, START_S, 24 * DAY_S, 0);
	encode_at(&rig, START_S + 24 * DAY_S - 5, START_S + 24 * DAY_S);
	assert_clock(&rig, START_S + 24 * DAY_S, 48 * DAY_S, 48 * DAY_S - 5);
	encode_at(&rig, START_S + 24 * DAY_S, START_S + 25 * DAY_S);
	assert_clock(&rig, START_S + 25 * DAY_S, 24 * DAY_S, 23 * DAY_S);
	/* a clock that is set back */
	encode_at(&rig, START_S - 60 * DAY_S, START_S - 60 * DAY_S + 5);
	assert_clock(&rig, START_S - 60 * DAY_S + 5, 24 * DAY_S, 24 * DAY_S - 5);
	rig_close(&rig);
}

/* Flows of a capture from long ago: the stamp is of their time, and templates come as ever. */
static void what_was_long_ago(void **state)
{
	const uint32_t long_ago = START_S - 4000 * DAY_S;
	struct flow_record r = sample_flow();
	struct rig rig;

	(void)state;
	rig_open(&rig, NETFLOW9, "first_seen");
	encode_at(&rig, long_ago, START_S);
	assert_clock(&rig, long_ago + 5, 24 * DAY_S, 24 * DAY_S - 5);
	encode_at(&rig, long_ago + 100, START_S + 1);
	assert_clock(&rig, long_ago + 105, 24 * DAY_S, 24 * DAY_S - 5);
	assert_int_equal(rig_count_sets(&rig, 0), 1);
	rig_forget(&rig);
	/* many go into one message */
	for (int i = 0; i < 20; i++) {
		r.side[SIDE_BOTH].first_ns = (long_ago + 200 + i) * SECOND;
		r.side[SIDE_BOTH].last_ns = (long_ago + 250 - i) * SECOND;
		assert_int_equal(ipfix_encoder_encode(rig.encoder, &r, (START_S + 2) * SECOND), 0);
	}
	assert_int_equal(ipfix_encoder_flush(rig.encoder, (START_S + 2) * SECOND), 0);
	assert_int_equal(rig.count, 1);
	assert_int_equal(rig.messages[0].flows, 20);
	assert_int_equal(be32_at(rig.messages[0].bytes + 8), long_ago + 250);
	rig_close(&rig);
}

/*
 * Flows of a clock that is ahead, by less and by more than an uptime reaches: no time is after the
 * header's, and the two clocks of the header still give each.
 */
static void what_is_yet_to_come(void **state)
{
	static const uint32_t ahead_s[] = { 0, 3, 3600, 30 * DAY_S, 400 * DAY_S };
	struct rig rig;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(ahead_s); i++) {
		const uint8_t *bytes;
		uint32_t start, end, uptime;

		rig_open(&rig, NETFLOW9, "first_seen,last_seen");
		encode_at(&rig, START_S + ahead_s[i], START_S);
		bytes = rig.messages[rig.count - 1].bytes;
		uptime = be32_at(bytes + 4);
		start = be32_at(rig_find_set(&rig, 256).bytes);
		end = be32_at(rig_find_set(&rig, 256).bytes + 12);
		assert_int_equal(be32_at(bytes + 8), START_S + ahead_s[i] + 5);
		assert_true(end <= uptime);
		assert_int_equal(uptime - start, 5000);
		assert_int_equal(uptime - end, 0);
		rig_close(&rig);
	}
}

/* A message of both: its stamp is that of the latest. */
static void one_ahead_among_others(void **state)
{
	struct flow_record r = sample_flow();
	struct rig rig;

	(void)state;
	rig_open(&rig, NETFLOW9, "first_seen,last_seen");
	for (int i = 0; i < 3; i++) {
		uint64_t time_ns = RIG_NOW + (i == 1 ? 10 * SECOND : 0);

		for (int side = 0; side < SIDES; side++)
			r.side[side].first_ns = r.side[side].last_ns = time_ns;
		rig_encode(&rig, &r);
	}
	rig_flush(&rig);
	assert_int_equal(rig.count, 1);
	assert_bytes(rig.messages[0].bytes + 4, 8, "7b98c710 6553f10a");
	/* and the next message's is now again */
	rig_encode(&rig, &r);
	rig_flush(&rig);
	assert_bytes(rig.messages[1].bytes + 4, 8, UPTIME "6553f100");
	rig_close(&rig);
}

static void icmp(void **state)
{
	struct rig rig;
	struct flow_record r = sample_flow();

	(void)state;
	rig_open(&rig, NETFLOW9, "protocol,icmp_type,icmp_code,dst_port");
	r.protocol = 1;
	r.src_port = r.dst_port = 0;
	r.icmp_type = 8;
	rig_encode(&rig, &r);
	rig_flush(&rig);
	assert_bytes(
		rig_find_set(&rig, 0).bytes, 56,
		"0100 0002 0004 0001 000b 0002 0101 0002 0004 0001 000b 0002"
		"0102 0003 0004 0001 0020 0002 000b 0002 0103 0003 0004 0001 0020 0002 000b 0002");
	assert_bytes(rig_find_set(&rig, 258).bytes, rig_find_set(&rig, 258).length,
		     "01 0800 0000 01 0800 0000");
	rig_close(&rig);
}

/* Sets are padded to 4 bytes, but not where padding could be taken for a record. */
static void small_records_are_not_padded(void **state)
{
	struct rig rig;
	struct flow_record r = sample_flow();

	(void)state;
	r.side[SIDE_DST2SRC].packets = 0;
	rig_open(&rig, NETFLOW9, "protocol");
	rig_encode(&rig, &r);
	rig_flush(&rig);
	assert_int_equal(rig_find_set(&rig, 256).length, 1);
	rig_close(&rig);
	rig_open(&rig, NETFLOW9, "src_port,protocol,src_ip");
	rig_encode(&rig, &r);
	rig_flush(&rig);
	assert_bytes(rig_find_set(&rig, 256).bytes, rig_find_set(&rig, 256).length,
		     "9c40 06 c0000201 00");
	rig_close(&rig);
}

/* Padding at the end of a message must not reach into the records that it has no room for. */
static void messages_are_not_longer_than_asked(void **state)
{
	struct rig rig;
	struct flow_record r = sample_flow();
	uint32_t flows = 0, records = 0;
	struct rig_set set;

	(void)state;
	rig_init(&rig, NETFLOW9, "src_port,src_ip,dst_port,protocol");
	rig.config.ipfix_mtu = 515;
	rig_start(&rig);
	for (int i = 0; i < 1000; i++)
		rig_encode(&rig, &r);
	rig_flush(&rig);
	for (size_t i = 0; i < rig.count; i++) {
		assert_true(rig.messages[i].length <= 512);
		flows += rig.messages[i].flows;
		for (size_t at = 0; rig_next_set(&rig.messages[i], &at, &set);)
			for (size_t k = 0; set.id == 256 && k + 9 <= set.length; k += 9, records++)
				assert_bytes(set.bytes + k, 9,
					     records % 2 ? "01bb c63364fe 9c40 06"
							 : "9c40 c0000201 01bb 06");
	}
	assert_int_equal(flows, 1000);
	assert_int_equal(records, 2000);
	rig_close(&rig);
}

/* The applications' names are 32 bytes: there are no variable lengths. */
static void applications(void **state)
{
	struct rig rig;
	struct flow_record r = sample_flow();
	struct rig_set set;

	(void)state;
	r.side[SIDE_DST2SRC].packets = 0;
	r.master_protocol = 91;
	r.app_protocol = 126;
	rig_open(&rig, NETFLOW9, "src_ip,application_name");
	rig_encode(&rig, &r);
	rig_flush(&rig);
	assert_bytes(rig_find_set(&rig, 0).bytes, 12, "0100 0002 0008 0004 005f 0004");
	assert_bytes(rig_find_set(&rig, 256).bytes, rig_find_set(&rig, 256).length,
		     "c0000201 0605b07e");
	set = rig_find_set(&rig, 260);
	assert_bytes(set.bytes, set.length,
		     "00000001 0605b07e 544c532e476f6f676c65 "
		     "00000000000000000000000000000000000000000000");
	rig_close(&rig);
}

/* A hidden port must not show as the other direction's. */
static void hidden_columns_and_their_mirrors(void **state)
{
	struct rig rig;
	struct config config = every_config();
	struct anonymizer *a;

	(void)state;
	rig_init(&rig, NETFLOW9, "src_ip,src_port,dst_port,protocol");
	config.anonymize = (char *)"src_port";
	assert_int_equal(anonymizer_new(&a, &config, &rig.columns), 0);
	rig.options.anonymizer = a;
	rig_start(&rig);
	assert_int_equal(ipfix_encoder_templates(rig.encoder, RIG_NOW), 0);
	rig_flush(&rig);
	assert_bytes(rig_find_set(&rig, 0).bytes, 12, "0100 0002 0008 0004 0004 0001");
	anonymizer_free(a);
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(both_directions),
		cmocka_unit_test(sequence_numbers),
		cmocka_unit_test(a_direction_without_packets_has_no_record),
		cmocka_unit_test(times),
		cmocka_unit_test(uptime_does_not_wrap),
		cmocka_unit_test(what_was_long_ago),
		cmocka_unit_test(what_is_yet_to_come),
		cmocka_unit_test(one_ahead_among_others),
		cmocka_unit_test(icmp),
		cmocka_unit_test(small_records_are_not_padded),
		cmocka_unit_test(messages_are_not_longer_than_asked),
		cmocka_unit_test(applications),
		cmocka_unit_test(hidden_columns_and_their_mirrors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
