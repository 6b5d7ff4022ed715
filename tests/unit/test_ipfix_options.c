/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What comes beside flows and when: templates again, names of applications (RFC 6759), types
 * of our own elements (RFC 5610), statistics; and what is hidden.
 */
#include "ipfix_rig.h"

#include "anonymize.h"

static struct flow_record flow_of(uint16_t master, uint16_t app, const char *name)
{
	struct flow_record r = sample_flow();

	r.master_protocol = master;
	r.app_protocol = app;
	r.application_name = name;
	return r;
}

static void encode_at(struct rig *rig, const struct flow_record *r, uint64_t now_ns)
{
	assert_int_equal(ipfix_encoder_encode(rig->encoder, r, now_ns), 0);
	assert_int_equal(ipfix_encoder_flush(rig->encoder, now_ns), 0);
}

/* Before the first record, and 60 s later before the next one. */
static void templates_come_again_by_time(void **state)
{
	struct rig rig;
	struct flow_record r = sample_flow();

	(void)state;
	rig_open(&rig, IPFIX, "src_ip");
	encode_at(&rig, &r, RIG_NOW);
	encode_at(&rig, &r, RIG_NOW + 60 * SECOND - 1);
	assert_int_equal(rig_count_sets(&rig, 2), 1);
	encode_at(&rig, &r, RIG_NOW + 60 * SECOND);
	assert_int_equal(rig_count_sets(&rig, 2), 2);
	assert_int_equal(be16_at(rig.messages[2].bytes + 16), 2);
	encode_at(&rig, &r, RIG_NOW + 119 * SECOND);
	assert_int_equal(rig_count_sets(&rig, 2), 2);
	/* a clock that is set back does not keep them away */
	encode_at(&rig, &r, RIG_NOW - 3600 * SECOND);
	assert_int_equal(rig_count_sets(&rig, 2), 3);
	rig_close(&rig);
}

static void templates_come_again_by_messages(void **state)
{
	struct rig rig;
	struct flow_record r = sample_flow();

	(void)state;
	rig_open(&rig, IPFIX, "src_ip");
	for (int i = 0; i < 1000; i++)
		encode_at(&rig, &r, RIG_NOW);
	assert_int_equal(rig_count_sets(&rig, 2), 1);
	encode_at(&rig, &r, RIG_NOW);
	assert_int_equal(rig_count_sets(&rig, 2), 2);
	rig_close(&rig);
}

/* --ipfix-refresh and --ipfix-refresh-messages */
static void templates_come_again_as_asked(void **state)
{
	static const enum ipfix_protocol protocols[] = { IPFIX, NETFLOW9 };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(protocols); i++) {
		const uint16_t set = protocols[i] == IPFIX ? 2 : 0;
		struct flow_record r = sample_flow();
		struct rig rig;

		rig_init(&rig, protocols[i], "src_ip");
		rig.config.ipfix_refresh_ns = 5 * SECOND;
		rig.config.ipfix_refresh_messages = 3;
		rig_start(&rig);
		encode_at(&rig, &r, RIG_NOW);
		encode_at(&rig, &r, RIG_NOW + 5 * SECOND - 1);
		assert_int_equal(rig_count_sets(&rig, set), 1);
		encode_at(&rig, &r, RIG_NOW + 5 * SECOND);
		assert_int_equal(rig_count_sets(&rig, set), 2);
		for (int more = 0; more < 2; more++)
			encode_at(&rig, &r, RIG_NOW + 6 * SECOND);
		assert_int_equal(rig_count_sets(&rig, set), 2);
		encode_at(&rig, &r, RIG_NOW + 6 * SECOND);
		assert_int_equal(rig_count_sets(&rig, set), 3);
		rig_close(&rig);
	}
}

/* On a silent wire, when somebody asks. */
static void templates_without_records(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig, IPFIX, "src_ip");
	for (int i = 0; i <= 120; i++) {
		uint64_t now_ns = RIG_NOW + i * SECOND;

		assert_int_equal(ipfix_encoder_templates(rig.encoder, now_ns), 0);
		assert_int_equal(ipfix_encoder_flush(rig.encoder, now_ns), 0);
	}
	assert_int_equal(rig.count, 3);
	assert_int_equal(rig_count_sets(&rig, 2), 3);
	assert_int_equal(rig.messages[0].flows, 0);
	rig_close(&rig);
}

