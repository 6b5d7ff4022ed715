/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hidden columns and addresses: the published vectors of Crypto-PAn, values of other
 * implementations of BLAKE2b and of the 128-bit form, and what must not leak beside them.
 */
#include "outputs.h"

#include <arpa/inet.h>

#include "anonymize.h"
#include "format.h"

/* The key of Crypto-PAn's reference implementation. */
static const uint8_t pan_key[32] = { 21,  34, 23,  141, 51, 164, 207, 128, 19,  10,  91,
				     22,  73, 144, 125, 16, 216, 152, 143, 131, 121, 121,
				     101, 39, 98,  87,  76, 45,  42,  132, 34,  2 };

static struct files files;

static struct anonymizer *anonymizer_with(const char *columns, bool prefix, const void *key,
					  size_t length, struct columns *out)
{
	struct config config = every_config();
	struct anonymizer *a;

	files_begin(&files);
	files_write(&files, "key", key, length);
	choose(out, "src_ip,dst_ip,ip_src,application_name,flow_id,nfhash,community_id,src_mac");
	config.anonymize = (char *)columns;
	config.anonymize_prefix = prefix;
	config.anonymize_key = files.name;
	assert_int_equal(anonymizer_new(&a, &config, out), 0);
	assert_non_null(a);
	return a;
}

static void finish(struct anonymizer *a, struct columns *columns)
{
	anonymizer_free(a);
	columns_free(columns);
	files_end(&files);
}

static void assert_hashed(struct anonymizer *a, const char *text, const char *expected)
{
	struct text_buffer b = { 0 };

	text_string(&b, "before");
	text_string(&b, text);
	anonymizer_replace(a, &b, 6);
	text_char(&b, '\0');
	assert_int_equal(strncmp(b.data, "before", 6), 0);
	assert_string_equal(b.data + 6, expected);
	text_free(&b);
}

/* hashlib.blake2b(text, key=bytes(range(32))).hexdigest()[:32] */
static void hash_is_keyed_blake2b(void **state)
{
	struct columns columns;
	struct anonymizer *a;
	uint8_t key[32];

	(void)state;
	for (int i = 0; i < 32; i++)
		key[i] = i;
	a = anonymizer_with("src_ip", false, key, 32, &columns);
	for (int again = 0; again < 2; again++) {
		assert_hashed(a, "192.0.2.1", "396e98e84aa2a9d0677a2b14f93a5fd3");
		assert_hashed(a, "", "84bfa69f0d90df7db2a3ee026042988b");
		assert_hashed(a, "TLS.Google", "cd49daec7e77bde649704d1deae00e1f");
	}
	finish(a, &columns);
}

static void key_is_random_without_a_file(void **state)
{
	struct config config = every_config();
	struct text_buffer b = { 0 };
	struct columns columns;

	(void)state;
	choose(&columns, "src_ip");
	config.anonymize = (char *)"src_ip";
	for (int i = 0; i < 2; i++) {
		struct anonymizer *a;
		size_t start = b.length;

		assert_int_equal(anonymizer_new(&a, &config, &columns), 0);
		text_string(&b, "192.0.2.1");
		anonymizer_replace(a, &b, start);
		anonymizer_free(a);
	}
	assert_int_equal(b.length, 64);
	assert_memory_not_equal(b.data, b.data + 32, 32);
	text_free(&b);
	columns_free(&columns);
}

static void assert_hides(const char *names, const char *expected)
{
	struct columns columns;
	struct anonymizer *a = anonymizer_with(names, false, pan_key, 32, &columns);
	char hidden[16] = "";

	for (size_t i = 0; i < columns.count; i++)
		hidden[i] = anonymizer_hides(a, i) ? '#' : '.';
	assert_string_equal(hidden, expected);
	assert_false(anonymizer_changes_addresses(a));
	finish(a, &columns);
}

/* src_ip dst_ip ip_src application_name flow_id nfhash community_id src_mac */
static void what_tells_an_address_is_hidden_too(void **state)
{
	(void)state;
	assert_hides("application_name", "...#....");
	assert_hides("flow_id,src_mac", "....#..#");
	assert_hides("src_ip", "###..##.");
	assert_hides("ip_src", "###..##.");
	assert_hides("community_id,application_name", "####.##.");
}

