/* SPDX-License-Identifier: BSD-2-Clause */
/* entropy: exact values of small alphabets, by direction; bounds by packets and by bytes. */
#include <math.h>

#include "plugin_rig.h"

extern const struct weir_plugin plugin_entropy;

static void send(struct rig *r, int direction, const void *payload, uint32_t length)
{
	assert_int_equal(rig_packet(r, &(struct rig_packet){ .direction = direction,
							     .payload = payload,
							     .length = length }),
			 0);
}

static void assert_entropy(struct rig *r, double source, uint64_t source_bytes, double destination,
			   uint64_t destination_bytes)
{
	double bits[2];

	assert_int_equal(rig_expire(r), 0);
	bits[0] = *(const double *)rig_column(r, "entropy_src2dst", WEIR_STORE_DOUBLE);
	bits[1] = *(const double *)rig_column(r, "entropy_dst2src", WEIR_STORE_DOUBLE);
	if (fabs(bits[0] - source) > 1e-12 || fabs(bits[1] - destination) > 1e-12)
		fail_msg("%.15g %.15g", bits[0], bits[1]);
	assert_false(signbit(bits[0]) || signbit(bits[1]));
	assert_int_equal(rig_u64(r, "entropy_src2dst_bytes"), source_bytes);
	assert_int_equal(rig_u64(r, "entropy_dst2src_bytes"), destination_bytes);
	rig_release(r);
}

static void values(void **state)
{
	uint8_t all[256];
	struct rig r;

	(void)state;
	for (int i = 0; i < 256; i++)
		all[i] = i;
	rig_open(&r, &plugin_entropy, "");
	assert_int_equal(r.packets, WEIR_EVERY_PACKET);
	send(&r, 0, "aaaa", 4);
	send(&r, 1, all, 256);
	assert_entropy(&r, 0, 4, 8, 256);
	send(&r, 0, "ab", 2);
	send(&r, 1, "abcd", 4);
	send(&r, 0, "ab", 2);
	assert_entropy(&r, 1, 4, 2, 4);
	send(&r, 0, "aaab", 4);
	assert_entropy(&r, 2 - 0.75 * log2(3), 4, 0, 0);
	send(&r, 0, NULL, 0);
	assert_entropy(&r, 0, 0, 0, 0);
	rig_close(&r);
}

/* The link's padding is no payload, and what was not captured is not there. */
static void edges(void **state)
{
	struct rig_packet p = { .payload = "ab", .length = 2, .padding = 18 };
	struct rig r;

	(void)state;
	rig_open(&r, &plugin_entropy, "");
	assert_int_equal(rig_packet(&r, &p), 0);
	p = (struct rig_packet){ .payload = "abcd", .length = 4, .cut = 3, .direction = 1 };
	assert_int_equal(rig_packet(&r, &p), 0);
	for (p.cut = 4; p.cut <= 32; p.cut++)
		assert_int_equal(rig_packet(&r, &p), 0);
	p.cut = 0;
	p.no_bytes = true;
	assert_int_equal(rig_packet(&r, &p), 0);
	assert_int_equal(rig_show(&r, NULL), 0);
	assert_entropy(&r, 1, 2, 0, 1);
	rig_close(&r);
}

/* A super-packet has one header: 2 full segments of 4 bytes and a last one of 2. */
static void super_packet(void **state)
{
	struct rig_packet p = { .protocol = PROTO_TCP,
				.payload = "ab",
				.length = 2,
				.segments = 3,
				.segment_extra = 2 };
	struct rig r;

	(void)state;
	rig_open(&r, &plugin_entropy, "");
	assert_int_equal(rig_packet(&r, &p), 0); /* 2 letters and 8 zeros */
	assert_entropy(&r, log2(10) - 0.8 * 3, 10, 0, 0);
	rig_close(&r);
}

static void bounds(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r, &plugin_entropy, "packets=2");
	assert_int_equal(r.packets, 2);
	send(&r, 0, "ab", 2);
	send(&r, 0, "ab", 2);
	send(&r, 0, "cdefgh", 6);
	assert_entropy(&r, 1, 4, 0, 0);
	rig_close(&r);
	rig_open(&r, &plugin_entropy, "bytes=3");
	assert_int_equal(r.packets, WEIR_EVERY_PACKET);
	send(&r, 0, "a", 1);
	send(&r, 1, "aaaa", 4);
	send(&r, 0, "aab", 3);
	send(&r, 0, "c", 1);
	assert_entropy(&r, 0, 3, 0, 3);
	rig_close(&r);
}

/* A flow that was not ended, and one that the plugin did not see. */
static void release_alone(void **state)
{
	struct rig r;

	(void)state;
	rig_open(&r, &plugin_entropy, "");
	send(&r, 0, "a", 1);
	rig_release(&r);
	r.state = calloc(1, plugin_entropy.flow_size);
	rig_release(&r);
	rig_close(&r);
}

static void options(void **state)
{
	(void)state;
	rig_refused(&plugin_entropy, "packets=0",
		    "packets: \"0\" is no number from 1 to 4294967295");
	rig_refused(&plugin_entropy, "bytes=1k",
		    "bytes: \"1k\" is no number from 1 to 18446744073709551615");
	rig_refused(&plugin_entropy, "size=1", "\"size\" is none of its options: packets, bytes");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values),        cmocka_unit_test(edges),
		cmocka_unit_test(super_packet),  cmocka_unit_test(bounds),
		cmocka_unit_test(release_alone), cmocka_unit_test(options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
