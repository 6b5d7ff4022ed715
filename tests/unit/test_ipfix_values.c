/* SPDX-License-Identifier: BSD-2-Clause */
/* How each kind of value is written: its bytes in a record of one column. */
#include "ipfix_rig.h"

/* The bytes of the column in the record; a template of this element and length. */
static void assert_value(const char *column, const struct flow_record *r, const char *element,
			 const char *hex)
{
	struct rig rig;
	struct rig_set set;
	uint8_t bytes[16];
	size_t length = hex_bytes(bytes, element);

	rig_open(&rig, IPFIX, column);
	rig_encode(&rig, r);
	rig_flush(&rig);
	set = rig_find_set(&rig, r->ip_version == 6 ? 257 : 256);
	assert_bytes(set.bytes, set.length, hex);
	set = rig_find_set(&rig, 2);
	if (r->ip_version == 4)
		assert_memory_equal(set.bytes + 4, bytes, length);
	rig_close(&rig);
}

static void numbers(void **state)
{
	struct flow_record r = sample_flow();

	(void)state;
	r.end_reason = 3;
	r.vlan_id = 0x0123;
	r.flow_id = 0x0123456789abcdef;
	r.expiration_id = -2;
	r.tunnel_key = 0xabcdef;
	r.side[SIDE_BOTH].mean_ps = 100.5;
	r.side[SIDE_SRC2DST].flags[1] = 258;
	assert_value("flow_end_reason", &r, "0088 0001", "03");
	assert_value("vlan_id", &r, "003a 0002", "0123");
	assert_value("flow_id", &r, "0094 0008", "0123456789abcdef");
	assert_value("expiration_id", &r, "8003 0004 00007ed9", "fffffffe");
	assert_value("tunnel_key", &r, "8007 0004 00007ed9", "00abcdef");
	assert_value("bidirectional_mean_ps", &r, "8111 0008 00007ed9", "4059 2000 0000 0000");
	assert_value("src2dst_syn_packets", &r, "00da 0004", "00000102");
}

static void addresses(void **state)
{
	struct flow_record r = sample_flow();
	static const uint8_t mac[6] = { 2, 0, 0x5e, 0x10, 0xff, 0xee };

	(void)state;
	memcpy(r.src_mac, mac, 6);
	memcpy(r.dst_mac, mac, 6);
	assert_value("src_mac", &r, "0038 0006", "02005e10ffee");
	assert_value("dst_mac", &r, "0050 0006", "02005e10ffee");
	assert_value("src_oui", &r, "8004 0003 00007ed9", "02005e");
	assert_value("ip_dst", &r, "000c 0004", "c63364fe");
	sample_addresses6(&r);
	assert_value("dst_ip", &r, "", "20010db8000000000000000000000002");
	assert_value("ip_dst", &r, "", "20010db8000000000000000000000002");
}

/* RFC 7011 section 6.1.9: seconds since 1900 and a fraction, whose cut gives the ns again. */
static void times(void **state)
{
	struct flow_record r = sample_flow();
	struct record_side_values *both = &r.side[SIDE_BOTH];

	(void)state;
	both->first_ns = 1700000000123999999;
	both->last_ns = 1700000000500000001;
	both->duration_ns = both->last_ns - both->first_ns;
	r.side[SIDE_DST2SRC].first_ns = 1700000000124000000;
	assert_value("first_seen", &r, "0098 0008", "0000018bcfe5687b");
	assert_value("last_seen", &r, "0099 0008", "0000018bcfe569f4");
	assert_value("duration", &r, "00a1 0004", "00000178");
	assert_value("dst2src_first_seen_ms", &r, "8301 0008 00007ed9", "0000018bcfe5687c");
	/* 0.5 s is 2^31; a ns 4.29 */
	assert_value("last_seen_ns", &r, "009d 0008", "e8fe6f80 80000005");
	/* 0.123999999 * 2^32 = 532575940.1 */
	assert_value("first_seen_ns", &r, "009c 0008", "e8fe6f80 1fbe76c5");
	both->duration_ns = 5000000000000000000;
	assert_value("duration", &r, "00a1 0004", "ffffffff");
}

/* Every ns of a second's ends, and some between, comes back. */
static void nanoseconds_come_back(void **state)
{
	struct flow_record r = sample_flow();
	struct rig rig;

	(void)state;
	rig_open(&rig, IPFIX, "first_seen_ns");
	for (uint64_t ns = 0; ns < SECOND; ns += ns < 100 || ns > SECOND - 100 ? 1 : 9999901) {
		uint64_t fraction;

		r.side[SIDE_BOTH].first_ns = RIG_NOW + ns;
		rig_encode(&rig, &r);
		rig_flush(&rig);
		fraction = be32_at(rig.messages[rig.count - 1].bytes +
				   rig.messages[rig.count - 1].length - 4);
		assert_int_equal(fraction * SECOND >> 32, ns);
	}
	rig_close(&rig);
}

static void what_is_not_known(void **state)
{
	struct flow_record r = sample_flow();

	(void)state;
	r.client_rtt_us = r.server_rtt_us = r.app_latency_us = 77;
	r.timing_known = TIMING_CLIENT_RTT;
	assert_value("client_rtt_us", &r, "800e 0008 00007ed9", "000000000000004d");
	assert_value("server_rtt_us", &r, "800f 0008 00007ed9", "ffffffffffffffff");
	assert_value("app_latency_us", &r, "8010 0008 00007ed9", "ffffffffffffffff");
}