/* --- applications ----------------------------------------------------------------------------- */

static void a_name_is_told_before_its_number(void **state)
{
	struct rig rig;
	struct flow_record dns = flow_of(0, 5, "DNS"), google = flow_of(91, 126, "TLS.Google");

	(void)state;
	rig_init(&rig, IPFIX, "src_port,app_protocol");
	rig.options.datagrams = false;
	rig_start(&rig);
	rig_encode(&rig, &dns);
	rig_encode(&rig, &google);
	rig_encode(&rig, &dns);
	rig_flush(&rig);
	assert_int_equal(rig.count, 1);
	/* statistics; then each name in front of the first record with it */
	assert_bytes(rig.messages[0].bytes + 48, rig.messages[0].length - 48,
		     "0104 000c 06000005 03 444e53"
		     "0100 000c 9c40 0005 06000005"
		     "0104 0013 0605b07e 0a 544c532e476f6f676c65"
		     "0100 0014 9c40 007e 0605b07e 9c40 0005 06000005");
	rig_close(&rig);
}

static void names_are_told_again_with_the_templates(void **state)
{
	struct rig rig;
	struct flow_record dns = flow_of(0, 5, "DNS"), http = flow_of(0, 7, "HTTP");

	(void)state;
	rig_open(&rig, IPFIX, "application_name");
	encode_at(&rig, &dns, RIG_NOW);
	encode_at(&rig, &http, RIG_NOW + SECOND);
	encode_at(&rig, &dns, RIG_NOW + 2 * SECOND);
	assert_int_equal(rig_count_sets(&rig, 260), 2);
	rig_forget(&rig);
	encode_at(&rig, &dns, RIG_NOW + 60 * SECOND);
	assert_int_equal(rig_count_sets(&rig, 260), 1);
	assert_bytes(rig_find_set(&rig, 260).bytes, rig_find_set(&rig, 260).length,
		     "06000005 03 444e53 06000007 04 48545450");
	assert_bytes(rig_find_set(&rig, 3).bytes + 22, 14, "0104 0002 0001 005f 0004 0060 ffff");
	rig_close(&rig);
}

/* More applications than are remembered, or of numbers beyond 12 bits, keep their records. */
static void applications_without_end(void **state)
{
	struct rig rig;
	size_t told = 0, at = 0;
	struct rig_set set;

	(void)state;
	rig_init(&rig, IPFIX, "app_protocol");
	rig.options.datagrams = false;
	rig_start(&rig);
	for (int i = 0; i < 5000; i++) {
		struct flow_record r = flow_of(i >> 12, i & 0xfff, "x");

		rig_encode(&rig, &r);
	}
	assert_int_equal(ipfix_encoder_encode(rig.encoder,
					      &(struct flow_record){ .app_protocol = 4096 },
					      RIG_NOW),
			 0);
	rig_flush(&rig);
	for (size_t i = 0; i < rig.count; i++, at = 0)
		while (rig_next_set(&rig.messages[i], &at, &set))
			told += set.id == 260 ? set.length / 6 : 0;
	assert_int_equal(told, 4096);
	assert_bytes(rig.messages[rig.count - 1].bytes + rig.messages[rig.count - 1].length - 6, 6,
		     "1000 06000000");
	rig_close(&rig);
}

static void no_application_columns_no_options_of_them(void **state)
{
	struct rig rig;
	struct flow_record r = flow_of(0, 5, "DNS");

	(void)state;
	rig_open(&rig, IPFIX, "src_ip,category_name");
	rig_encode(&rig, &r);
	rig_flush(&rig);
	assert_int_equal(rig_count_sets(&rig, 260), 0);
	assert_int_equal(rig_find_set(&rig, 3).length, 22);
	rig_close(&rig);
}

/* --- types ------------------------------------------------------------------------------------ */

