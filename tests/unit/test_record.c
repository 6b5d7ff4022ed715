/* SPDX-License-Identifier: BSD-2-Clause */
/* The table of columns and the choice of a run's columns: profiles, options, --fields. */
#include "outputs.h"

#define SEED_CORE                                                                                \
	"flow_id first_seen last_seen nfhash version src_port dst_port protocol vlan_id src_ip " \
	"dst_ip ip_src ip_dst total_packets total_bytes duration src2dst_packets "               \
	"src2dst_bytes dst2src_packets dst2src_bytes expiration_id "
#define SEED_APP                                                                               \
	"master_protocol app_protocol application_name category_name client_info server_info " \
	"j3a_client j3a_server "
#define NFSTREAM_BEFORE_TUNNEL                                                              \
	"id expiration_id src_ip src_mac src_oui src_port dst_ip dst_mac dst_oui dst_port " \
	"protocol ip_version vlan_id "
#define NFSTREAM_AFTER_TUNNEL                                                               \
	"bidirectional_first_seen_ms bidirectional_last_seen_ms bidirectional_duration_ms " \
	"bidirectional_packets bidirectional_bytes src2dst_first_seen_ms "                  \
	"src2dst_last_seen_ms src2dst_duration_ms src2dst_packets src2dst_bytes "           \
	"dst2src_first_seen_ms dst2src_last_seen_ms dst2src_duration_ms dst2src_packets "   \
	"dst2src_bytes "
#define STATS_OF(side, what) \
	side "_min_" what " " side "_mean_" what " " side "_stddev_" what " " side "_max_" what " "
#define FLAGS_OF(side)                                                                           \
	side "_syn_packets " side "_cwr_packets " side "_ece_packets " side "_urg_packets " side \
	     "_ack_packets " side "_psh_packets " side "_rst_packets " side "_fin_packets "
#define STATS                                \
	STATS_OF("bidirectional", "ps")      \
	STATS_OF("src2dst", "ps")            \
	STATS_OF("dst2src", "ps")            \
	STATS_OF("bidirectional", "piat_ms") \
	STATS_OF("src2dst", "piat_ms")       \
	STATS_OF("dst2src", "piat_ms")       \
	FLAGS_OF("bidirectional") FLAGS_OF("src2dst") FLAGS_OF("dst2src")
#define SPLT "splt_direction splt_ps splt_piat_ms "
#define NFSTREAM_APP                                                                          \
	"application_name application_category_name application_is_guessed "                  \
	"application_confidence requested_server_name client_fingerprint server_fingerprint " \
	"user_agent content_type "

/* The columns that config chooses, each followed by a blank. */
static void assert_columns(const struct config *config, const char *expected)
{
	struct columns columns;
	char *names = NULL;
	size_t size;
	FILE *to = open_memstream(&names, &size);

	assert_int_equal(columns_select(&columns, config, NULL, 0), 0);
	for (size_t i = 0; i < columns.count; i++)
		fprintf(to, "%s ", columns.items[i]->name);
	fclose(to);
	assert_string_equal(names, expected);
	free(names);
	columns_free(&columns);
}

static void names_are_unique_and_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < record_field_count; i++) {
		const struct field *f = &record_fields[i];

		for (size_t k = 0; k < i; k++)
			assert_string_not_equal(f->name, record_fields[k].name);
		assert_ptr_equal(record_field_by_name(f->name), f);
		assert_int_equal(strspn(f->name, "abcdefghijklmnopqrstuvwxyz0123456789_"),
				 strlen(f->name));
	}
	assert_null(record_field_by_name("nothing"));
	assert_null(record_field_by_name(""));
	assert_null(record_field_by_name("Flow_id"));
}

static void every_column_is_explained(void **state)
{
	(void)state;
	for (size_t i = 0; i < record_field_count; i++) {
		const struct field *f = &record_fields[i];

		assert_non_null(f->unit);
		assert_true(strlen(f->help) > 3);
		assert_null(strchr(f->help, '\n'));
	}
}

static size_t size_of(enum field_type type)
{
	switch (type) {
	case FIELD_U8: return 1;
	case FIELD_U16: return 2;
	case FIELD_U32:
	case FIELD_I32: return 4;
	case FIELD_ADDR:
	case FIELD_ADDR_NUMBER: return 16;
	case FIELD_MAC:
	case FIELD_OUI: return 6;
	case FIELD_CHARS: return 40;
	default: return 8;
	}
}