/* Every column of the table that this one takes along; in the table's order. */
static void assert_takes_along(const char *name, const char *expected)
{
	struct columns columns;
	struct config config = { .anonymize = (char *)name };
	struct anonymizer *a;
	struct text_buffer hidden = { 0 };

	choose(&columns, NULL);
	assert_int_equal(columns.count, record_field_count);
	assert_int_equal(anonymizer_new(&a, &config, &columns), 0);
	for (size_t i = 0; i < columns.count; i++) {
		if (!anonymizer_hides(a, i))
			continue;
		text_string(&hidden, hidden.length ? "," : "");
		text_string(&hidden, columns.items[i]->name);
	}
	text_char(&hidden, '\0');
	assert_string_equal(hidden.data, expected);
	text_free(&hidden);
	anonymizer_free(a);
	columns_free(&columns);
}

static void what_tells_a_hidden_column_is_hidden_too(void **state)
{
	(void)state;
	assert_takes_along("src_ip", "src_ip,dst_ip,ip_src,ip_dst,nfhash,community_id");
	assert_takes_along("src_mac", "src_mac,src_oui,src_mac_vendor");
	assert_takes_along("dst_oui", "dst_mac,dst_oui,dst_mac_vendor");
	assert_takes_along("dst_mac_vendor", "dst_mac,dst_oui,dst_mac_vendor");
	assert_takes_along("ingress_interface", "ingress_interface,ingress_ifindex");
	assert_takes_along("egress_ifindex", "egress_interface,egress_ifindex");
	assert_takes_along("system_process_name", "system_process_pid,system_process_name");
	assert_takes_along("src_port", "src_port,nfhash,community_id");
	assert_takes_along("icmp_code", "nfhash,community_id,icmp_code");
	assert_takes_along("version", "version,ip_version");
	assert_takes_along("first_seen_ns", "first_seen,first_seen_ns,bidirectional_first_seen_ms,"
					    "src2dst_first_seen_ms");
	assert_takes_along("dst2src_last_seen_ms",
			   "last_seen,last_seen_ns,bidirectional_last_seen_ms,"
			   "src2dst_last_seen_ms,dst2src_last_seen_ms");
	assert_takes_along("bidirectional_bytes", "total_bytes,bidirectional_bytes");
	assert_takes_along("src2dst_dscp", "src2dst_tos,src2dst_dscp");
	assert_takes_along("app_protocol", "master_protocol,app_protocol,application_name");
	assert_takes_along("category_name", "category_name,application_category_name");
	assert_takes_along("url", "client_info,requested_server_name,url");
	assert_takes_along("hassh_client", "j3a_client,client_fingerprint,hassh_client");
	assert_takes_along("server_fingerprint", "j3a_server,server_fingerprint,hassh_server");
	assert_takes_along("confidence_name", "application_confidence,confidence_name");
	assert_takes_along("risk", "risk,risk_names");
	assert_takes_along("splt_ps", "splt_ps");
}

/* No hash of the key may be told then, as Kafka's key is one. */
static void hidden_keys(void **state)
{
	static const char *const names[] = { "src_ip", "nfhash",          "community_id",
					     "ip_src", "src_mac",         "flow_id",
					     "dst_ip", "application_name" };

	(void)state;
	assert_false(anonymizer_hides_key(NULL));
	for (size_t i = 0; i < COUNT_OF(names); i++) {
		struct columns columns;
		struct anonymizer *a = anonymizer_with(names[i], false, pan_key, 32, &columns);

		assert_int_equal(anonymizer_hides_key(a),
				 strcmp(names[i], "src_mac") && strcmp(names[i], "flow_id") &&
					 strcmp(names[i], "application_name"));
		finish(a, &columns);
	}
}

static void assert_prefix(struct anonymizer *a, const char *from, const char *expected)
{
	int family = strchr(from, ':') ? AF_INET6 : AF_INET;
	uint8_t addr[16];
	char text[INET6_ADDRSTRLEN];

	assert_int_equal(inet_pton(family, from, addr), 1);
	anonymizer_prefix(a, addr, family == AF_INET ? 4 : 16);
	assert_string_equal(inet_ntop(family, addr, text, sizeof(text)), expected);
}

