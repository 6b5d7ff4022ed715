/* SPDX-License-Identifier: BSD-2-Clause */
/* dhcp: transactions as flows, what clients say, and messages that lie. */
#include "plugin_rig.h"

extern const struct weir_plugin plugin_dhcp;

struct dhcp_message {
	uint8_t at[1024];
	uint32_t length;
};

enum { DISCOVER = 1, OFFER, REQUEST, DECLINE, ACK, NACK, RELEASE, INFORM };

static void add(struct dhcp_message *m, const void *bytes, uint32_t length)
{
	assert_in_range(length, 0, sizeof(m->at) - m->length);
	memcpy(m->at + m->length, bytes, length);
	m->length += length;
}

static void add_option(struct dhcp_message *m, uint8_t code, uint8_t length, const void *bytes)
{
	const uint8_t head[] = { code, length };

	add(m, head, 2);
	add(m, bytes, length);
}

/* From a client with the link address 00:0b:82:01:fc:42, or to it. */
static struct dhcp_message begin(uint8_t type)
{
	static const uint8_t fixed[] = { 1, 1, 6, 0 }, mac[] = { 0, 0x0b, 0x82, 1, 0xfc, 0x42 };
	static const uint8_t magic[] = { 0x63, 0x82, 0x53, 0x63 };
	struct dhcp_message m = { .length = 240 };

	memcpy(m.at, fixed, sizeof(fixed));
	memcpy(m.at + 28, mac, sizeof(mac));
	memcpy(m.at + 236, magic, sizeof(magic));
	if (type == OFFER || type == ACK || type == NACK)
		m.at[0] = 2;
	if (type)
		add_option(&m, 53, 1, &type);
	return m;
}

static void end(struct dhcp_message *m)
{
	add(m, "\377", 1);
}

static struct rig_packet packet_of(const struct dhcp_message *m)
{
	bool server = m->at[0] == 2;

	return (struct rig_packet){
		.src_port = server ? 67 : 68,
		.dst_port = server ? 68 : 67,
		.payload = m->at,
		.length = m->length,
	};
}

static void send_from(struct rig *r, const struct dhcp_message *m, int direction, bool no_address)
{
	struct rig_packet p = packet_of(m);

	p.direction = direction;
	p.no_address = no_address;
	assert_int_equal(rig_packet(r, &p), 0);
}

static void send(struct rig *r, const struct dhcp_message *m)
{
	send_from(r, m, 0, false);
}

static struct dhcp_message request(void)
{
	static const uint8_t id[] = { 1, 0, 0x0b, 0x82, 1, 0xfc, 0x42 };
	static const uint8_t requested[] = { 192, 168, 0, 10 }, server[] = { 192, 168, 0, 1 };
	static const uint8_t parameters[] = { 1, 3, 6, 42 };
	struct dhcp_message m = begin(REQUEST);

	add_option(&m, 61, 7, id);
	add_option(&m, 50, 4, requested);
	add_option(&m, 54, 4, server);
	add_option(&m, 55, 4, parameters);
	end(&m);
	return m;
}

/* --- messages --------------------------------------------------------------------------------- */

static void transaction(void **state)
{
	struct dhcp_message discover = begin(DISCOVER), offer = begin(OFFER), ask = request();
	struct rig r;

	(void)state;
	end(&discover);
	end(&offer);
	rig_open(&r, &plugin_dhcp, "");
	assert_int_equal(r.packets, 16);

	send_from(&r, &discover, 0, true);
	assert_int_equal(r.flow.expiration_id, -1);
	assert_string_equal(rig_string(&r, "dhcp_msg_type"), "DISCOVER");
	assert_string_equal(rig_string(&r, "dhcp_options"), "53");
	assert_string_equal(rig_chars(&r, "dhcp_oui"), "00:0b:82");
	rig_release(&r);

	send_from(&r, &ask, 0, true);
	assert_int_equal(r.flow.expiration_id, -1);
	assert_string_equal(rig_string(&r, "dhcp_msg_type"), "REQUEST");
	assert_string_equal(rig_string(&r, "dhcp_messages"), "REQUEST");
	assert_string_equal(rig_string(&r, "dhcp_options"), "53,61,50,54,55");
	assert_string_equal(rig_chars(&r, "dhcp_50"), "192.168.0.10");
	assert_string_equal(rig_string(&r, "dhcp_55"), "1,3,6,42");
	assert_string_equal(rig_chars(&r, "dhcp_oui"), "00:0b:82");
	assert_string_equal(rig_string(&r, "dhcp_12"), "");
	rig_release(&r);

	send(&r, &offer);
	assert_int_equal(r.flow.expiration_id, 0);
	assert_string_equal(rig_string(&r, "dhcp_msg_type"), "OFFER");
	assert_string_equal(rig_string(&r, "dhcp_options"), "");
	assert_string_equal(rig_chars(&r, "dhcp_oui"), "");
	rig_release(&r);
	rig_close(&r);
}