static void values_lie_in_the_record(void **state)
{
	(void)state;
	for (size_t i = 0; i < record_field_count; i++) {
		const struct field *f = &record_fields[i];
		size_t size = size_of(f->type);

		assert_in_range(f->offset + size, 1, sizeof(struct flow_record));
		if (size <= 8 && f->type != FIELD_MAC && f->type != FIELD_OUI)
			assert_int_equal(f->offset % size, 0);
	}
}

static void seed_is_what_nfstream_documented(void **state)
{
	struct config config = { .dissect = true };

	(void)state;
	assert_columns(&config, SEED_CORE SEED_APP);
	config.tunnels = ~0u;
	assert_columns(&config, SEED_CORE SEED_APP);
	config.dissect = false;
	assert_columns(&config, SEED_CORE);
	config.stats = true;
	assert_columns(&config, SEED_CORE STATS);
	config.splt = 1;
	assert_columns(&config, SEED_CORE STATS SPLT);
}

static void nfstream_is_what_it_writes(void **state)
{
	struct config config = every_config();
	struct columns columns;

	(void)state;
	config.profile = PROFILE_NFSTREAM;
	config.attribute = 0; /* columns of options that NFStream does not have would follow */
	config.geoip.count = 0;
	config.mac_vendors = NULL;
	assert_columns(&config, NFSTREAM_BEFORE_TUNNEL
		       "tunnel_id " NFSTREAM_AFTER_TUNNEL STATS SPLT NFSTREAM_APP);
	assert_int_equal(columns_select(&columns, &config, NULL, 0), 0);
	assert_int_equal(columns.count, 89);
	columns_free(&columns);
	config.tunnels = 0;
	config.stats = false;
	assert_columns(&config, NFSTREAM_BEFORE_TUNNEL NFSTREAM_AFTER_TUNNEL SPLT NFSTREAM_APP);
	config.splt = 0;
	config.dissect = false;
	assert_columns(&config, NFSTREAM_BEFORE_TUNNEL NFSTREAM_AFTER_TUNNEL);
}

static bool has_column(const struct columns *columns, const char *name)
{
	for (size_t i = 0; i < columns->count; i++)
		if (!strcmp(columns->items[i]->name, name))
			return true;
	return false;
}

/* The same value under two names, but for other units and forms of it. */
static bool same_value(const struct field *a, const struct field *b)
{
	return a->type < FIELD_SPLT_DIRECTION && a->type == b->type && a->offset == b->offset;
}

static void all_has_everything_once(void **state)
{
	static const char extras[] =
		"first_seen_ns last_seen_ns flow_end_reason community_id "
		"src2dst_min_ttl dst2src_max_ttl src2dst_tos dst2src_dscp "
		"src2dst_tcp_flags src_initial_window client_rtt_us server_rtt_us "
		"app_latency_us src2dst_retransmitted_packets "
		"dst2src_out_of_order_packets src2dst_zero_window_packets icmp_type "
		"icmp_code tunnel_id tunnel_key src_teid src_mac dst_oui "
		"bidirectional_packets_per_second dst2src_bytes_per_second "
		"application_is_guessed application_confidence hassh_client ja4 "
		"requested_server_name user_agent content_type url tls_version alpn "
		"risk risk_names probe src2dst_fin_packets splt_ps "
		"ingress_interface egress_interface ingress_ifindex netns";
	char *list = strdup(extras), *at = list;
	struct config config = every_config();
	struct columns columns;
	size_t aliases = 0;

	(void)state;
	config.profile = PROFILE_ALL;
	config.geoip.count = 1;
	config.mac_vendors = (char *)"list";
	config.attribute = ~0u;
	config.interfaces.count = 0;
	assert_int_equal(columns_select(&columns, &config, NULL, 0), 0);
	assert_false(has_column(&columns, "netns")); /* of files */
	columns_free(&columns);
	config.interfaces.count = 1;
	assert_int_equal(columns_select(&columns, &config, NULL, 0), 0);
	for (const char *name; (name = strsep(&at, " "));)
		if (!has_column(&columns, name))
			fail_msg("no %s", name);
	free(list);
	for (size_t i = 0; i < columns.count; i++)
		for (size_t k = 0; k < i; k++)
			assert_false(same_value(columns.items[i], columns.items[k]));
	for (size_t i = 0; i < record_field_count; i++)
		for (size_t k = 0; k < i; k++)
			aliases += same_value(&record_fields[i], &record_fields[k]);
	/* "id" is another number than flow_id, but NFStream's; "run_id" is in no profile. */
	assert_int_equal(columns.count + aliases + 2, record_field_count);
	columns_free(&columns);
}