/* From the sample trace of the reference implementation, twice: then from the cache. */
static void crypto_pan_of_ipv4(void **state)
{
	static const char *const pairs[][2] = {
		{ "128.11.68.132", "135.242.180.132" },   { "129.118.74.4", "134.136.186.123" },
		{ "130.132.252.244", "133.68.164.234" },  { "141.223.7.43", "141.167.8.160" },
		{ "141.233.145.108", "141.129.237.235" }, { "152.163.225.39", "151.140.114.167" },
		{ "156.29.3.236", "147.225.12.42" },      { "165.247.96.84", "162.9.99.234" },
		{ "166.107.77.190", "160.132.178.185" },  { "192.102.249.13", "252.138.62.131" },
		{ "192.215.32.125", "252.43.47.189" },    { "192.233.80.103", "252.25.108.8" },
		{ "192.41.57.43", "252.222.221.184" },    { "193.150.244.223", "253.169.52.216" },
		{ "195.205.63.100", "255.186.223.5" },    { "198.200.171.101", "249.199.68.213" },
		{ "198.26.132.101", "249.36.123.202" },   { "198.36.213.5", "249.7.21.132" },
		{ "198.51.77.238", "249.18.186.254" },    { "199.217.79.101", "248.38.184.213" },
	};
	struct columns columns;
	struct anonymizer *a = anonymizer_with(NULL, true, pan_key, 32, &columns);

	(void)state;
	for (int again = 0; again < 2; again++)
		for (size_t i = 0; i < COUNT_OF(pairs); i++)
			assert_prefix(a, pairs[i][0], pairs[i][1]);
	finish(a, &columns);
}

static void crypto_pan_of_ipv6(void **state)
{
	struct columns columns;
	struct anonymizer *a = anonymizer_with(NULL, true, pan_key, 32, &columns);

	(void)state;
	for (int again = 0; again < 2; again++) {
		assert_prefix(a, "2001:db8::1", "4401:2bc:603f:d91d:27f:ff8e:e6f1:dc1e");
		assert_prefix(a, "2001:db8::2", "4401:2bc:603f:d91d:27f:ff8e:e6f1:dc1c");
		assert_prefix(a, "2001:db8:1::1", "4401:2bc:603e:23c0:0:6fff:f0f8:c3ed");
		assert_prefix(a, "fe80::1", "cf7f:c0e:1fc3:da1c:70:b18e:f7f3:2101");
		assert_prefix(a, "::1", "78ff:f001:9fc0:20df:8380:b1f1:704:ed");
	}
	finish(a, &columns);
}

static int common_bits(const uint8_t *a, const uint8_t *b, int bits)
{
	int i = 0;

	while (i < bits && !((a[i / 8] ^ b[i / 8]) & (0x80 >> i % 8)))
		i++;
	return i;
}

/* More addresses than the cache has places; any two keep the length of their common prefix. */
static void prefixes_are_kept(void **state)
{
	struct columns columns;
	struct anonymizer *a = anonymizer_with(NULL, true, pan_key, 32, &columns);
	uint8_t before[4] = { 0 }, hidden_before[4] = { 0 };
	uint32_t seed = 1;

	(void)state;
	anonymizer_prefix(a, hidden_before, 4);
	for (int i = 0; i < 20000; i++) {
		uint8_t addr[4], hidden[4];

		seed = seed * 1664525 + 1013904223;
		memcpy(addr, i % 2 ? before : (uint8_t *)&seed, 4);
		addr[3] ^= seed >> 24;
		memcpy(hidden, addr, 4);
		anonymizer_prefix(a, hidden, 4);
		assert_int_equal(common_bits(addr, before, 32),
				 common_bits(hidden, hidden_before, 32));
		memcpy(before, addr, 4);
		memcpy(hidden_before, hidden, 4);
	}
	finish(a, &columns);
}

/* nfhash and community_id tell the addresses that the record shows. */
static void derived_columns_follow(void **state)
{
	struct columns columns;
	struct anonymizer *a = anonymizer_with(NULL, true, pan_key, 32, &columns);
	struct flow_record r = sample_record(), shown;

	(void)state;
	record_derive(&r, NEED_NFHASH | NEED_COMMUNITY_ID);
	shown = r;
	assert_true(anonymizer_changes_addresses(a));
	anonymizer_addresses(a, &shown, columns.need);
	assert_memory_not_equal(shown.src_addr, r.src_addr, 16);
	assert_memory_equal(shown.src_addr, r.src_addr, 12);
	assert_int_not_equal(shown.nfhash, r.nfhash);
	assert_string_not_equal(shown.community_id, r.community_id);
	r = shown;
	record_derive(&r, NEED_NFHASH | NEED_COMMUNITY_ID);
	assert_int_equal(shown.nfhash, r.nfhash);
	assert_string_equal(shown.community_id, r.community_id);
	finish(a, &columns);
}

