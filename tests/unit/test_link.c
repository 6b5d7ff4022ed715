/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * link.c: where the parser starts in a frame of each link type, and what is refused. Frames lie in
 * heap blocks of their very size, and are cut at every byte.
 */
#include "link.h"

#include <pcap/pcap.h>

#include "frames.h"

static struct link_start start_of(int dlt, const struct raw *f, uint32_t captured)
{
	uint8_t *frame = malloc(captured);
	struct link_start out = { 0 };

	assert_true(frame || !captured);
	memcpy(frame, f->at, captured);
	link_reader_of(dlt)(frame, captured, &out);
	if (out.mac == frame)
		out.mac = f->at; /* the frame goes, the offset stays */
	free(frame);
	return out;
}

static void assert_network(int dlt, const struct raw *f, uint32_t offset)
{
	struct link_start out = start_of(dlt, f, f->len);

	assert_int_equal(out.next, PARSE_NETWORK);
	assert_int_equal(out.offset, offset);
}

static void assert_type(int dlt, const struct raw *f, uint32_t offset, uint16_t type)
{
	struct link_start out = start_of(dlt, f, f->len);

	assert_int_equal(out.next, PARSE_TYPE);
	assert_int_equal(out.offset, offset);
	assert_int_equal(out.type, type);
}

static void assert_refused(int dlt, const struct raw *f, uint32_t captured,
			   enum parse_status status, enum counter ignored)
{
	struct link_start out = start_of(dlt, f, captured);

	assert_int_equal(out.next, status);
	assert_int_equal(out.ignored, ignored);
}

static void assert_truncated_below(int dlt, const struct raw *f, uint32_t header)
{
	for (uint32_t cut = 0; cut < header; cut++)
		assert_refused(dlt, f, cut, PARSE_TRUNCATED, COUNTER_IGNORED_TRUNCATED);
	assert_true(start_of(dlt, f, header).next < PARSE_REFUSED);
}

static void ethernet(void **state)
{
	struct raw f = { 0 };
	struct link_start out;

	(void)state;
	raw_ethernet(&f, 0x0800);
	for (uint32_t cut = 0; cut <= f.len; cut++) {
		out = start_of(DLT_EN10MB, &f, cut);
		assert_int_equal(out.next, PARSE_LINK);
		assert_int_equal(out.offset, 0);
		assert_ptr_equal(out.mac, cut >= 12 ? f.at : NULL);
	}
}

static void raw_ip(void **state)
{
	static const int dlts[] = { DLT_RAW, DLT_IPV4, DLT_IPV6 };
	struct raw f = { 0 };

	(void)state;
	raw_fill(&f, 20, 0x45);
	for (int i = 0; i < 3; i++) {
		assert_network(dlts[i], &f, 0);
		assert_null(start_of(dlts[i], &f, 20).mac);
	}
}

/* AF_INET6 is 10 on Linux, 24 on NetBSD and OpenBSD, 28 on FreeBSD, 30 on macOS. */
static void null_in_either_byte_order(void **state)
{
	static const uint8_t families[] = { 2, 10, 24, 28, 30 };

	(void)state;
	for (size_t i = 0; i < sizeof(families); i++) {
		struct raw little = { 0 }, big = { 0 };

		raw_u32(&little, (uint32_t)families[i] << 24);
		raw_u32(&big, families[i]);
		assert_network(DLT_NULL, &little, 4);
		assert_network(DLT_NULL, &big, 4);
		assert_network(DLT_LOOP, &big, 4);
		assert_refused(DLT_LOOP, &little, 4, PARSE_NOT_IP, COUNTER_IGNORED_NOT_IP);
		assert_truncated_below(DLT_NULL, &little, 4);
		assert_truncated_below(DLT_LOOP, &big, 4);
	}
}

