/* SPDX-License-Identifier: BSD-2-Clause */
/* slicer: a flow ends with packet number limit, counted in packets of the wire. */
#include "plugin_rig.h"

extern const struct weir_plugin plugin_slicer;

/* How many packets of count segments come before the flow ends. */
static int packets_until_end(const char *options, uint32_t segments)
{
	struct rig r;
	int n = 0;

	rig_open(&r, &plugin_slicer, options);
	assert_int_equal(r.packets, WEIR_EVERY_PACKET);
	while (!r.flow.expiration_id) {
		assert_int_equal(rig_packet(&r, &(struct rig_packet){ .direction = n & 1,
								      .segments = segments }),
				 0);
		n++;
	}
	assert_int_equal(r.flow.expiration_id, -1);
	rig_release(&r);
	rig_close(&r);
	return n;
}

static void limits(void **state)
{
	(void)state;
	assert_int_equal(packets_until_end("limit=1", 1), 1);
	assert_int_equal(packets_until_end("limit=4", 1), 4);
	assert_int_equal(packets_until_end("limit=5", 2), 3);
	assert_int_equal(packets_until_end("limit=3,limit=2", 1), 2);
}

/* Numbers that came without packets end nothing: the flow has ended already. */
static void merge(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r, &plugin_slicer, "limit=2");
	assert_int_equal(rig_packet(&r, &(struct rig_packet){ 0 }), 0);
	r.flow.packets[0] = 100;
	assert_int_equal(rig_show(&r, NULL), 0);
	assert_int_equal(r.flow.expiration_id, 0);
	rig_release(&r);
	rig_close(&r);
}

static void options(void **state)
{
	(void)state;
	rig_refused(&plugin_slicer, "", "limit is missing, as in limit=10");
	rig_refused(&plugin_slicer, "limit=0", "limit: \"0\" is no number from 1 to 4294967295");
	rig_refused(&plugin_slicer, "limit", "limit: \"\" is no number from 1 to 4294967295");
	rig_refused(&plugin_slicer, "limit=-1", "limit: \"-1\" is no number from 1 to 4294967295");
	rig_refused(&plugin_slicer, "limit=4294967296",
		    "limit: \"4294967296\" is no number from 1 to 4294967295");
	rig_refused(&plugin_slicer, "limit=99999999999999999999",
		    "limit: \"99999999999999999999\" is no number from 1 to 4294967295");
	rig_refused(&plugin_slicer, "limit=4 ", "limit: \"4 \" is no number from 1 to 4294967295");
	rig_refused(&plugin_slicer, "limit=4,limits=5", "\"limits\" is none of its options: limit");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(limits),
		cmocka_unit_test(merge),
		cmocka_unit_test(options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