/* What --fields names stays where it is, and what is missing follows, once. */
static void records_of_a_fleet_are_named(void **state)
{
	struct config config = every_config();
	struct columns columns;
	static char fields[] = "run_id,dst_port";

	(void)state;
	config.fields = fields;
	assert_int_equal(columns_select(&columns, &config, NULL, 0), 0);
	columns_identify(&columns);
	columns_identify(&columns);
	assert_int_equal(columns.count, 4);
	assert_int_equal(columns_id(&columns, "run_id"), 0);
	assert_int_equal(columns_id(&columns, "dst_port"), 1);
	assert_int_equal(columns_id(&columns, "probe"), 2);
	assert_int_equal(columns_id(&columns, "flow_id"), 3);
	columns_free(&columns);
}

/* Every column that there is, and then its name: the list has room. */
static void any_profile_can_be_named(void **state)
{
	(void)state;
	for (uint32_t profile = 0; profile < PROFILES; profile++) {
		struct config config = every_config();
		struct columns columns;

		config.profile = profile;
		assert_int_equal(columns_select(&columns, &config, NULL, 0), 0);
		assert_int_equal(columns_id(&columns, "run_id"), -ENOENT);
		columns_identify(&columns);
		assert_true(columns_id(&columns, "run_id") > 0);
		assert_true(columns_id(&columns, "probe") > 0);
		assert_true(columns_id(&columns, "flow_id") >= 0);
		columns_free(&columns);
	}
}

static void options_switch_columns_of_all(void **state)
{
	struct config config = { .profile = PROFILE_ALL };
	struct columns columns;

	(void)state;
	assert_int_equal(columns_select(&columns, &config, NULL, 0), 0);
	assert_false(columns.need & (NEED_DISSECT | NEED_STATS | NEED_SPLT));
	assert_true(columns.need & NEED_TCP);
	assert_true(columns.need & NEED_TIMING);
	assert_true(columns.need & NEED_COMMUNITY_ID);
	assert_false(has_column(&columns, "application_name"));
	assert_false(has_column(&columns, "src2dst_mean_ps"));
	assert_false(has_column(&columns, "splt_ps"));
	columns_free(&columns);
}

static void fields_stand_in_their_order(void **state)
{
	struct config config = { .dissect = true, .fields = (char *)"dst_ip,id,flow_id" };

	(void)state;
	assert_columns(&config, "dst_ip id flow_id ");
	config.profile = PROFILE_NFSTREAM; /* --fields is the whole choice */
	config.stats = true;
	assert_columns(&config, "dst_ip id flow_id ");
}

static void fields_tell_what_to_count(void **state)
{
	static const struct {
		const char *name;
		uint32_t need;
	} cases[] = {
		{ "src_ip", 0 },
		{ "src2dst_mean_ps", NEED_STATS },
		{ "dst2src_fin_packets", NEED_STATS },
		{ "dst2src_zero_window_packets", NEED_TCP },
		{ "client_rtt_us", NEED_TIMING },
		{ "community_id", NEED_COMMUNITY_ID },
		{ "nfhash", NEED_NFHASH },
		{ "src2dst_bytes_per_second", NEED_RATES },
		{ "splt_ps", NEED_SPLT },
		{ "ja4", NEED_DISSECT },
		{ "risk_names", NEED_DISSECT | NEED_RISK_NAMES },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct columns columns;

		choose(&columns, cases[i].name);
		assert_int_equal(columns.need, cases[i].need);
		columns_free(&columns);
	}
}

static void refuse(struct config config, const char *fields, const char *words)
{
	struct columns columns;
	struct said said;

	config.fields = (char *)fields;
	said_begin(&said);
	assert_int_equal(columns_select(&columns, &config, NULL, 0), -EINVAL);
	said_expect(&said, words);
	assert_null(columns.items);
}

static void fields_that_cannot_be(void **state)
{
	struct config plain = { .dissect = true }, blind = { .splt = 1 };

	(void)state;
	refuse(plain, "src_ip,nothing", "unknown column \"nothing\"; `weir fields` lists them");
	refuse(plain, "", "unknown column \"\"");
	refuse(plain, "src_ip,", "unknown column \"\"");
	refuse(plain, "src_ip, dst_ip", "unknown column \" dst_ip\"");
	refuse(plain, "src_ip,dst_ip,src_ip", "\"src_ip\" is named twice");
	refuse(plain, "splt_ps", "give --splt N");
	refuse(blind, "src_ip,application_name", "leave out --no-dissect");
}

