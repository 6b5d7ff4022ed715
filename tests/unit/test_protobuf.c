/* SPDX-License-Identifier: BSD-2-Clause */
/* Records as Protocol Buffers, byte for byte, and the numbers of fields, which never change. */
#include "outputs.h"

#include <math.h>

#include "format.h"
#include "protobuf.h"

/* What the columns of a record become, as hex digits. */
static void assert_message(const char *names, const struct flow_record *r, const char *expected)
{
	struct text_buffer out = { 0 }, hex = { 0 };
	struct columns columns;
	char digits[3];

	choose(&columns, names);
	format_protobuf.message(&out, &columns, r, NULL);
	for (size_t i = 0; i < out.length; i++) {
		snprintf(digits, sizeof(digits), "%02x", (unsigned char)out.data[i]);
		text_string(&hex, digits);
	}
	text_char(&hex, '\0');
	assert_string_equal(hex.data, expected);
	columns_free(&columns);
	text_free(&out);
	text_free(&hex);
}

/* Tags are the number times 8 and the wire type; the examples of protobuf.dev/encoding hold. */
static void numbers(void **state)
{
	struct flow_record r = sample_record();

	(void)state;
	r.export_id = 150;
	assert_message("id", &r, "089601");
	r.export_id = 0;
	assert_message("id", &r, "");
	r.export_id = UINT64_MAX;
	assert_message("id", &r, "08ffffffffffffffffff01");
	r.expiration_id = -2;
	assert_message("expiration_id", &r, "1803");
	r.expiration_id = INT32_MIN;
	assert_message("expiration_id", &r, "18ffffffff0f");
	r.flow_id = 1;
	assert_message("flow_id", &r, "a0890101"); /* 2196 */
	r.side[SIDE_BOTH].first_ns = 1999999;
	assert_message("first_seen", &r, "c0890101"); /* 2200; whole ms */
}

static void doubles(void **state)
{
	struct flow_record r = sample_record();
	double *mean = &r.side[SIDE_BOTH].mean_ps;

	(void)state;
	*mean = 1.5;
	assert_message("bidirectional_mean_ps", &r, "8911000000000000f83f"); /* 273 */
	*mean = 0;
	assert_message("bidirectional_mean_ps", &r, "");
	*mean = NAN;
	assert_message("bidirectional_mean_ps", &r, "");
}

/* 0 us are known, and are told. */
static void what_may_be_unknown(void **state)
{
	struct flow_record r = sample_record();

	(void)state;
	r.timing_known = TIMING_CLIENT_RTT;
	r.client_rtt_us = 0;
	r.server_rtt_us = 7;
	assert_message("client_rtt_us,server_rtt_us,app_latency_us", &r, "7000");
}

static void texts(void **state)
{
	struct flow_record r = sample_record();
	char longer[200];

	(void)state;
	r.probe = "testing";
	assert_message("probe", &r, "120774657374696e67");
	r.probe = "";
	assert_message("probe", &r, "");
	r.probe = NULL;
	assert_message("probe", &r, "");
	r.probe = "a\xff"; /* no UTF-8: U+FFFD */
	assert_message("probe", &r, "120461efbfbd");
	memset(longer, 0xff, sizeof(longer));
	longer[199] = '\0';
	r.probe = longer;
	{
		char expected[2 * (3 + 3 * 199) + 1];
		char *at = stpcpy(expected, "12d504"); /* 597 bytes */

		for (int i = 0; i < 199; i++)
			at = stpcpy(at, "efbfbd");
		assert_message("probe", &r, expected);
	}
	assert_message("src_ip", &r, "c28001093139322e302e322e31");
}

static void lists(void **state)
{
	struct flow_record r = sample_record();

	(void)state;
	assert_message("splt_direction", &r, "8a010400020001");
	assert_message("splt_ps", &r, "9201079401d417840101");
	r.splt_length = 0;
	assert_message("splt_ps", &r, "");
}

static void a_row_begins_with_its_length(void **state)
{
	struct flow_record r = sample_record();
	struct text_buffer out = { 0 };
	struct columns columns;
	char text[300];

	(void)state;
	choose(&columns, "probe");
	r.probe = "testing";
	format_protobuf.row(&out, &columns, &r, NULL);
	r.probe = "";
	format_protobuf.row(&out, &columns, &r, NULL);
	memset(text, 'x', 200);
	text[200] = '\0';
	r.probe = text;
	format_protobuf.row(&out, &columns, &r, NULL);
	assert_int_equal(out.length, 10 + 1 + 2 + 203);
	assert_memory_equal(out.data, "\x09\x12\x07testing\x00\xcb\x01\x12\xc8\x01x", 17);
	text_free(&out);
	columns_free(&columns);
}

/* --- numbers of fields ------------------------------------------------------------------------ */

static void numbers_are_unique_and_allowed(void **state)
{
	(void)state;
	assert_in_range(record_field_count, 1, 1024);
	for (size_t i = 0; i < record_field_count; i++) {
		uint32_t number = protobuf_number(&record_fields[i]);

		assert_in_range(number, 1, 16383);
		for (size_t k = 0; k < i; k++)
			if (protobuf_number(&record_fields[k]) == number)
				fail_msg("%s and %s are both %u", record_fields[i].name,
					 record_fields[k].name, number);
	}
}

/* Other names of a value: the only numbers that the order of the table has a say in. */
static void other_names_never_change(void **state)
{
	static const struct {
		uint32_t number;
		const char *name;
	} names[] = {
		{ 2048 + 8192 + 8, "ip_src" },
		{ 2048 + 8192 + 12, "ip_dst" },
		{ 2048 + 8192 + 60, "ip_version" },
		{ 2048 + 8192 + 152, "bidirectional_first_seen_ms" },
		{ 2048 + 8192 + 153, "bidirectional_last_seen_ms" },
		{ 2048 + 8192 + 161, "bidirectional_duration_ms" },
		{ 8192 + 260, "bidirectional_packets" },
		{ 8192 + 261, "bidirectional_bytes" },
		{ 2048 + 8192 + 372, "application_category_name" },
	};
	size_t found = 0;

	(void)state;
	for (size_t i = 0; i < COUNT_OF(names); i++)
		assert_int_equal(protobuf_number(record_field_by_name(names[i].name)),
				 names[i].number);
	for (size_t i = 0; i < record_field_count; i++)
		found += protobuf_number(&record_fields[i]) >= 8192;
	assert_int_equal(found, COUNT_OF(names));
}

static void elements_are_numbers(void **state)
{
	const struct field plugin = { .need = NEED_STATE,
				      .ipfix = IPFIX_OWN(IPFIX_OWN_PLUGINS + 1) };
	const struct field many = { .need = NEED_STATE, .ipfix = IPFIX_OWN(19000) };

	(void)state;
	assert_int_equal(protobuf_number(record_field_by_name("run_id")), 40);
	assert_int_equal(protobuf_number(record_field_by_name("src_port")), 2048 + 7);
	assert_int_equal(protobuf_number(record_field_by_name("dst2src_bytes")), 4096 + 1);
	assert_int_equal(protobuf_number(&plugin), 16385);
	assert_int_equal(protobuf_number(&many), 20000); /* beyond what is reserved */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers),
		cmocka_unit_test(doubles),
		cmocka_unit_test(what_may_be_unknown),
		cmocka_unit_test(texts),
		cmocka_unit_test(lists),
		cmocka_unit_test(a_row_begins_with_its_length),
		cmocka_unit_test(numbers_are_unique_and_allowed),
		cmocka_unit_test(other_names_never_change),
		cmocka_unit_test(elements_are_numbers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