static void null_of_other_families(void **state)
{
	static const uint32_t families[] = { 0, 1, 7, 16, 23, 0x0200, 0x020000 };

	(void)state;
	for (size_t i = 0; i < 7; i++) {
		struct raw f = { 0 };

		raw_u32(&f, families[i]);
		assert_refused(DLT_NULL, &f, 4, PARSE_NOT_IP, COUNTER_IGNORED_NOT_IP);
		assert_refused(DLT_LOOP, &f, 4, PARSE_NOT_IP, COUNTER_IGNORED_NOT_IP);
	}
}

/* LINKTYPE_LINUX_SLL: 16 bytes, the protocol last. LINKTYPE_LINUX_SLL2: 20 bytes, it is first. */
static void linux_cooked(void **state)
{
	struct raw sll = { 0 }, sll2 = { 0 };

	(void)state;
	raw_fill(&sll, 14, 0xee);
	raw_u16(&sll, 0x86dd);
	assert_type(DLT_LINUX_SLL, &sll, 16, 0x86dd);
	assert_truncated_below(DLT_LINUX_SLL, &sll, 16);
	raw_u16(&sll2, 0x8100);
	raw_fill(&sll2, 18, 0xee);
	assert_type(DLT_LINUX_SLL2, &sll2, 20, 0x8100);
	assert_truncated_below(DLT_LINUX_SLL2, &sll2, 20);
}

/* RFC 1661 and 1662: address and control, and the upper byte of the protocol, may be left out. */
static void ppp(void **state)
{
	static const struct {
		uint32_t bytes;
		uint8_t count;
		enum parse_status next;
		uint16_t type;
	} rows[] = {
		/* clang-format off */
		{ 0xff030021, 4, PARSE_NETWORK, 0 },
		{ 0xff030057, 4, PARSE_NETWORK, 0 },
		{ 0xff032100, 3, PARSE_NETWORK, 0 },
		{ 0xff035700, 3, PARSE_NETWORK, 0 },
		{ 0x00210000, 2, PARSE_NETWORK, 0 },
		{ 0x00570000, 2, PARSE_NETWORK, 0 },
		{ 0x21000000, 1, PARSE_NETWORK, 0 },
		{ 0x57000000, 1, PARSE_NETWORK, 0 },
		{ 0xff030281, 4, PARSE_TYPE, 0x8847 },
		{ 0x02810000, 2, PARSE_TYPE, 0x8847 },
		{ 0xff03c021, 4, PARSE_NOT_IP, 0 }, /* LCP */
		{ 0xff038021, 4, PARSE_NOT_IP, 0 }, /* IPCP */
		/* clang-format on */
	};
	static const int dlts[] = { DLT_PPP, DLT_PPP_SERIAL };

	(void)state;
	for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
		int dlt = dlts[i & 1];
		struct raw f = { 0 };

		raw_u32(&f, rows[i / 2].bytes);
		raw_fill(&f, 20, 0x45);
		if (rows[i / 2].next == PARSE_NETWORK)
			assert_network(dlt, &f, rows[i / 2].count);
		else if (rows[i / 2].next == PARSE_TYPE)
			assert_type(dlt, &f, rows[i / 2].count, rows[i / 2].type);
		else
			assert_refused(dlt, &f, f.len, PARSE_NOT_IP, COUNTER_IGNORED_NOT_IP);
		for (uint32_t cut = 0; cut < rows[i / 2].count; cut++)
			assert_refused(dlt, &f, cut, PARSE_TRUNCATED, COUNTER_IGNORED_TRUNCATED);
	}
}

/* LINKTYPE_PPP_HDLC: 0f 00 and 8f 00 start Cisco's header, unicast and multicast. */
static void cisco_hdlc(void **state)
{
	static const uint16_t addresses[] = { 0x0f00, 0x8f00 };
	static const int dlts[] = { DLT_C_HDLC, DLT_PPP_SERIAL, DLT_PPP };

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct raw f = { 0 };

		raw_u16(&f, addresses[i]);
		raw_u16(&f, 0x0800);
		for (int j = 0; j < 3; j++) {
			assert_type(dlts[j], &f, 4, 0x0800);
			assert_truncated_below(dlts[j], &f, 4);
		}
	}
}

