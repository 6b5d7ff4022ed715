/* SPDX-License-Identifier: BSD-2-Clause */
/* What each format writes, byte for byte. */
#include "outputs.h"

#include "format.h"

/* The row that a format makes of the columns of a record. */
static void assert_row(const struct format *format, const char *names, const struct flow_record *r,
		       const char *expected)
{
	struct text_buffer out = { 0 };
	struct columns columns;

	choose(&columns, names);
	format->row(&out, &columns, r, NULL);
	text_char(&out, '\0');
	assert_string_equal(out.data, expected);
	columns_free(&columns);
	text_free(&out);
}

static void assert_csv(const char *names, const struct flow_record *r, const char *expected)
{
	assert_row(&format_csv, names, r, expected);
}

static void assert_json(const char *names, const struct flow_record *r, const char *expected)
{
	assert_row(&format_json, names, r, expected);
}

static void csv_has_every_type(void **state)
{
	struct flow_record r = sample_record();

	(void)state;
	r.flow_id = 12;
	r.tunnel_key = 77;
	r.expiration_id = -1;
	r.src_mac[5] = 0xfe;
	r.side[SIDE_BOTH].first_ns = 1700000000123999999;
	r.side[SIDE_BOTH].mean_ps = 82.6;
	strcpy(r.community_id, "1:abc=");
	r.server_rtt_us = 1500;
	r.timing_known = TIMING_SERVER_RTT;
	assert_csv("protocol,src_port,tunnel_key,flow_id,expiration_id,bidirectional_mean_ps,"
		   "first_seen,first_seen_ns,server_rtt_us,application_name,community_id,src_ip,"
		   "ip_src,src_mac,src_oui,splt_ps",
		   &r,
		   "6,40000,77,12,-1,82.6,1700000000123,1700000000123999999,1500,TLS.Google,1:abc=,"
		   "192.0.2.1,3221225985,00:00:00:00:00:fe,00:00:00,\"[74, 1514, 66, -1]\"\n");
}

static void integers_at_their_ends(void **state)
{
	struct flow_record r = sample_record();
	const char *names = "protocol,src_port,tunnel_key,flow_id,expiration_id";

	(void)state;
	r.protocol = 255;
	r.src_port = 65535;
	r.tunnel_key = UINT32_MAX;
	r.flow_id = UINT64_MAX;
	r.expiration_id = INT32_MIN;
	assert_csv(names, &r, "255,65535,4294967295,18446744073709551615,-2147483648\n");
	assert_json(names, &r,
		    "{\"protocol\":255,\"src_port\":65535,\"tunnel_key\":4294967295,"
		    "\"flow_id\":\"18446744073709551615\",\"expiration_id\":-2147483648}\n");
	r.side[SIDE_BOTH].first_ns = UINT64_MAX;
	assert_csv("first_seen", &r, "18446744073709\n");
}

static void ipv6_in_both_forms(void **state)
{
	struct flow_record r = sample_record();
	const char *names = "src_ip,ip_src,dst_ip,ip_dst";

	(void)state;
	memset(r.src_addr, 0, 16);
	memset(r.dst_addr, 0xff, 16);
	r.src_addr[15] = 1;
	r.ip_version = 6;
	assert_csv(names, &r,
		   "::1,1,ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff,"
		   "340282366920938463463374607431768211455\n");
	assert_json(names, &r,
		    "{\"src_ip\":\"::1\",\"ip_src\":\"1\","
		    "\"dst_ip\":\"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff\","
		    "\"ip_dst\":\"340282366920938463463374607431768211455\"}\n");
}

static void assert_csv_text(const char *value, const char *expected)
{
	struct flow_record r = sample_record();
	char line[256];

	r.text.user_agent = value;
	snprintf(line, sizeof(line), "443,%s,6\n", expected);
	assert_csv("dst_port,user_agent,protocol", &r, line);
}

/* RFC 4180 section 2: what Python's csv and every spreadsheet read back. */
static void csv_quotes_where_needed(void **state)
{
	(void)state;
	assert_csv_text("", "");
	assert_csv_text("plain text; 'x'", "plain text; 'x'");
	assert_csv_text("a,b", "\"a,b\"");
	assert_csv_text("say \"x\"", "\"say \"\"x\"\"\"");
	assert_csv_text("\"", "\"\"\"\"");
	assert_csv_text("\",\"", "\"\"\",\"\"\"");
	assert_csv_text("two\nlines", "\"two\nlines\"");
	assert_csv_text("carriage\rreturn", "\"carriage\rreturn\"");
	assert_csv_text("back\\slash", "back\\slash");
	assert_csv_text("caf\xc3\xa9", "caf\xc3\xa9");
	assert_csv_text(NULL, "");
}