static void assert_formatted(const struct format *format, const char *expected)
{
	struct config config = { .anonymize = (char *)"application_name" };
	struct flow_record r = sample_record();
	struct text_buffer out = { 0 };
	struct columns columns;
	struct anonymizer *a;

	r.application_name = "a,\"b\"\n";
	files_begin(&files);
	files_write(&files, "key", pan_key, sizeof(pan_key));
	config.anonymize_key = files.name;
	choose(&columns, "application_name,flow_id");
	assert_int_equal(anonymizer_new(&a, &config, &columns), 0);
	format->row(&out, &columns, &r, a);
	text_char(&out, '\0');
	assert_string_equal(out.data, expected);
	text_free(&out);
	finish(a, &columns);
}

/* The hash is of the value, not of how a format quotes it. */
static void every_format_hides(void **state)
{
	(void)state;
	assert_formatted(&format_csv, "3107f08ac724fa6f11fe5a5ed049f68f,0\n");
	assert_formatted(
		&format_json,
		"{\"application_name\":\"3107f08ac724fa6f11fe5a5ed049f68f\",\"flow_id\":0}\n");
	assert_formatted(&format_table, "3107f08ac724fa6f11fe5a5~          0\n");
}

static void refuse(struct config config, const char *words)
{
	struct columns columns;
	struct anonymizer *a;
	struct said said;

	choose(&columns, "src_ip,flow_id");
	said_begin(&said);
	assert_int_equal(anonymizer_new(&a, &config, &columns), words ? -EINVAL : 0);
	said_expect(&said, words);
	anonymizer_free(a);
	columns_free(&columns);
}

static void columns_that_cannot_be_hidden(void **state)
{
	(void)state;
	refuse((struct config){ 0 }, NULL);
	refuse((struct config){ .anonymize = (char *)"nothing" }, "\"nothing\" is not exported");
	refuse((struct config){ .anonymize = (char *)"src_ip,dst_ip" },
	       "\"dst_ip\" is not exported");
	refuse((struct config){ .anonymize = (char *)"" }, "\"\" is not exported");
	refuse((struct config){ .anonymize_key = (char *)"key" },
	       "nothing is anonymized; give --anonymize COLUMNS or --anonymize-prefix");
}

static void keys_that_cannot_be(void **state)
{
	struct config config = { .anonymize_prefix = true };
	char key[65] = { 0 };

	(void)state;
	files_begin(&files);
	files_write(&files, "key", key, 31);
	config.anonymize_key = files.name;
	refuse(config, "has only 31 bytes; a key file holds 32 to 64");
	files_write(&files, "key", key, 65);
	refuse(config, "has more than 64 bytes; a key file holds 32 to 64");
	files_write(&files, "key", key, 64);
	refuse(config, NULL);
	files_end(&files);
}

static void key_files_that_cannot_be_read(void **state)
{
	struct config config = { .anonymize_prefix = true,
				 .anonymize_key = (char *)"/nonexistent" };
	struct columns columns;
	struct anonymizer *a;
	struct said said;

	(void)state;
	choose(&columns, "src_ip");
	said_begin(&said);
	assert_int_equal(anonymizer_new(&a, &config, &columns), -ENOENT);
	said_expect(&said,
		    "--anonymize-key /nonexistent: No such file or directory; give a readable");
	said_begin(&said);
	config.anonymize_key = (char *)"/tmp";
	assert_int_equal(anonymizer_new(&a, &config, &columns), -EISDIR);
	said_expect(&said, "/tmp: Is a directory");
	assert_null(a);
	columns_free(&columns);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(hash_is_keyed_blake2b),
		cmocka_unit_test(key_is_random_without_a_file),
		cmocka_unit_test(what_tells_an_address_is_hidden_too),
		cmocka_unit_test(what_tells_a_hidden_column_is_hidden_too),
		cmocka_unit_test(hidden_keys),
		cmocka_unit_test(crypto_pan_of_ipv4),
		cmocka_unit_test(crypto_pan_of_ipv6),
		cmocka_unit_test(prefixes_are_kept),
		cmocka_unit_test(derived_columns_follow),
		cmocka_unit_test(every_format_hides),
		cmocka_unit_test(columns_that_cannot_be_hidden),
		cmocka_unit_test(keys_that_cannot_be),
		cmocka_unit_test(key_files_that_cannot_be_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