/* In front of the templates that have the elements. */
static void types_of_our_own_elements(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig, IPFIX, "src_ip,total_bytes,src2dst_first_seen_ms");
	assert_int_equal(ipfix_encoder_templates(rig.encoder, RIG_NOW), 0);
	rig_flush(&rig);
	assert_bytes(rig.messages[0].bytes + 16, 46,
		     "0003 002e 0105 0009 0002 015a 0004 012f 0002 0153 0001 0158 0001 0159 0002"
		     "0156 0008 0157 0008 0155 ffff 0154 ffff");
	assert_int_equal(be16_at(rig.messages[0].bytes + 62), 261);
	/* unsigned64, a quantity of octets: "total_bytes" */
	assert_bytes(rig_find_set(&rig, 261).bytes, 38,
		     "00007ed9 0105 04 01 0002 0000000000000000 0000000000000000"
		     "0b 746f74616c5f6279746573");
	assert_memory_equal(rig_find_set(&rig, 261).bytes + 39, "bytes of either direction, by ",
			    30);
	rig_close(&rig);
}

static void no_own_elements_no_types(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig, IPFIX, "src_ip,dst2src_bytes");
	assert_int_equal(ipfix_encoder_templates(rig.encoder, RIG_NOW), 0);
	rig_flush(&rig);
	assert_int_equal(rig_count_sets(&rig, 261), 0);
	assert_int_equal(rig_count_sets(&rig, 3), 1);
	rig_close(&rig);
}

/* --- the preamble ----------------------------------------------------------------------------- */

/* What a stream begins with: templates and types; the first record's sequence follows on. */
static void the_preamble_of_a_stream(void **state)
{
	struct rig rig;
	struct flow_record r = sample_flow();

	(void)state;
	rig_init(&rig, IPFIX, "src_ip,nfhash,probe");
	rig.options.datagrams = false;
	rig_start(&rig);
	assert_int_equal(ipfix_encoder_sequence(rig.encoder), 2);
	assert_int_equal(ipfix_encoder_preamble(rig.encoder, RIG_NOW, rig_emit, &rig, NULL), 0);
	assert_int_equal(rig.count, 1);
	assert_int_equal(rig.messages[0].flows, 0);
	assert_int_equal(rig_sequence(&rig, 0), 0);
	assert_int_equal(rig_count_sets(&rig, 2), 1);
	assert_int_equal(rig_count_sets(&rig, 3), 2);
	assert_int_equal(rig_count_sets(&rig, 261), 1);
	rig_encode(&rig, &r);
	rig_flush(&rig);
	assert_int_equal(rig.count, 2);
	assert_int_equal(rig_sequence(&rig, 1), 2);
	assert_int_equal(rig_count_sets(&rig, 2), 1);
	/* the same at any time */
	assert_int_equal(ipfix_encoder_preamble(rig.encoder, RIG_NOW, rig_emit, &rig, NULL), 0);
	assert_int_equal(rig.messages[2].length, rig.messages[0].length);
	assert_memory_equal(rig.messages[2].bytes, rig.messages[0].bytes, rig.messages[0].length);
	rig_close(&rig);
}

/* A later one has the names that were learnt since: the next record's sequence is told. */
static void the_preamble_has_names(void **state)
{
	struct rig rig;
	struct flow_record dns = flow_of(0, 5, "DNS"), http = flow_of(0, 7, "HTTP");
	uint32_t sequence = 99;

	(void)state;
	rig_init(&rig, IPFIX, "src_port,application_name");
	rig.options.datagrams = false;
	rig_start(&rig);
	rig_encode(&rig, &dns);
	rig_encode(&rig, &http);
	rig_flush(&rig);
	rig_forget(&rig);
	assert_int_equal(ipfix_encoder_names(rig.encoder), 2);
	assert_int_equal(ipfix_encoder_preamble(rig.encoder, RIG_NOW, rig_emit, &rig, &sequence),
			 0);
	assert_int_equal(sequence, 2);
	assert_bytes(rig_find_set(&rig, 260).bytes, rig_find_set(&rig, 260).length,
		     "06000005 03 444e53 06000007 04 48545450");
	rig_close(&rig);
}