/* IEEE 802.11 data from the access point behind a radiotap header of 8 bytes. */
static void put_radiotap(struct raw *f, uint32_t present)
{
	raw_u32(f, 0x00000800);
	raw_u32(f, present);
}

static void put_wlan(struct raw *f, uint16_t control, uint32_t header)
{
	raw_u16(f, control);
	raw_u16(f, 0);
	for (int address = 1; address <= 3; address++)
		raw_fill(f, 6, address * 0x11);
	raw_u16(f, 0);
	raw_fill(f, header - 24, 0x44); /* a fourth address, QoS, HT control */
}

static void put_snap(struct raw *f, uint16_t type)
{
	raw_u32(f, 0xaaaa0300);
	raw_u16(f, 0);
	raw_u16(f, type);
}

/* IEEE 802.11-2016 section 9.2.4: what is in the header by frame control. */
static void wlan_header_lengths(void **state)
{
	static const struct {
		uint16_t control;
		uint32_t header;
	} rows[] = {
		{ 0x0802, 24 }, /* data */
		{ 0x8802, 26 }, /* QoS */
		{ 0x0803, 30 }, /* four addresses */
		{ 0x8803, 32 }, /* both */
		{ 0x8882, 30 }, /* QoS and HT control */
		{ 0x8883, 36 }, /* all */
		{ 0x0882, 24 }, /* the order bit of a frame without QoS */
	};

	(void)state;
	for (size_t i = 0; i < 7; i++) {
		struct raw f = { 0 };

		put_radiotap(&f, 0);
		put_wlan(&f, rows[i].control, rows[i].header);
		put_snap(&f, 0x86dd);
		assert_type(DLT_IEEE802_11_RADIO, &f, 8 + rows[i].header + 8, 0x86dd);
		assert_truncated_below(DLT_IEEE802_11_RADIO, &f, f.len);
	}
}

/* Destination and source by to-DS and from-DS: IEEE 802.11-2016 table 9-26. */
static void wlan_addresses(void **state)
{
	static const uint8_t pairs[4][2] = {
		{ 0x11, 0x22 }, { 0x33, 0x22 }, { 0x11, 0x33 }, { 0x33, 0x44 }
	};

	(void)state;
	for (int ds = 0; ds < 4; ds++) {
		struct raw f = { 0 };
		struct link_start out;
		uint8_t expected[12];

		put_radiotap(&f, 0);
		put_wlan(&f, 0x0800 | ds, ds == 3 ? 30 : 24);
		put_snap(&f, 0x0800);
		out = start_of(DLT_IEEE802_11_RADIO, &f, f.len);
		memset(expected, pairs[ds][0], 6);
		memset(expected + 6, pairs[ds][1], 6);
		assert_memory_equal(out.mac_pair, expected, 12);
		assert_non_null(out.mac);
	}
}

static void wlan_frames_that_tell_nothing(void **state)
{
	static const uint16_t controls[] = {
		0x8000, /* beacon */
		0x4000, /* probe request */
		0xd400, /* acknowledgement */
		0x4802, /* null data */
		0xc802, /* QoS null */
		0x0842, /* protected */
	};

	(void)state;
	for (size_t i = 0; i < 6; i++) {
		struct raw f = { 0 };

		put_radiotap(&f, 0);
		put_wlan(&f, controls[i], 36);
		put_snap(&f, 0x0800);
		assert_refused(DLT_IEEE802_11_RADIO, &f, f.len, PARSE_NOT_IP, COUNTER_IGNORED_WLAN);
	}
}

static void wlan_without_snap(void **state)
{
	struct raw f = { 0 };

	(void)state;
	put_radiotap(&f, 0);
	put_wlan(&f, 0x0802, 24);
	raw_u32(&f, 0x42420300);
	raw_u32(&f, 0x00000800);
	assert_refused(DLT_IEEE802_11_RADIO, &f, f.len, PARSE_NOT_IP, COUNTER_IGNORED_NOT_IP);
}