/* A client with an address renews it: one flow, both directions. */
static void renewal(void **state)
{
	static const uint8_t mine[] = { 10, 0, 0, 5 }, other[] = { 10, 0, 0, 6 };
	static const uint8_t size[] = { 0x05, 0xdc };
	struct dhcp_message ask = begin(REQUEST), ack = begin(ACK);
	struct rig r;

	(void)state;
	memcpy(ask.at + 12, mine, 4);
	memcpy(ack.at + 16, other, 4);
	add_option(&ask, 12, 5, "host\0");
	add_option(&ask, 57, 2, size);
	add_option(&ask, 60, 8, "MSFT 5.0");
	add_option(&ask, 77, 4, "a\xff\n\\");
	end(&ask);
	add_option(&ack, 12, 6, "server");
	end(&ack);
	rig_open(&r, &plugin_dhcp, "");
	send(&r, &ask);
	assert_int_equal(r.flow.expiration_id, 0);
	assert_string_equal(rig_chars(&r, "dhcp_addr"), "10.0.0.5");
	send_from(&r, &ack, 1, false);
	assert_int_equal(r.flow.expiration_id, -1);
	assert_string_equal(rig_string(&r, "dhcp_msg_type"), "REQUEST");
	assert_string_equal(rig_string(&r, "dhcp_messages"), "REQUEST,ACK");
	assert_string_equal(rig_string(&r, "dhcp_12"), "host");
	assert_int_equal(*(const uint16_t *)rig_column(&r, "dhcp_57", WEIR_STORE_U16), 1500);
	assert_string_equal(rig_string(&r, "dhcp_60"), "MSFT 5.0");
	assert_string_equal(rig_string(&r, "dhcp_77"), "a\\255\\010\\092");
	assert_string_equal(rig_chars(&r, "dhcp_addr"), "10.0.0.6");
	rig_release(&r);
	rig_close(&r);
}

/* The last REQUEST stands, even where it says less; another type of message does not. */
static void last_request(void **state)
{
	struct dhcp_message discover = begin(DISCOVER), ask = request(), short_ask = begin(REQUEST);
	struct rig r;

	(void)state;
	add_option(&discover, 55, 1, "\1");
	add_option(&discover, 12, 1, "d");
	end(&short_ask);
	rig_open(&r, &plugin_dhcp, "split=no");
	send(&r, &discover);
	assert_string_equal(rig_string(&r, "dhcp_55"), "1");
	send(&r, &ask);
	send(&r, &discover);
	assert_string_equal(rig_string(&r, "dhcp_options"), "53,61,50,54,55");
	send(&r, &short_ask);
	assert_string_equal(rig_string(&r, "dhcp_options"), "53");
	assert_string_equal(rig_string(&r, "dhcp_55"), "");
	assert_string_equal(rig_chars(&r, "dhcp_50"), "");
	assert_string_equal(rig_string(&r, "dhcp_12"), "d");
	assert_string_equal(rig_string(&r, "dhcp_messages"), "DISCOVER,REQUEST,DISCOVER,REQUEST");
	rig_release(&r);
	rig_close(&r);
}

