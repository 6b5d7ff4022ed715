/* SPDX-License-Identifier: BSD-2-Clause */
/* IPFIX messages byte by byte, as RFC 7011 and RFC 5103 have them, and what goes into which one. */
#include "ipfix_rig.h"

#define TEMPLATES                                           \
	"0002 002c"                                         \
	"0100 0004 0008 0004 000b 0002 0004 0001 0002 0008" \
	"0101 0004 001b 0010 000b 0002 0004 0001 0002 0008" \
	"0003 001a 0106 0004 0001 0095 0004 0029 0008 002a 0008 0028 0008"

static void ipv4_and_ipv6(void **state)
{
	struct rig rig;
	struct flow_record r = sample_flow();

	(void)state;
	rig_open(&rig, IPFIX, "src_ip,dst_port,protocol,src2dst_packets");
	rig_encode(&rig, &r);
	sample_addresses6(&r);
	r.protocol = 17;
	rig_encode(&rig, &r);
	rig_encode(&rig, &r);
	assert_int_equal(ipfix_encoder_held(rig.encoder), 3);
	rig_flush(&rig);
	assert_int_equal(ipfix_encoder_held(rig.encoder), 0);
	rig_flush(&rig);
	assert_int_equal(rig.count, 1);
	assert_int_equal(rig.messages[0].flows, 3);
	assert_message(&rig, 0,
		       "000a 00c3 6553f100 00000000 00000001" TEMPLATES
		       "0106 0020 00000001 0000000000000000 0000000000000000 0000000000000000"
		       "0100 0013 c0000201 01bb 06 0000000000000007"
		       "0101 003a"
		       "20010db8000000000000000000000001 01bb 11 0000000000000007"
		       "20010db8000000000000000000000001 01bb 11 0000000000000007");
	rig_close(&rig);
}

/* The sequence number counts data records, those of options too, but no templates. */
static void sequence_numbers(void **state)
{
	struct rig rig;
	struct flow_record r = sample_flow();

	(void)state;
	rig_open(&rig, IPFIX, "src_ip");
	rig_encode(&rig, &r);
	rig_encode(&rig, &r);
	rig_flush(&rig);
	rig_encode(&rig, &r);
	rig_flush(&rig);
	rig_encode(&rig, &r);
	rig_flush(&rig);
	assert_int_equal(rig.count, 3);
	assert_int_equal(rig_sequence(&rig, 0), 0);
	assert_int_equal(rig_sequence(&rig, 1), 3);
	assert_message(&rig, 2, "000a 0018 6553f100 00000004 00000001 0100 0008 c0000201");
	rig_close(&rig);
}

/*
 * RFC 5103: the other direction under 29305, and who began. The reverse comes first, since nfdump
 * takes the last TCP flags for those of the flow.
 */
static void both_directions(void **state)
{
	struct rig rig;
	struct flow_record r = sample_flow();

	(void)state;
	rig_open(&rig, IPFIX, "src2dst_bytes,dst2src_bytes,src2dst_tcp_flags,dst2src_tcp_flags");
	r.side[SIDE_SRC2DST].tcp_flags = 0x1b;
	r.side[SIDE_DST2SRC].tcp_flags = 0x12;
	rig_encode(&rig, &r);
	rig_flush(&rig);
	assert_bytes(
		rig_find_set(&rig, 2).bytes, 32,
		"0100 0005 8001 0008 00007279 8006 0001 00007279 0001 0008 0006 0001 00ef 0001");
	assert_bytes(rig_find_set(&rig, 256).bytes, rig_find_set(&rig, 256).length,
		     "000000000000001e 12 00000000000002bc 1b 01");
	rig_close(&rig);
}

static void domain_point_and_enterprise(void **state)
{
	struct rig rig;
	struct flow_record r = sample_flow();

	(void)state;
	rig_init(&rig, IPFIX, "nfhash");
	rig.config.ipfix_domain = 0xfffffffe;
	rig.config.ipfix_point = 0x01020304;
	rig.config.ipfix_pen = 0xdeadbeef;
	rig_start(&rig);
	r.nfhash = 0x1122334455667788;
	rig_encode(&rig, &r);
	rig_flush(&rig);
	assert_int_equal(be32_at(rig.messages[0].bytes + 12), 0xfffffffe);
	assert_bytes(rig_find_set(&rig, 2).bytes, 16, "0100 0002 800a 0008 deadbeef 008a 0004");
	assert_bytes(rig_find_set(&rig, 256).bytes, rig_find_set(&rig, 256).length,
		     "1122334455667788 01020304");
	rig_close(&rig);
}