/* radiotap.org: little-endian length and masks; bit 0 TSFT is aligned to 8, bit 1 flags. */
static void radiotap_padding(void **state)
{
	struct raw f = { 0 };

	(void)state;
	raw_u32(&f, 0x00001c00); /* 28 bytes */
	raw_u32(&f, 0x030000a0); /* TSFT, flags; radiotap again, one more mask */
	raw_u32(&f, 0x00000000);
	raw_fill(&f, 4, 0xdf); /* alignment */
	raw_fill(&f, 8, 0xdf); /* TSFT */
	raw_u8(&f, 0x20);      /* flags: padding behind the 802.11 header */
	raw_fill(&f, 3, 0xdf);
	put_wlan(&f, 0x8802, 26);
	raw_u16(&f, 0);
	put_snap(&f, 0x0800);
	assert_type(DLT_IEEE802_11_RADIO, &f, 28 + 28 + 8, 0x0800);
	f.at[24] = 0x10; /* FCS at the end: no padding; SNAP is not at 26 then */
	assert_refused(DLT_IEEE802_11_RADIO, &f, f.len, PARSE_NOT_IP, COUNTER_IGNORED_NOT_IP);
}

/* Masks without end, flags beyond the header, a length beyond the frame. */
static void radiotap_that_contradicts(void **state)
{
	(void)state;
	for (uint32_t length = 0; length < 80; length++) {
		struct raw f = { 0 };
		struct link_start out;

		raw_u16(&f, 0);
		raw_u16(&f, length << 8);
		raw_fill(&f, 40, 0xff);
		out = start_of(DLT_IEEE802_11_RADIO, &f, f.len);
		assert_true(out.next >= PARSE_REFUSED);
		assert_int_equal(out.ignored, length < 8 || length > 42 ? COUNTER_IGNORED_TRUNCATED
									: COUNTER_IGNORED_WLAN);
	}
}

static void unknown_link_types(void **state)
{
	(void)state;
	assert_null(link_reader_of(-1));
	assert_null(link_reader_of(DLT_USB_LINUX));
	assert_null(link_reader_of(DLT_BLUETOOTH_HCI_H4));
}

/* The message that refuses a link type names all that are read. */
static void names_are_complete(void **state)
{
	static const char *const names[] = {
		"EN10MB",    "RAW",        "IPV4", "IPV6",       "NULL",   "LOOP",
		"LINUX_SLL", "LINUX_SLL2", "PPP",  "PPP_SERIAL", "C_HDLC", "IEEE802_11_RADIO"
	};

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		int dlt = pcap_datalink_name_to_val(names[i]);

		assert_non_null(strstr(link_names(), names[i]));
		assert_non_null(link_reader_of(dlt));
	}
	for (int dlt = 0, readers = 0; dlt < 300; dlt++) {
		readers += link_reader_of(dlt) != NULL;
		if (dlt == 299)
			assert_int_equal(readers, sizeof(names) / sizeof(names[0]));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ethernet),
		cmocka_unit_test(raw_ip),
		cmocka_unit_test(null_in_either_byte_order),
		cmocka_unit_test(null_of_other_families),
		cmocka_unit_test(linux_cooked),
		cmocka_unit_test(ppp),
		cmocka_unit_test(cisco_hdlc),
		cmocka_unit_test(wlan_header_lengths),
		cmocka_unit_test(wlan_addresses),
		cmocka_unit_test(wlan_frames_that_tell_nothing),
		cmocka_unit_test(wlan_without_snap),
		cmocka_unit_test(radiotap_padding),
		cmocka_unit_test(radiotap_that_contradicts),
		cmocka_unit_test(unknown_link_types),
		cmocka_unit_test(names_are_complete),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