static void types(void **state)
{
	static const struct {
		const char *name;
		uint8_t type;
		bool ends;
	} cases[] = {
		{ "BOOTP", 0, false },      { "DISCOVER", 1, false }, { "OFFER", 2, false },
		{ "REQUEST", 3, false },    { "DECLINE", 4, true },   { "ACK", 5, true },
		{ "NACK", 6, true },        { "RELEASE", 7, false },  { "INFORM", 8, true },
		{ "FORCERENEW", 9, false }, { "TLS", 18, false },     { "UNKNOWN", 19, false },
		{ "UNKNOWN", 255, false },
	};
	struct rig r, whole;

	(void)state;
	rig_open(&r, &plugin_dhcp, "split=yes");
	rig_open(&whole, &plugin_dhcp, "split=no");
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct dhcp_message m = begin(cases[i].type);

		send(&r, &m);
		assert_string_equal(rig_string(&r, "dhcp_msg_type"), cases[i].name);
		assert_int_equal(r.flow.expiration_id, cases[i].ends ? -1 : 0);
		rig_release(&r);
		send_from(&whole, &m, 0, true);
		assert_int_equal(whole.flow.expiration_id, 0);
		rig_release(&whole);
	}
	rig_close(&r);
	rig_close(&whole);
}

/* --- options that are odd --------------------------------------------------------------------- */

/* RFC 3396: an option in parts; RFC 2132 9.3: options in the fields of file and server name. */
static void long_and_overloaded(void **state)
{
	struct dhcp_message m = begin(REQUEST);
	struct rig r;

	(void)state;
	add_option(&m, 52, 1, "\3");
	add(&m, "\0\0\0", 3);
	add_option(&m, 12, 3, "abc");
	add_option(&m, 12, 3, "def");
	add_option(&m, 55, 2, "\1\2");
	add_option(&m, 55, 1, "\3");
	end(&m);
	memcpy(m.at + 108, "\12\1x\74\2vc\377", 8); /* 10 is none of ours; 60 */
	memcpy(m.at + 44, "\115\2uc\377\14\1z", 8); /* 77, and 12 behind the end */
	rig_open(&r, &plugin_dhcp, "");
	send(&r, &m);
	assert_string_equal(rig_string(&r, "dhcp_12"), "abcdef");
	assert_string_equal(rig_string(&r, "dhcp_55"), "1,2,3");
	assert_string_equal(rig_string(&r, "dhcp_60"), "vc");
	assert_string_equal(rig_string(&r, "dhcp_77"), "uc");
	assert_string_equal(rig_string(&r, "dhcp_options"), "53,52,12,12,55,55,10,60,77");
	rig_release(&r);
	rig_close(&r);
}

static void wrong_lengths(void **state)
{
	struct dhcp_message m = begin(0);
	struct rig r;

	(void)state;
	add_option(&m, 53, 0, "");
	add_option(&m, 53, 2, "\3\3");
	add_option(&m, 50, 3, "abc");
	add_option(&m, 50, 16, "0123456789abcdef");
	add_option(&m, 57, 1, "\1");
	add_option(&m, 52, 0, "");
	add_option(&m, 12, 0, "");
	add_option(&m, 12, 3, "\0\0\0");
	add_option(&m, 55, 0, "");
	rig_open(&r, &plugin_dhcp, "");
	send(&r, &m);
	assert_string_equal(rig_string(&r, "dhcp_msg_type"), "BOOTP");
	assert_string_equal(rig_chars(&r, "dhcp_50"), "");
	assert_int_equal(*(const uint16_t *)rig_column(&r, "dhcp_57", WEIR_STORE_U16), 0);
	assert_string_equal(rig_string(&r, "dhcp_12"), "");
	assert_string_equal(rig_string(&r, "dhcp_55"), "");
	assert_string_equal(rig_string(&r, "dhcp_options"), "53,53,50,50,57,52,12,12,55");
	rig_release(&r);
	rig_close(&r);
}

