/* SPDX-License-Identifier: BSD-2-Clause */
/* splt: lists in the text form of --splt, by layer, of super-packets, padded with -1. */
#include "plugin_rig.h"

extern const struct weir_plugin plugin_splt;

#define MS 1000000ull

static void send(struct rig *r, int direction, uint32_t length, uint64_t time_ns)
{
	assert_int_equal(rig_packet(r, &(struct rig_packet){ .direction = direction,
							     .length = length,
							     .time_ns = time_ns }),
			 0);
}

static void assert_lists(struct rig *r, const char *directions, const char *sizes, const char *gaps)
{
	assert_int_equal(rig_expire(r), 0);
	assert_string_equal(rig_string(r, "splt_plugin_direction"), directions);
	assert_string_equal(rig_string(r, "splt_plugin_ps"), sizes);
	assert_string_equal(rig_string(r, "splt_plugin_piat_ms"), gaps);
	rig_release(r);
}

static void lists(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r, &plugin_splt, "packets=4");
	assert_int_equal(r.packets, 4);
	send(&r, 0, 10, 5 * MS);
	send(&r, 1, 100, 39 * MS + MS - 1);
	send(&r, 0, 0, 20 * MS); /* late: no gap */
	assert_lists(&r, "[0, 1, 0, -1]", "[52, 142, 42, -1]", "[0, 34, 0, -1]");
	for (int i = 0; i < 9; i++)
		send(&r, i & 1, i, i * 1000000 * MS);
	assert_int_equal(rig_show(&r, NULL), 0);
	assert_lists(&r, "[0, 1, 0, 1]", "[42, 43, 44, 45]", "[0, 1000000, 1000000, 1000000]");
	rig_close(&r);
	rig_open(&r, &plugin_splt, "packets=1");
	send(&r, 0, 1, 0);
	assert_lists(&r, "[0]", "[43]", "[0]");
	rig_close(&r);
}

static void default_length(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r, &plugin_splt, "");
	assert_int_equal(r.packets, 20);
	send(&r, 0, 0, 0);
	assert_lists(&r,
		     "[0, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, "
		     "-1]",
		     "[42, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, "
		     "-1]",
		     "[0, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, "
		     "-1]");
	rig_close(&r);
}

/* 10 bytes in UDP: 14 and 20 and 8 bytes of headers. Super-packets: 2 full ones and the last. */
static void layers(void **state)
{
	static const struct {
		const char *options, *size, *sizes;
	} cases[] = {
		{ "packets=1,size=link", "[52]", "[57, 57, 52, -1]" },
		{ "size=ip,packets=1", "[38]", "[43, 43, 38, -1]" },
		{ "packets=1,size=transport", "[18]", "[23, 23, 18, -1]" },
		{ "packets=1,size=payload", "[10]", "[15, 15, 10, -1]" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rig_packet super = { .length = 10, .segments = 3, .segment_extra = 5 };
		char options[64];
		struct rig r;

		rig_open(&r, &plugin_splt, cases[i].options);
		send(&r, 0, 10, 0);
		assert_lists(&r, "[0]", cases[i].size, "[0]");
		rig_close(&r);
		snprintf(options, sizeof(options), "%s,packets=4", cases[i].options);
		rig_open(&r, &plugin_splt, options);
		assert_int_equal(rig_packet(&r, &super), 0);
		assert_lists(&r, "[0, 0, 0, -1]", cases[i].sizes, "[0, 0, 0, -1]");
		rig_close(&r);
	}
}

/* The list is full in the middle of a super-packet; payload of 0 has no longer segments. */
static void super_packets(void **state)
{
	struct rig_packet super = { .length = 10, .segments = 3, .segment_extra = 5 };
	struct rig r;

	(void)state;
	rig_open(&r, &plugin_splt, "packets=3,size=payload");
	send(&r, 0, 1, 0);
	super.direction = 1;
	super.time_ns = 7 * MS;
	assert_int_equal(rig_packet(&r, &super), 0);
	assert_lists(&r, "[0, 1, 1]", "[1, 15, 15]", "[0, 7, 0]");
	super.length = 0;
	assert_int_equal(rig_packet(&r, &super), 0);
	assert_lists(&r, "[1, 1, 1]", "[0, 0, 0]", "[0, 0, 0]");
	rig_close(&r);
}

static void release_alone(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r, &plugin_splt, "");
	send(&r, 0, 0, 0);
	assert_string_equal(rig_string(&r, "splt_plugin_ps"), ""); /* a live flow's */
	rig_release(&r);
	rig_close(&r);
}

static void options(void **state)
{
	(void)state;
	rig_refused(&plugin_splt, "packets=65536",
		    "packets: \"65536\" is no number from 1 to 65535");
	rig_refused(&plugin_splt, "size=wire",
		    "size: \"wire\" is none of link, ip, transport, payload");
	rig_refused(&plugin_splt, "size", "size: \"\" is none of link, ip, transport, payload");
	rig_refused(&plugin_splt, "limit=1", "\"limit\" is none of its options: packets, size");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lists),         cmocka_unit_test(default_length),
		cmocka_unit_test(layers),        cmocka_unit_test(super_packets),
		cmocka_unit_test(release_alone), cmocka_unit_test(options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