static void assert_json_text(const char *value, const char *expected)
{
	struct flow_record r = sample_record();
	char line[256];

	r.text.user_agent = value;
	snprintf(line, sizeof(line), "{\"user_agent\":\"%s\"}\n", expected);
	assert_json("user_agent", &r, line);
}

static void json_escapes(void **state)
{
	(void)state;
	assert_json_text("", "");
	assert_json_text(NULL, "");
	assert_json_text("\"\\/", "\\\"\\\\/");
	assert_json_text("\n\t\x01\x1f\x7f", "\\u000a\\u0009\\u0001\\u001f\\u007f");
	assert_json_text("caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\x9f",
			 "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x90\x9f");
}

/* Latin-1, a lone continuation, overlong forms, a surrogate, past U+10FFFF, cut sequences. */
static void json_is_utf8_whatever_came(void **state)
{
	(void)state;
	assert_json_text("caf\xe9!", "caf\\ufffd!");
	assert_json_text("\x80x", "\\ufffdx");
	assert_json_text("\xc0\xaf", "\\ufffd\\ufffd");
	assert_json_text("\xe0\x80\xaf", "\\ufffd\\ufffd\\ufffd");
	assert_json_text("\xed\xa0\x80", "\\ufffd\\ufffd\\ufffd");
	assert_json_text("\xf4\x90\x80\x80", "\\ufffd\\ufffd\\ufffd\\ufffd");
	assert_json_text("\xf8\x88\x80\x80\x80", "\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd");
	assert_json_text("\xe2\x82", "\\ufffd\\ufffd");
	assert_json_text("\xf0\x9f\x90", "\\ufffd\\ufffd\\ufffd");
	assert_json_text("\xc3", "\\ufffd");
	assert_json_text("\xed\x9f\xbf\xee\x80\x80", "\xed\x9f\xbf\xee\x80\x80");
}

/* 2^53 is the last integer that a double holds with all before it. */
static void json_keeps_integers_exact(void **state)
{
	struct flow_record r = sample_record();

	(void)state;
	r.flow_id = 1ull << 53;
	assert_json("flow_id", &r, "{\"flow_id\":9007199254740992}\n");
	r.flow_id++;
	assert_json("flow_id", &r, "{\"flow_id\":\"9007199254740993\"}\n");
	r.side[SIDE_BOTH].first_ns = 1700000000123999999;
	assert_json("first_seen,first_seen_ns", &r,
		    "{\"first_seen\":1700000000123,\"first_seen_ns\":\"1700000000123999999\"}\n");
}

static void json_numbers_are_numbers(void **state)
{
	struct flow_record r = sample_record();

	(void)state;
	r.side[SIDE_BOTH].mean_ps = NAN;
	r.side[SIDE_BOTH].stddev_ps = INFINITY;
	r.side[SIDE_BOTH].byte_rate = 1e300;
	assert_json("bidirectional_mean_ps,bidirectional_stddev_ps", &r,
		    "{\"bidirectional_mean_ps\":0.0,\"bidirectional_stddev_ps\":0.0}\n");
	assert_json("src_mac,src_oui,ip_src", &r,
		    "{\"src_mac\":\"00:00:00:00:00:00\",\"src_oui\":\"00:00:00\","
		    "\"ip_src\":3221225985}\n");
}

static void lists(void **state)
{
	struct flow_record r = sample_record();
	const char *names = "splt_direction,splt_ps,splt_piat_ms";

	(void)state;
	assert_csv(names, &r, "\"[0, 1, 0, -1]\",\"[74, 1514, 66, -1]\",\"[0, 1, 123, -1]\"\n");
	assert_json(names, &r,
		    "{\"splt_direction\":[0, 1, 0, -1],\"splt_ps\":[74, 1514, 66, -1],"
		    "\"splt_piat_ms\":[0, 1, 123, -1]}\n");
	r.splt_count = 0;
	r.splt_length = 1;
	assert_csv(names, &r, "\"[-1]\",\"[-1]\",\"[-1]\"\n");
}