/* Another file or connection: statistics and names, but no templates, which are its preamble's. */
static void a_restart(void **state)
{
	struct rig rig;
	struct flow_record dns = flow_of(0, 5, "DNS");

	(void)state;
	rig_init(&rig, IPFIX, "src_port,application_name");
	rig.options.datagrams = false;
	rig_start(&rig);
	encode_at(&rig, &dns, RIG_NOW);
	rig_forget(&rig);
	encode_at(&rig, &dns, RIG_NOW);
	assert_int_equal(rig_count_sets(&rig, 260) + rig_count_sets(&rig, 262), 0);
	ipfix_encoder_restart(rig.encoder);
	encode_at(&rig, &dns, RIG_NOW);
	assert_int_equal(rig_count_sets(&rig, 260), 1);
	assert_int_equal(rig_count_sets(&rig, 262), 1);
	assert_int_equal(rig_count_sets(&rig, 2), 0);
	rig_close(&rig);
}

/* --- statistics ------------------------------------------------------------------------------- */

static void totals(void *context, struct ipfix_totals *out)
{
	(void)context;
	*out = (struct ipfix_totals){
		.flows = 0x11,
		.ignored_packets = 0x22,
		.dropped_packets = 0x33,
		.unsent_flows = 0x44,
		.unsent_packets = 0x55,
		.unsent_octets = 0x66,
		.beside = { .messages = 3, .octets = 0x3000 },
		.unsent = { .messages = 2, .records = 1, .octets = 0x1000 },
	};
}

static void statistics_of_the_run(void **state)
{
	struct rig rig;
	struct flow_record r = sample_flow();
	const struct rig_message *last;

	(void)state;
	rig_init(&rig, IPFIX, "src_ip");
	rig.options.totals = totals;
	rig_start(&rig);
	rig_encode(&rig, &r);
	rig_encode(&rig, &r);
	rig_flush(&rig);
	assert_bytes(rig_find_set(&rig, 3).bytes, rig_find_set(&rig, 3).length,
		     "0106 000a 0001 0095 0004 0029 0008 002a 0008 0028 0008 00a3 0008 00a4 0008"
		     "0087 0008 00a6 0008 00a7 0008 00a8 0008");
	rig_encode(&rig, &r);
	assert_int_equal(ipfix_encoder_finish(rig.encoder, RIG_NOW), 0);
	assert_int_equal(rig.count, 2);
	last = &rig.messages[1];
	/* one message of 2 flows was handed over before this one, 3 left beside, 2 did not leave */
	assert_bytes(last->bytes + 16, 20, "0100 0008 c0000201 0106 0050 00000001 00000000");
	assert_int_equal(be32_at(last->bytes + 36), 1 + 3 - 2);
	assert_int_equal(be32_at(last->bytes + 44), 2 - 1);
	assert_int_equal(be32_at(last->bytes + 52), rig.messages[0].length + 0x3000 - 0x1000);
	assert_bytes(last->bytes + 56, 48,
		     "0000000000000011 0000000000000022 0000000000000033 0000000000000044"
		     "0000000000000055 0000000000000066");
	rig_close(&rig);
}

/* The point is a second scope. */
static void statistics_of_a_point(void **state)
{
	struct rig rig;

	(void)state;
	rig_init(&rig, IPFIX, "src_ip");
	rig.config.ipfix_domain = 7;
	rig.config.ipfix_point = 9;
	rig_start(&rig);
	assert_int_equal(ipfix_encoder_finish(rig.encoder, RIG_NOW), 0);
	assert_bytes(rig_find_set(&rig, 3).bytes, rig_find_set(&rig, 3).length,
		     "0106 0005 0002 0095 0004 008a 0004 0029 0008 002a 0008 0028 0008");
	assert_bytes(rig_find_set(&rig, 262).bytes, rig_find_set(&rig, 262).length,
		     "00000007 00000009 0000000000000000 0000000000000000 0000000000000000");
	rig_close(&rig);
}

/* What a message has, for who counts what became of it. */
static void loads(void **state)
{
	struct flow_record r = sample_flow();
	struct ipfix_load load;
	struct rig rig;

	(void)state;
	rig_open(&rig, NETFLOW9, "src_ip");
	rig_encode(&rig, &r);
	rig_encode(&rig, &r);
	assert_int_equal(ipfix_encoder_held(rig.encoder), 2);
	rig_flush(&rig);
	load = ipfix_encoder_load(rig.encoder);
	assert_int_equal(ipfix_encoder_held(rig.encoder), 0);
	assert_int_equal(load.records, 4);
	assert_int_equal(load.packets, 20);
	assert_int_equal(load.octets, 1460);
	rig_close(&rig);
}

