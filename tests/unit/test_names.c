/* SPDX-License-Identifier: BSD-2-Clause */
/* Documents of --names, whole, and what holds of every path. */
#include "outputs.h"

#include "format.h"
#include "names.h"

/* What the columns of a record become; hidden: those of --anonymize, or NULL. To be freed. */
static char *document(enum names names, const char *columns_names, const struct flow_record *r,
		      const char *hidden)
{
	struct config config = { .anonymize = (char *)hidden };
	struct text_buffer out = { 0 };
	struct anonymizer *a = NULL;
	struct columns columns;

	choose(&columns, columns_names);
	assert_int_equal(names_plan(&columns, names), 0);
	assert_int_equal(anonymizer_new(&a, &config, &columns), 0);
	format_json.message(&out, &columns, r, a);
	text_char(&out, '\0');
	anonymizer_free(a);
	columns_free(&columns);
	return out.data;
}

static void assert_document(enum names names, const char *columns_names,
			    const struct flow_record *r, const char *expected)
{
	char *found = document(names, columns_names, r, NULL);

	assert_string_equal(found, expected);
	free(found);
}

static struct flow_record whole_record(void)
{
	struct flow_record r = sample_record();

	r.flow_id = 7;
	r.run_id = "0123456789abcdef";
	r.end_reason = FLOW_END_IDLE;
	r.src_mac[0] = 2;
	r.src_mac[5] = 0xab;
	r.vlan_id = 12;
	r.nfhash = UINT64_MAX;
	strcpy(r.community_id, "1:abc=");
	r.side[SIDE_BOTH] = (struct record_side_values){
		.first_ns = 1700000000000000001,
		.last_ns = 1700000001002000000,
		.duration_ns = 1001999999,
		.packets = 3,
		.bytes = 1654,
		.tcp_flags = 0x1b,
	};
	r.side[SIDE_SRC2DST] = (struct record_side_values){ .packets = 2, .bytes = 140 };
	r.side[SIDE_DST2SRC] = (struct record_side_values){ .packets = 1, .bytes = 1514 };
	r.text.tls_version = "TLSv1.2";
	r.text.host = "www.example.org";
	r.text.ja3_client = "c3a";
	r.text.ja3_server = "53a";
	r.text.ja4 = "t13d";
	r.risks = 1ull << 63;
	r.server_rtt_us = 15;
	r.timing_known = TIMING_SERVER_RTT;
	return r;
}

#define COLUMNS                                                                                    \
	"run_id,probe,flow_id,flow_end_reason,src_ip,dst_ip,ip_src,src_port,dst_port,src_mac,"     \
	"src_oui,protocol,version,vlan_id,nfhash,community_id,first_seen,last_seen,first_seen_ns," \
	"duration,total_packets,bidirectional_packets,total_bytes,src2dst_packets,src2dst_bytes,"  \
	"dst2src_packets,dst2src_bytes,src2dst_tcp_flags,application_name,requested_server_name,"  \
	"j3a_client,j3a_server,ja4,tls_version,url,risk,server_rtt_us,client_rtt_us,splt_ps"

static void ecs(void **state)
{
	struct flow_record r = whole_record();

	(void)state;
	assert_document(
		NAMES_ECS, COLUMNS, &r,
		"{\"@timestamp\":\"2023-11-14T22:13:21.002000000Z\","
		"\"destination\":{\"bytes\":1514,\"ip\":\"198.51.100.254\",\"packets\":1,"
		"\"port\":443},\"ecs\":{\"version\":\"8.11.0\"},"
		"\"event\":{\"category\":[\"network\"],\"dataset\":\"weir.flow\","
		"\"duration\":1001999999,\"end\":\"2023-11-14T22:13:21.002000000Z\","
		"\"id\":\"0123456789abcdef-7\",\"kind\":\"event\",\"module\":\"weir\","
		"\"reason\":\"idle timeout\",\"sequence\":7,"
		"\"start\":\"2023-11-14T22:13:20.000000001Z\",\"type\":[\"connection\",\"end\"]},"
		"\"network\":{\"application\":\"google\",\"bytes\":1654,"
		"\"community_id\":\"1:abc=\",\"iana_number\":\"6\",\"packets\":3,"
		"\"protocol\":\"tls\",\"transport\":\"tcp\",\"type\":\"ipv4\","
		"\"vlan\":{\"id\":\"12\"}},"
		"\"observer\":{\"name\":\"probe7\",\"product\":\"weir\",\"type\":\"sensor\","
		"\"version\":\"" WEIR_VERSION "\"},"
		"\"source\":{\"bytes\":140,\"ip\":\"192.0.2.1\",\"mac\":\"02-00-00-00-00-AB\","
		"\"packets\":2,\"port\":40000},"
		"\"tls\":{\"client\":{\"ja3\":\"c3a\",\"server_name\":\"www.example.org\"},"
		"\"server\":{\"ja3s\":\"53a\"},\"version\":\"1.2\",\"version_protocol\":\"tls\"},"
		"\"weir\":{\"application_name\":\"TLS.Google\",\"flow_end_reason\":1,"
		"\"ja4\":\"t13d\",\"nfhash\":\"18446744073709551615\","
		"\"requested_server_name\":\"www.example.org\","
		"\"risk\":\"9223372036854775808\",\"run_id\":\"0123456789abcdef\","
		"\"server_rtt_us\":15,\"splt_ps\":[74, 1514, 66, -1],\"src2dst_tcp_flags\":0,"
		"\"src_oui\":\"02:00:00\"}}");
}