static void the_longest_list(void **state)
{
	struct splt_entry *splt = calloc(65535, sizeof(*splt));
	struct flow_record r = sample_record();
	struct text_buffer out = { 0 };
	struct columns columns;

	(void)state;
	for (int i = 0; i < 65535; i++)
		splt[i] = (struct splt_entry){ .gap_ns = (1ull << 63) - 1, .size = UINT32_MAX };
	r.splt = splt;
	r.splt_count = r.splt_length = 65535;
	choose(&columns, "splt_piat_ms,splt_ps");
	format_csv.row(&out, &columns, &r, NULL);
	assert_int_equal(out.length, 65535 * (13 + 2 + 10 + 2) - 4 + 2 * 4 + 2);
	columns_free(&columns);
	text_free(&out);
	free(splt);
}

/* A time that was not measured is not 0. */
static void unknown_times(void **state)
{
	struct flow_record r = sample_record();
	const char *names = "client_rtt_us,server_rtt_us,app_latency_us";

	(void)state;
	assert_csv(names, &r, ",,\n");
	assert_json(names, &r,
		    "{\"client_rtt_us\":null,\"server_rtt_us\":null,\"app_latency_us\":null}\n");
	r.timing_known = TIMING_CLIENT_RTT;
	assert_csv(names, &r, "0,,\n");
	r.timing_known = TIMING_SERVER_RTT;
	assert_csv(names, &r, ",0,\n");
	r.timing_known = TIMING_APP_LATENCY;
	assert_csv(names, &r, ",,0\n");
}

static void headers(void **state)
{
	struct text_buffer out = { 0 };
	struct columns columns;

	(void)state;
	choose(&columns, "src_ip,dst_ip,flow_id");
	format_csv.header(&out, &columns);
	text_char(&out, '\0');
	assert_string_equal(out.data, "src_ip,dst_ip,flow_id\n");
	assert_null(format_json.header);
	out.length = 0;
	format_table.header(&out, &columns);
	text_char(&out, '\0');
	assert_string_equal(out.data,
			    "src_ip                  dst_ip                    flow_id\n");
	columns_free(&columns);
	text_free(&out);
}

static void table_is_aligned(void **state)
{
	struct flow_record r = sample_record();

	(void)state;
	r.side[SIDE_BOTH].packets = 7;
	assert_row(&format_table, "src_ip,src_port,total_packets,application_name,client_info", &r,
		   "192.0.2.1                  40000              7  TLS.Google                \n");
	r.text.client_info = "";
	assert_row(&format_table, "protocol,application_name", &r, "       6  TLS.Google\n");
}

/* Long texts are cut, numbers never; the last column may run on. */
static void table_cuts_texts(void **state)
{
	struct flow_record r = sample_record();

	(void)state;
	r.application_name = "an application with a very long name";
	r.flow_id = 12345678901234;
	assert_row(&format_table, "application_name,flow_id,protocol", &r,
		   "an application with a v~  12345678901234         6\n");
	assert_row(&format_table, "protocol,application_name", &r,
		   "       6  an application with a very long name\n");
	r.ip_version = 6;
	memset(r.src_addr, 0xab, 16);
	assert_row(&format_table, "src_ip,protocol", &r, "abab:abab:abab:abab:a~         6\n");
}

/* Colors, the title, a C1 control as UTF-8: nothing that a terminal would obey. */
static void table_is_printable(void **state)
{
	struct flow_record r = sample_record();

	(void)state;
	r.application_name = "\x1b[31mred\x7f\xc2\x9b\n";
	assert_row(&format_table, "protocol,application_name", &r, "       6  ?[31mred????\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(csv_has_every_type),
		cmocka_unit_test(integers_at_their_ends),
		cmocka_unit_test(ipv6_in_both_forms),
		cmocka_unit_test(csv_quotes_where_needed),
		cmocka_unit_test(json_escapes),
		cmocka_unit_test(json_is_utf8_whatever_came),
		cmocka_unit_test(json_keeps_integers_exact),
		cmocka_unit_test(json_numbers_are_numbers),
		cmocka_unit_test(lists),
		cmocka_unit_test(the_longest_list),
		cmocka_unit_test(unknown_times),
		cmocka_unit_test(headers),
		cmocka_unit_test(table_is_aligned),
		cmocka_unit_test(table_cuts_texts),
		cmocka_unit_test(table_is_printable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