/* Two names of a value are one element. */
static void columns_of_one_element(void **state)
{
	struct rig rig;
	struct flow_record r = sample_flow();

	(void)state;
	rig_open(&rig, IPFIX,
		 "src_ip,ip_src,total_packets,bidirectional_packets,version,ip_version");
	rig_encode(&rig, &r);
	rig_flush(&rig);
	assert_bytes(rig_find_set(&rig, 2).bytes, 20,
		     "0100 0003 0008 0004 8104 0008 00007ed9 003c 0001");
	assert_bytes(rig_find_set(&rig, 256).bytes, rig_find_set(&rig, 256).length,
		     "c0000201 000000000000000a 04");
	rig_close(&rig);
}

/* Type and code stand in records of ICMP only: collectors keep them where ports are. */
static void icmp_has_templates_of_its_own(void **state)
{
	struct rig rig;
	struct flow_record r = sample_flow();

	(void)state;
	rig_open(&rig, IPFIX, "dst_port,icmp_type,icmp_code");
	rig_encode(&rig, &r);
	r.protocol = 1;
	r.icmp_type = 3;
	r.icmp_code = 1;
	r.dst_port = 0;
	rig_encode(&rig, &r);
	r.protocol = 58;
	r.icmp_type = 135;
	r.icmp_code = 0;
	rig_encode(&rig, &r); /* no ICMPv6 without IPv6 */
	sample_addresses6(&r);
	rig_encode(&rig, &r);
	rig_flush(&rig);
	assert_bytes(rig_find_set(&rig, 2).bytes, 56,
		     "0100 0001 000b 0002"
		     "0101 0001 000b 0002"
		     "0102 0004 000b 0002 00b0 0001 0020 0002 00b1 0001"
		     "0103 0004 000b 0002 00b2 0001 008b 0002 00b3 0001");
	assert_bytes(rig_find_set(&rig, 256).bytes, rig_find_set(&rig, 256).length, "01bb");
	assert_bytes(rig_find_set(&rig, 258).bytes, 6, "0000 03 0301 01");
	assert_bytes(rig_find_set(&rig, 259).bytes, 6, "0000 87 8700 00");
	assert_int_equal(rig_count_sets(&rig, 256), 2);
	rig_close(&rig);
}

static void only_icmp_columns(void **state)
{
	struct rig rig;
	struct flow_record r = sample_flow();

	(void)state;
	rig_open(&rig, IPFIX, "icmp_type");
	rig_encode(&rig, &r);
	rig_flush(&rig);
	assert_bytes(rig_find_set(&rig, 256).bytes, rig_find_set(&rig, 256).length, "00 0000");
	rig_close(&rig);
}

/* --- sizes ------------------------------------------------------------------------------------ */

static void messages_are_not_longer_than_asked(void **state)
{
	struct rig rig;
	struct flow_record r = sample_flow();
	uint32_t flows = 0;

	(void)state;
	rig_init(&rig, IPFIX, "src_ip,dst_ip,src_port,dst_port");
	rig.config.ipfix_mtu = 512;
	rig_start(&rig);
	for (int i = 0; i < 1000; i++)
		rig_encode(&rig, &r);
	rig_flush(&rig);
	/* (512 - 20) / 12 records fit */
	assert_int_equal(rig.messages[1].length, 20 + 41 * 12);
	for (size_t i = 0; i < rig.count; i++) {
		assert_true(rig.messages[i].length <= 512);
		assert_int_equal(be16_at(rig.messages[i].bytes + 2), rig.messages[i].length);
		flows += rig.messages[i].flows;
	}
	assert_int_equal(flows, 1000);
	/* the last flow is in the last message and in no other */
	assert_int_equal(rig_sequence(&rig, rig.count - 1) + rig.messages[rig.count - 1].flows,
			 1 + 1000);
	rig_close(&rig);
}