/* A run without flows tells that it was there. */
static void a_run_without_flows(void **state)
{
	struct rig rig;

	(void)state;
	rig_open(&rig, IPFIX, "src_ip");
	assert_int_equal(ipfix_encoder_finish(rig.encoder, RIG_NOW), 0);
	assert_int_equal(rig.count, 1);
	assert_int_equal(rig_count_sets(&rig, 2), 1);
	assert_int_equal(rig_count_sets(&rig, 262), 1);
	assert_int_equal(rig_find_set(&rig, 262).length, 28);
	rig_close(&rig);
}

/* --- what is hidden --------------------------------------------------------------------------- */

static void hidden_columns_are_left_out(void **state)
{
	struct rig rig;
	struct flow_record r = flow_of(0, 5, "DNS");
	struct config config = every_config();
	struct anonymizer *a;

	(void)state;
	rig_init(&rig, IPFIX, "src_ip,src_port,nfhash,app_protocol,application_name,protocol");
	config.anonymize = (char *)"src_ip,application_name";
	assert_int_equal(anonymizer_new(&a, &config, &rig.columns), 0);
	rig.options.anonymizer = a;
	rig_start(&rig);
	rig_encode(&rig, &r);
	rig_flush(&rig);
	/* hashes of addresses go with them, and the number of the application with its name */
	assert_bytes(rig_find_set(&rig, 2).bytes, 12, "0100 0002 0007 0002 0004 0001");
	assert_bytes(rig_find_set(&rig, 256).bytes, rig_find_set(&rig, 256).length, "9c40 06");
	assert_int_equal(rig_count_sets(&rig, 260), 0);
	anonymizer_free(a);
	rig_close(&rig);
}

/* Whether a value stands anywhere behind the first templates. */
static bool tells_bytes(const struct rig *rig, const void *bytes, size_t length)
{
	for (size_t i = 0; i < rig->count; i++)
		if (memmem(rig->messages[i].bytes + 16, rig->messages[i].length - 16, bytes,
			   length))
			return true;
	return false;
}

/*
 * A flow whose value at this place is rare, of all columns, which are the default here: it is in no
 * message once the column is hidden, and in some before.
 */
static void assert_no_leak(enum ipfix_protocol protocol, const char *column, struct flow_record r,
			   const void *rare, size_t length)
{
	struct config config = { .anonymize = (char *)column };
	bool told[2];

	r.splt_length = r.splt_count = 0;
	for (int hide = 0; hide < 2; hide++) {
		struct anonymizer *a = NULL;
		struct rig rig;

		rig_init(&rig, protocol, NULL);
		if (hide)
			assert_int_equal(anonymizer_new(&a, &config, &rig.columns), 0);
		rig.options.anonymizer = a;
		rig_start(&rig);
		rig_encode(&rig, &r);
		rig_flush(&rig);
		told[hide] = tells_bytes(&rig, rare, length);
		anonymizer_free(a);
		rig_close(&rig);
	}
	if (!told[0] || told[1])
		fail_msg("%s: told %d, hidden %d", column, told[0], !told[1]);
}