static void ocsf(void **state)
{
	struct flow_record r = whole_record();

	(void)state;
	assert_document(
		NAMES_OCSF, COLUMNS, &r,
		"{\"activity_id\":6,\"activity_name\":\"Traffic\",\"app_name\":\"TLS.Google\","
		"\"category_name\":\"Network Activity\",\"category_uid\":4,"
		"\"class_name\":\"Network Activity\",\"class_uid\":4001,"
		"\"connection_info\":{\"community_uid\":\"1:abc=\",\"direction_id\":0,"
		"\"protocol_name\":\"tcp\",\"protocol_num\":6,\"protocol_ver_id\":4,"
		"\"tcp_flags\":27,\"uid\":\"7\"},"
		"\"dst_endpoint\":{\"ip\":\"198.51.100.254\",\"port\":443},\"duration\":1001,"
		"\"end_time\":1700000001002,"
		"\"ja4_fingerprint_list\":[{\"type\":\"JA4\",\"type_id\":1,\"value\":\"t13d\"}],"
		"\"metadata\":{\"log_provider\":\"probe7\",\"product\":{\"name\":\"weir\","
		"\"vendor_name\":\"weir\",\"version\":\"" WEIR_VERSION "\"},"
		"\"uid\":\"0123456789abcdef-7\",\"version\":\"1.4.0\"},\"severity_id\":1,"
		"\"src_endpoint\":{\"ip\":\"192.0.2.1\",\"mac\":\"02:00:00:00:00:ab\","
		"\"port\":40000},\"start_time\":1700000000000,\"status_detail\":\"idle timeout\","
		"\"time\":1700000001002,"
		"\"tls\":{\"ja3_hash\":{\"algorithm\":\"MD5\",\"algorithm_id\":1,"
		"\"value\":\"c3a\"},\"ja3s_hash\":{\"algorithm\":\"MD5\",\"algorithm_id\":1,"
		"\"value\":\"53a\"},\"sni\":\"www.example.org\",\"version\":\"1.2\"},"
		"\"traffic\":{\"bytes\":1654,\"bytes_in\":1514,\"bytes_out\":140,\"packets\":3,"
		"\"packets_in\":1,\"packets_out\":2},"
		"\"type_name\":\"Network Activity: Traffic\",\"type_uid\":400106,"
		"\"unmapped\":{\"flow_end_reason\":1,\"j3a_client\":\"c3a\","
		"\"j3a_server\":\"53a\",\"nfhash\":\"18446744073709551615\","
		"\"requested_server_name\":\"www.example.org\",\"risk\":\"9223372036854775808\","
		"\"run_id\":\"0123456789abcdef\",\"server_rtt_us\":15,"
		"\"splt_ps\":[74, 1514, 66, -1],\"src2dst_tcp_flags\":0,"
		"\"src_oui\":\"02:00:00\",\"tls_version\":\"TLSv1.2\",\"vlan_id\":12}}");
}

#define ECS_HEAD(type)                                                                 \
	"{\"@timestamp\":\"1970-01-01T00:00:00.000000000Z\",\"ecs\":{\"version\":"     \
	"\"8.11.0\"},\"event\":{\"category\":[\"network\"],\"dataset\":\"weir.flow\"," \
	"\"kind\":\"event\",\"module\":\"weir\",\"type\":" type "},"
#define ECS_OBSERVER \
	"\"observer\":{\"product\":\"weir\",\"type\":\"sensor\",\"version\":\"" WEIR_VERSION "\"}"

/* No null, no "", no empty object. */
static void what_is_absent_is_not_there(void **state)
{
	struct flow_record r = sample_record();

	(void)state;
	r.end_reason = FLOW_END_ACTIVE;
	r.protocol = 253;
	r.application_name = "Unknown";
	assert_document(
		NAMES_ECS,
		"protocol,vlan_id,application_name,url,j3a_client,requested_server_name,"
		"client_rtt_us,src_asn,src_country",
		&r,
		ECS_HEAD("[\"connection\"]") "\"network\":{\"iana_number\":\"253\"}," ECS_OBSERVER
					     ",\"weir\":{\"application_name\":\"Unknown\"}}");
}

/* A name in HTTP or DNS is none of TLS; without a version OCSF has no tls object. */
static void server_names_are_of_tls(void **state)
{
	struct flow_record r = sample_record();

	(void)state;
	r.text.host = "a.example";
	assert_document(NAMES_ECS, "requested_server_name", &r,
			ECS_HEAD("[\"connection\",\"end\"]") ECS_OBSERVER
			",\"weir\":{\"requested_server_name\":\"a.example\"}}");
	r.text.ja3_client = "c3a";
	assert_document(NAMES_ECS, "requested_server_name", &r,
			ECS_HEAD("[\"connection\",\"end\"]") ECS_OBSERVER
			",\"tls\":{\"client\":{\"server_name\":\"a.example\"}},"
			"\"weir\":{\"requested_server_name\":\"a.example\"}}");
}