static uint32_t ipfix_of(const char *name)
{
	const struct field *f = record_field_by_name(name);

	assert_non_null(f);
	return f->ipfix;
}

static void ipfix_elements(void **state)
{
	static const struct {
		const char *name;
		uint32_t id;
	} iana[] = {
		{ "src2dst_bytes", 1 },
		{ "src2dst_packets", 2 },
		{ "protocol", 4 },
		{ "src2dst_tos", 5 },
		{ "src2dst_tcp_flags", 6 },
		{ "src_port", 7 },
		{ "src_ip", 8 },
		{ "dst_port", 11 },
		{ "dst_ip", 12 },
		{ "src2dst_min_ttl", 52 },
		{ "src2dst_max_ttl", 53 },
		{ "src_mac", 56 },
		{ "vlan_id", 58 },
		{ "version", 60 },
		{ "dst_mac", 80 },
		{ "application_name", 96 },
		{ "flow_end_reason", 136 },
		{ "flow_id", 148 },
		{ "first_seen", 152 },
		{ "last_seen", 153 },
		{ "first_seen_ns", 156 },
		{ "last_seen_ns", 157 },
		{ "duration", 161 },
		{ "icmp_type", 176 },
		{ "icmp_code", 177 },
		{ "src2dst_dscp", 195 },
		{ "src2dst_syn_packets", 218 },
		{ "src2dst_fin_packets", 219 },
		{ "src2dst_rst_packets", 220 },
		{ "src2dst_psh_packets", 221 },
		{ "src2dst_ack_packets", 222 },
		{ "src2dst_urg_packets", 223 },
	};

	(void)state;
	for (size_t i = 0; i < COUNT_OF(iana); i++)
		assert_int_equal(ipfix_of(iana[i].name), IPFIX_IANA(iana[i].id));
	assert_int_equal(ipfix_of("dst2src_bytes"), IPFIX_REVERSE(1));
	assert_int_equal(IPFIX_ENTERPRISE(ipfix_of("dst2src_bytes")), 29305);
	assert_int_equal(IPFIX_ID(ipfix_of("dst2src_max_ttl")), 53);
}

/* RFC 5103: what the destination sends stands under the reverse of the source's element. */
static void ipfix_of_the_other_direction(void **state)
{
	(void)state;
	for (size_t i = 0; i < record_field_count; i++) {
		const struct field *f = &record_fields[i];
		char forward[64] = "src2dst";

		if (strncmp(f->name, "dst2src", 7))
			continue;
		strcat(forward, f->name + 7);
		if (IPFIX_ENTERPRISE(ipfix_of(forward)) == 0)
			assert_int_equal(f->ipfix, IPFIX_REVERSE(ipfix_of(forward)));
		else
			assert_int_equal(f->ipfix, ipfix_of(forward) + 256);
	}
}

static void the_list_for_people(void **state)
{
	char *text = NULL, *line, *at;
	size_t size, lines = 0;
	FILE *to = open_memstream(&text, &size);

	(void)state;
	columns_print_all(to);
	fclose(to);
	at = text;
	assert_int_equal(strncmp(strsep(&at, "\n"), "NAME ", 5), 0);
	while ((line = strsep(&at, "\n")) && *line) {
		const struct field *f = &record_fields[lines++];

		assert_int_equal(strncmp(line, f->name, strlen(f->name)), 0);
		assert_non_null(strstr(line, f->help));
	}
	assert_int_equal(lines, record_field_count);
	assert_string_equal(at, "What packets say is read from --snaplen bytes of each, at most "
				"9216 with --hook tc or xdp.\n");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(names_are_unique_and_found),
		cmocka_unit_test(every_column_is_explained),
		cmocka_unit_test(values_lie_in_the_record),
		cmocka_unit_test(seed_is_what_nfstream_documented),
		cmocka_unit_test(nfstream_is_what_it_writes),
		cmocka_unit_test(all_has_everything_once),
		cmocka_unit_test(records_of_a_fleet_are_named),
		cmocka_unit_test(any_profile_can_be_named),
		cmocka_unit_test(options_switch_columns_of_all),
		cmocka_unit_test(fields_stand_in_their_order),
		cmocka_unit_test(fields_tell_what_to_count),
		cmocka_unit_test(fields_that_cannot_be),
		cmocka_unit_test(ipfix_elements),
		cmocka_unit_test(ipfix_of_the_other_direction),
		cmocka_unit_test(the_list_for_people),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