/* A record that is longer than a message should be goes alone, between two of usual size. */
static void a_long_record_travels_alone(void **state)
{
	struct rig rig;
	struct flow_record r = sample_flow(), longer = r;
	char *text = calloc(1, 3001);

	(void)state;
	memset(text, 'x', 3000);
	rig_open(&rig, IPFIX, "src_ip,user_agent");
	r.text.user_agent = "a";
	longer.text.user_agent = text;
	rig_encode(&rig, &r);
	rig_encode(&rig, &longer);
	rig_encode(&rig, &r);
	rig_flush(&rig);
	assert_int_equal(rig.count, 3);
	assert_int_equal(rig.messages[1].length, 16 + 4 + 4 + 3 + 3000);
	assert_int_equal(rig.messages[1].flows, 1);
	assert_bytes(rig.messages[1].bytes + 20, 9, "c0000201 ff0bb8 7878");
	assert_message(&rig, 2, "000a 001a 6553f100 00000003 00000001 0100 000a c0000201 01 61");
	assert_int_equal(ipfix_encoder_cut(rig.encoder), 0);
	free(text);
	rig_close(&rig);
}

/* No record is longer than a message can be: texts and lists are cut, nothing else. */
static void what_no_message_holds_is_cut(void **state)
{
	struct rig rig;
	struct flow_record r = sample_flow();
	char *text = calloc(1, 70001);
	const uint8_t *end;

	(void)state;
	memset(text, 'x', 70000);
	rig_open(&rig, IPFIX, "src_ip,user_agent,content_type,splt_ps,dst_port");
	r.text.user_agent = text;
	r.text.content_type = "text/html";
	rig_encode(&rig, &r);
	rig_flush(&rig);
	assert_int_equal(rig.count, 2);
	assert_true(rig.messages[1].length <= IPFIX_MESSAGE_MAX);
	assert_true(rig.messages[1].length > IPFIX_MESSAGE_MAX - 20);
	end = rig.messages[1].bytes + rig.messages[1].length;
	/* content_type has no room, the list neither; the port is there */
	assert_bytes(end - 2, 2, "01bb");
	assert_int_equal(ipfix_encoder_cut(rig.encoder), 3);
	free(text);
	rig_close(&rig);
}

static void streams_have_long_messages(void **state)
{
	struct rig rig;
	struct flow_record r = sample_flow();

	(void)state;
	rig_init(&rig, IPFIX, "src_ip");
	rig.options.datagrams = false;
	rig_start(&rig);
	for (int i = 0; i < 20000; i++)
		rig_encode(&rig, &r);
	rig_flush(&rig);
	assert_int_equal(rig.count, 2);
	/* the statistics, then records: no templates */
	assert_int_equal(rig.messages[0].length, 16 + 32 + 4 + 16363 * 4);
	assert_int_equal(rig.messages[0].flows, 16363);
	assert_int_equal(rig_count_sets(&rig, 2), 0);
	rig_close(&rig);
}

/* --- errors ----------------------------------------------------------------------------------- */

static void columns_without_elements(void **state)
{
	struct rig rig;
	struct said said;

	(void)state;
	rig_init(&rig, NETFLOW9, "application_name,nfhash,splt_ps");
	said_begin(&said);
	assert_int_equal(ipfix_encoder_new(&rig.encoder, &rig.config, &rig.columns, &rig.options),
			 -EINVAL);
	said_expect(&said, "NetFlow v9: no record of these columns can be made");
	assert_null(rig.encoder);
	rig_close(&rig);
}

/* The message is gone, as the peer sees by the sequence; the record at hand is not. */
static void errors_of_emit_are_passed_on(void **state)
{
	struct rig rig;
	struct flow_record r = sample_flow();
	int err = 0, encoded = 0;

	(void)state;
	rig_open(&rig, IPFIX, "src_ip");
	rig.err = -EPIPE;
	for (; !err; encoded++)
		err = ipfix_encoder_encode(rig.encoder, &r, RIG_NOW);
	assert_int_equal(err, -EPIPE);
	assert_int_equal(rig.count, 1);
	assert_int_equal(rig.messages[0].flows, encoded - 1);
	rig.err = 0;
	rig_flush(&rig);
	assert_int_equal(rig.messages[1].flows, 1);
	assert_int_equal(rig_sequence(&rig, 1), encoded);
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ipv4_and_ipv6),
		cmocka_unit_test(sequence_numbers),
		cmocka_unit_test(both_directions),
		cmocka_unit_test(domain_point_and_enterprise),
		cmocka_unit_test(columns_of_one_element),
		cmocka_unit_test(icmp_has_templates_of_its_own),
		cmocka_unit_test(only_icmp_columns),
		cmocka_unit_test(messages_are_not_longer_than_asked),
		cmocka_unit_test(a_long_record_travels_alone),
		cmocka_unit_test(what_no_message_holds_is_cut),
		cmocka_unit_test(streams_have_long_messages),
		cmocka_unit_test(columns_without_elements),
		cmocka_unit_test(errors_of_emit_are_passed_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