/* A hash has no place where the schemas want an address: it goes under the rest. */
static void what_is_hidden_is_nowhere_else(void **state)
{
	struct flow_record r = whole_record();
	char *out = document(NAMES_ECS, "src_ip,dst_ip,last_seen,flow_id,run_id,nfhash", &r,
			     "src_ip,last_seen,flow_id,nfhash");

	(void)state;
	assert_null(strstr(out, "192.0.2"));
	assert_null(strstr(out, "198.51"));
	assert_null(strstr(out, "timestamp"));
	assert_null(strstr(out, "2023-"));
	assert_null(strstr(out, "abcdef-7"));
	assert_null(strstr(out, "18446744073709551615"));
	assert_non_null(strstr(out, "\"weir\":{\"dst_ip\":\""));
	assert_non_null(strstr(out, "\",\"nfhash\":\""));
	assert_non_null(strstr(out, "\"run_id\":\"0123456789abcdef\",\"src_ip\":\""));
	free(out);
}

/* Flags of both directions are not told when those of one are hidden. */
static void one_direction_s_flags(void **state)
{
	static const char *const hidden[] = { "src2dst_tcp_flags", "dst2src_tcp_flags" };
	struct flow_record r = whole_record();

	(void)state;
	for (size_t i = 0; i < COUNT_OF(hidden); i++) {
		char *out =
			document(NAMES_OCSF, "src2dst_tcp_flags,dst2src_tcp_flags", &r, hidden[i]);

		assert_null(strstr(out, "\"tcp_flags\""));
		free(out);
	}
}

/* No path is there twice, and none is both a value and an object. */
static void paths_fit_together(void **state)
{
	struct columns all = { .items = calloc(record_field_count, sizeof(*all.items)) };

	(void)state;
	for (size_t i = 0; i < record_field_count; i++)
		all.items[all.count++] = &record_fields[i];
	for (enum names names = NAMES_ECS; names <= NAMES_OCSF; names++) {
		assert_int_equal(names_plan(&all, names), 0);
		assert_true(all.names->count > 180);
		for (size_t i = 1; i < all.names->count; i++) {
			const char *before = all.names->items[i - 1].path;
			const char *path = all.names->items[i].path;
			size_t length = strlen(before);

			assert_true(strcmp(before, path) < 0);
			assert_false(!strncmp(before, path, length) && path[length] == '.');
		}
	}
	columns_free(&all);
}

/* Every column is somewhere, alone. */
static void every_column_has_a_path(void **state)
{
	(void)state;
	for (size_t i = 0; i < record_field_count; i++) {
		const struct field *item = &record_fields[i];

		for (enum names names = NAMES_ECS; names <= NAMES_OCSF; names++) {
			struct columns one = { .items = calloc(1, sizeof(*one.items)), .count = 1 };
			size_t found = 0;

			one.items[0] = item;
			assert_int_equal(names_plan(&one, names), 0);
			for (size_t k = 0; k < one.names->count; k++)
				found += one.names->items[k].field == item &&
					 one.names->items[k].column != NAME_FIXED &&
					 one.names->items[k].as != AS_HIDDEN;
			if (!found)
				fail_msg("%s has no path", item->name);
			columns_free(&one);
		}
	}
}

static void plugins_columns_are_the_rest(void **state)
{
	const struct field plugin = { .name = "udps.x.y", .need = NEED_STATE, .type = FIELD_U8 };
	struct columns one = { .items = calloc(1, sizeof(*one.items)), .count = 1 };
	bool found = false;

	(void)state;
	one.items[0] = &plugin;
	assert_int_equal(names_plan(&one, NAMES_OCSF), 0);
	for (size_t i = 0; i < one.names->count; i++)
		found |= !strcmp(one.names->items[i].path, "unmapped.udps_x_y");
	assert_true(found);
	columns_free(&one);
}

static void plain_has_no_plan(void **state)
{
	struct columns columns;

	(void)state;
	choose(&columns, "src_ip");
	assert_int_equal(names_plan(&columns, NAMES_ECS), 0);
	assert_int_equal(names_plan(&columns, NAMES_PLAIN), 0);
	assert_null(columns.names);
	columns_free(&columns);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ecs),
		cmocka_unit_test(ocsf),
		cmocka_unit_test(what_is_absent_is_not_there),
		cmocka_unit_test(server_names_are_of_tls),
		cmocka_unit_test(what_is_hidden_is_nowhere_else),
		cmocka_unit_test(one_direction_s_flags),
		cmocka_unit_test(paths_fit_together),
		cmocka_unit_test(every_column_has_a_path),
		cmocka_unit_test(plugins_columns_are_the_rest),
		cmocka_unit_test(plain_has_no_plan),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