/* Cut at every byte: only whole options count, and nothing behind the end is read. */
static void cut_anywhere(void **state)
{
	struct dhcp_message ask = request();
	struct rig r;

	(void)state;
	rig_open(&r, &plugin_dhcp, "split=no");
	for (uint32_t cut = 0; cut <= ask.length; cut++) {
		uint32_t left = ask.length - cut;
		struct rig_packet p = packet_of(&ask);

		p.cut = cut;
		assert_int_equal(rig_packet(&r, &p), 0);
		assert_string_equal(rig_string(&r, "dhcp_msg_type"), left < 240   ? ""
								     : left < 243 ? "BOOTP"
										  : "REQUEST");
		assert_string_equal(rig_chars(&r, "dhcp_50"), left < 258 ? "" : "192.168.0.10");
		assert_string_equal(rig_string(&r, "dhcp_55"), left < 270 ? "" : "1,3,6,42");
		rig_release(&r);
	}
	rig_close(&r);
}

/* Lists have ends: 128 options; texts of a kilobyte and one more option. */
static void bounded(void **state)
{
	struct dhcp_message m = begin(0), texts = begin(0);
	char long_text[255];
	struct rig r;

	(void)state;
	memset(long_text, 1, sizeof(long_text));
	for (int i = 0; i < 350; i++)
		add_option(&m, 200, 0, "");
	for (int i = 0; i < 3; i++)
		add_option(&texts, 12, 255, long_text);
	rig_open(&r, &plugin_dhcp, "");
	send(&r, &m);
	assert_int_equal(strlen(rig_string(&r, "dhcp_options")), 128 * 4 - 1);
	rig_release(&r);
	send(&r, &texts);
	assert_int_equal(strlen(rig_string(&r, "dhcp_12")), 2 * 255 * 4);
	rig_release(&r);
	rig_close(&r);
}

/* --- what is no DHCP -------------------------------------------------------------------------- */

static void others(void **state)
{
	struct dhcp_message ask = request(), no_magic = request();
	struct rig_packet p = packet_of(&ask);
	struct rig r;

	(void)state;
	no_magic.at[239] = 0;
	rig_open(&r, &plugin_dhcp, "");
	send_from(&r, &no_magic, 0, true);
	assert_string_equal(rig_string(&r, "dhcp_messages"), "");
	assert_int_equal(r.flow.expiration_id, 0);
	p.dst_port = 69;
	assert_int_equal(rig_packet(&r, &p), 0);
	p = packet_of(&ask);
	p.protocol = PROTO_TCP;
	assert_int_equal(rig_packet(&r, &p), 0);
	p = packet_of(&ask);
	p.no_bytes = true;
	assert_int_equal(rig_packet(&r, &p), 0);
	assert_int_equal(rig_show(&r, NULL), 0);
	assert_string_equal(rig_string(&r, "dhcp_messages"), "");
	rig_release(&r);
	rig_close(&r);
}

static void first_packets(void **state)
{
	struct dhcp_message ask = request();
	struct rig r;

	(void)state;
	rig_open(&r, &plugin_dhcp, "packets=2");
	assert_int_equal(r.packets, 2);
	for (int i = 0; i < 5; i++)
		send(&r, &ask);
	assert_string_equal(rig_string(&r, "dhcp_messages"), "REQUEST,REQUEST");
	rig_release(&r);
	rig_close(&r);
}

static void options(void **state)
{
	(void)state;
	rig_refused(&plugin_dhcp, "packets=0", "packets: \"0\" is no number from 1 to 65535");
	rig_refused(&plugin_dhcp, "split=maybe", "split: \"maybe\" is none of no, yes");
	rig_refused(&plugin_dhcp, "splits=no", "\"splits\" is none of its options: packets, split");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(transaction),
		cmocka_unit_test(renewal),
		cmocka_unit_test(last_request),
		cmocka_unit_test(types),
		cmocka_unit_test(long_and_overloaded),
		cmocka_unit_test(wrong_lengths),
		cmocka_unit_test(cut_anywhere),
		cmocka_unit_test(bounded),
		cmocka_unit_test(others),
		cmocka_unit_test(first_packets),
		cmocka_unit_test(options),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