static void no_hidden_value_leaks(void **state)
{
	static const enum ipfix_protocol protocols[] = { IPFIX, NETFLOW9 };
	static const uint8_t mac[] = { 0xe1, 0xe2, 0xe3, 0xe4, 0xe5, 0xe6 },
			     addr[] = { 0xe1, 0xe2, 0xe3, 0xe4 };

	(void)state;
	for (size_t i = 0; i < COUNT_OF(protocols); i++) {
		struct flow_record r = sample_flow();

		memcpy(r.src_mac, mac, 6);
		r.dst_mac[0] = 0xee;
		assert_no_leak(protocols[i], "src_mac", r, mac, 3);
		assert_no_leak(protocols[i], "src_oui", r, mac, 3);
		r = sample_flow();
		memcpy(r.dst_addr + 12, addr, 4);
		assert_no_leak(protocols[i], "src_ip", r, addr, 4);
		r = sample_flow();
		r.dst_port = 0xe1e2;
		assert_no_leak(protocols[i], "dst_port", r, addr, 2);
		/* in one direction of NetFlow v9, times and counts of both are those of this one */
		r = sample_flow();
		r.side[SIDE_SRC2DST].packets = 0xe1e2e3e4;
		assert_no_leak(protocols[i], "src2dst_packets", r, addr, 4);
		r = sample_flow();
		r.side[SIDE_SRC2DST].bytes = 0xe1e2e3e4;
		assert_no_leak(protocols[i], "src2dst_bytes", r, addr, 4);
		r = sample_flow();
		r.ip_version = 4;
		r.protocol = 1;
		r.icmp_type = 0xe1;
		r.icmp_code = 0xe2;
		assert_no_leak(protocols[i], "icmp_type", r, addr, 2);
		assert_no_leak(protocols[i], "icmp_code", r, addr, 2);
		r = flow_of(0x0e1, 0x2e3, "Rare");
		assert_no_leak(protocols[i], "application_name", r, "Rare", 4);
		assert_no_leak(protocols[i], "app_protocol", r, "Rare", 4);
		assert_no_leak(protocols[i], "master_protocol", r, "\x06\x0e\x12\xe3", 4);
	}
}

/* The time of the source's packets only: 152 and 22 are these in NetFlow v9's first record. */
static void times_of_a_direction(void **state)
{
	struct flow_record r = sample_flow();
	const uint8_t at[] = { 0x01, 0x8b, 0xcf, 0xe5, 0x68, 0x07 }; /* RIG_NOW + 7 ms */

	(void)state;
	r.side[SIDE_SRC2DST].first_ns = RIG_NOW + 7000000;
	assert_no_leak(NETFLOW9, "src2dst_first_seen_ms", r, at, sizeof(at));
	assert_no_leak(IPFIX, "src2dst_first_seen_ms", r, at, sizeof(at));
	r = sample_flow();
	r.side[SIDE_DST2SRC].last_ns = RIG_NOW + 7000000;
	assert_no_leak(NETFLOW9, "dst2src_last_seen_ms", r, at, sizeof(at));
}

/* One of the two is hidden: the other one alone is left, and 32 with both is gone. */
static void a_hidden_type_of_icmp(void **state)
{
	struct config config = { .anonymize = (char *)"icmp_type" };
	struct anonymizer *a;
	struct rig rig;

	(void)state;
	rig_init(&rig, IPFIX, "src_port,icmp_type,icmp_code");
	assert_int_equal(anonymizer_new(&a, &config, &rig.columns), 0);
	rig.options.anonymizer = a;
	rig_start(&rig);
	assert_int_equal(ipfix_encoder_templates(rig.encoder, RIG_NOW), 0);
	rig_flush(&rig);
	assert_bytes(rig_find_set(&rig, 2).bytes, rig_find_set(&rig, 2).length,
		     "0100 0001 0007 0002 0101 0001 0007 0002"
		     "0102 0002 0007 0002 00b1 0001 0103 0002 0007 0002 00b3 0001");
	anonymizer_free(a);
	rig_close(&rig);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(templates_come_again_by_time),
		cmocka_unit_test(templates_come_again_by_messages),
		cmocka_unit_test(templates_come_again_as_asked),
		cmocka_unit_test(templates_without_records),
		cmocka_unit_test(a_name_is_told_before_its_number),
		cmocka_unit_test(names_are_told_again_with_the_templates),
		cmocka_unit_test(applications_without_end),
		cmocka_unit_test(no_application_columns_no_options_of_them),
		cmocka_unit_test(types_of_our_own_elements),
		cmocka_unit_test(no_own_elements_no_types),
		cmocka_unit_test(the_preamble_of_a_stream),
		cmocka_unit_test(the_preamble_has_names),
		cmocka_unit_test(a_restart),
		cmocka_unit_test(statistics_of_the_run),
		cmocka_unit_test(statistics_of_a_point),
		cmocka_unit_test(loads),
		cmocka_unit_test(a_run_without_flows),
		cmocka_unit_test(hidden_columns_are_left_out),
		cmocka_unit_test(no_hidden_value_leaks),
		cmocka_unit_test(times_of_a_direction),
		cmocka_unit_test(a_hidden_type_of_icmp),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