static void texts(void **state)
{
	struct flow_record r = sample_flow();
	char text[300] = { 0 }, hex[3000] = "ff 00ff ";

	(void)state;
	r.text.url = "/a";
	assert_value("url", &r, "8025 ffff 00007ed9", "02 2f61");
	r.text.url = "";
	assert_value("url", &r, "8025 ffff 00007ed9", "00");
	r.text.url = NULL;
	assert_value("url", &r, "8025 ffff 00007ed9", "00");
	strcpy(r.community_id, "1:x");
	assert_value("community_id", &r, "800b ffff 00007ed9", "03 313a78");
	/* 255 bytes are the first that need three bytes of length */
	memset(text, 'x', 254);
	r.text.url = text;
	memset(hex, 0, sizeof(hex));
	strcpy(hex, "fe");
	for (int i = 0; i < 254; i++)
		strcat(hex, "78");
	assert_value("url", &r, "8025 ffff 00007ed9", hex);
	text[254] = 'x';
	strcpy(hex, "ff 00ff");
	for (int i = 0; i < 255; i++)
		strcat(hex, "78");
	assert_value("url", &r, "8025 ffff 00007ed9", hex);
}

/* RFC 7011 section 6.1.6: nothing but UTF-8. */
static void texts_are_utf8(void **state)
{
	struct flow_record r = sample_flow();

	(void)state;
	r.text.url = "caf\xc3\xa9\xff\x80";
	assert_value("url", &r, "", "0b 636166c3a9 efbfbd efbfbd");
}

/* RFC 6313: ordered lists of our own elements, as long as the flow. */
static void lists(void **state)
{
	struct flow_record r = sample_flow();

	(void)state;
	assert_value("splt_direction", &r, "0123 ffff", "ff 000c 04 8011 0001 00007ed9 00 01 00");
	assert_value("splt_ps", &r, "0123 ffff",
		     "ff 0015 04 8012 0004 00007ed9 0000004a 000005ea 00000042");
	assert_value("splt_piat_ms", &r, "0123 ffff",
		     "ff 0015 04 8013 0004 00007ed9 00000000 00000001 0000007b");
	r.splt_length = 1;
	assert_value("splt_direction", &r, "0123 ffff", "ff 000a 04 8011 0001 00007ed9 00");
	r.splt_count = 0;
	assert_value("splt_direction", &r, "0123 ffff", "ff 0009 04 8011 0001 00007ed9");
}

static void all_three_lists(void **state)
{
	struct flow_record r = sample_flow();
	struct rig rig;

	(void)state;
	r.splt_count = 1;
	rig_open(&rig, IPFIX, "splt_direction,splt_ps,splt_piat_ms");
	rig_encode(&rig, &r);
	rig_flush(&rig);
	assert_bytes(rig_find_set(&rig, 256).bytes, rig_find_set(&rig, 256).length,
		     "ff 000a 04 8011 0001 00007ed9 00"
		     "ff 000d 04 8012 0004 00007ed9 0000004a"
		     "ff 000d 04 8013 0004 00007ed9 00000000");
	rig_close(&rig);
}

/* Columns of plugins lie in the record's state; without one they are 0. */
static void plugin_columns(void **state)
{
	struct {
		uint32_t number;
		char name[8];
	} of_plugin = { 0x01020304, "abc" };
	const struct field added[] = {
		{ "p_number", "", "a number", FIELD_U32, 0, NEED_STATE,
		  IPFIX_OWN(IPFIX_OWN_PLUGINS) },
		{ "p_name", "", "a name", FIELD_CHARS, 4, NEED_STATE,
		  IPFIX_OWN(IPFIX_OWN_PLUGINS + 1) },
	};
	struct flow_record r = sample_flow();
	struct config config = every_config();
	struct rig rig;

	(void)state;
	rig_init(&rig, IPFIX, "src_port");
	columns_free(&rig.columns);
	config.fields = (char *)"src_port";
	assert_int_equal(columns_select(&rig.columns, &config, added, 2), 0);
	rig_start(&rig);
	rig_encode(&rig, &r);
	r.state = &of_plugin;
	rig_encode(&rig, &r);
	rig_flush(&rig);
	assert_bytes(rig_find_set(&rig, 2).bytes, 24,
		     "0100 0003 0007 0002 c000 0004 00007ed9 c001 ffff 00007ed9");
	assert_bytes(rig_find_set(&rig, 256).bytes, rig_find_set(&rig, 256).length,
		     "9c40 00000000 00"
		     "9c40 01020304 03 616263");
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers),
		cmocka_unit_test(addresses),
		cmocka_unit_test(times),
		cmocka_unit_test(nanoseconds_come_back),
		cmocka_unit_test(what_is_not_known),
		cmocka_unit_test(texts),
		cmocka_unit_test(texts_are_utf8),
		cmocka_unit_test(lists),
		cmocka_unit_test(all_three_lists),
		cmocka_unit_test(plugin_columns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
