/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dissect.h: how many packets are looked at, what nDPI gets to see of them and what is read out.
 * Names of applications are nDPI's; those asserted here are the same from 4.2 to 5.x. TLS is
 * test_dissect_tls.c's.
 */
#include "conversation.h"

#define GET                            \
	"GET /index.html HTTP/1.1\r\n" \
	"Host: files.weir.test\r\n"    \
	"User-Agent: weir-test/1\r\n"  \
	"Accept: */*\r\n\r\n"
#define REPLY                          \
	"HTTP/1.1 200 OK\r\n"          \
	"Server: test\r\n"             \
	"Content-Type: text/plain\r\n" \
	"Content-Length: 5\r\n\r\nhello"

static const uint8_t dns_query[] = "\x12\x34\1\0\0\1\0\0\0\0\0\0\4weir\4test\0\0\1\0\1";

static struct dissector *begin(uint32_t max_tcp, uint32_t max_udp, uint32_t max_other)
{
	struct dissect_config config = { max_tcp, max_udp, max_other };
	struct dissector *d = dissector_new(&config);

	assert_non_null(d);
	return d;
}

static int setup(void **state)
{
	*state = begin(10, 16, 1);
	return 0;
}

static int teardown(void **state)
{
	dissector_free(*state);
	return 0;
}

/* A real server acknowledges the request first, without which nDPI 4.2 reads no content type. */
static void exchange(struct conversation *c)
{
	connect_tcp(c);
	say_text(c, 0, GET);
	say_flags(c, 1, TCP_FLAG_ACK, "", 0);
	say_text(c, 1, REPLY);
}

static void assert_http(struct conversation *c)
{
	finish(c);
	assert_app(c, "HTTP");
	assert_int_equal(c->app.guessed, 0);
	assert_string_equal(c->text.host, "files.weir.test");
	assert_string_equal(c->text.client_info, "files.weir.test");
	assert_string_equal(c->text.user_agent, "weir-test/1");
	assert_string_equal(c->text.content_type, "text/plain");
	assert_non_null(strstr(c->text.url, "/index.html"));
	assert_string_equal(c->text.tls_version, "");
	forget(c);
}

static void http(void **state)
{
	struct conversation c = conversation_of(*state, PROTO_TCP, 8090);

	exchange(&c);
	assert_string_equal(dissect_category_name(*state, &c.app), "Web");
	assert_string_equal(dissect_confidence_name(*state, &c.app), "DPI");
	assert_http(&c);
}

static void http_over_ipv6(void **state)
{
	struct conversation c = conversation_of(*state, PROTO_TCP, 8090);

	c.version = 6;
	exchange(&c);
	assert_http(&c);
}

/* Ethernet pads small frames; the padding is not the application's. */
static void padding_is_not_shown(void **state)
{
	struct conversation c = conversation_of(*state, PROTO_TCP, 8090);

	c.padding = 46;
	exchange(&c);
	assert_http(&c);
}

/* A cut packet would be refused by nDPI 4.2 if it said how long it was. */
static void cut_packets_are_shown(void **state)
{
	static char body[1200];

	memset(body, 'b', sizeof(body));
	for (int version = 4; version <= 6; version += 2) {
		struct conversation c = conversation_of(*state, PROTO_TCP, 8090);
		char reply[1400];

		c.version = version;
		c.cut = 220;
		connect_tcp(&c);
		say_text(&c, 0, GET);
		say_flags(&c, 1, TCP_FLAG_ACK, "", 0);
		memcpy(reply, REPLY, strlen(REPLY));
		memcpy(reply + strlen(REPLY), body, sizeof(body));
		say(&c, 1, reply, strlen(REPLY) + sizeof(body));
		assert_http(&c);
	}
}

static void cut_datagrams_are_shown(void **state)
{
	uint8_t query[300];

	memset(query, 0, sizeof(query));
	memcpy(query, dns_query, sizeof(dns_query) - 1);
	for (int version = 4; version <= 6; version += 2) {
		struct conversation c = conversation_of(*state, PROTO_UDP, 53);

		c.version = version;
		c.cut = 150;
		say(&c, 0, query, sizeof(query));
		finish(&c);
		assert_app(&c, "DNS");
		assert_string_equal(c.text.host, "weir.test");
		forget(&c);
	}
}

/* A capture that ends in the headers shows nothing, and breaks nothing. */
static void cut_anywhere(void **state)
{
	for (int version = 4; version <= 6; version += 2) {
		for (uint32_t cut = version == 4 ? 20 : 40; cut < 100; cut++) {
			struct conversation c = conversation_of(*state, PROTO_TCP, 80);

			c.version = version;
			c.cut = cut;
			connect_tcp(&c);
			say_text(&c, 0, GET);
			finish(&c);
			forget(&c);
		}
	}
}

/* TSO leaves the total length 0: the capture's counts. */
static void header_without_length(void **state)
{
	struct conversation c = conversation_of(*state, PROTO_TCP, 8090);
	static const char *const texts[] = { GET, REPLY };

	connect_tcp(&c);
	for (int from_server = 0; from_server < 2; from_server++) {
		struct raw f = { 0 };

		conversation_frame(&c, &f, from_server, TCP_FLAG_ACK, texts[from_server],
				   strlen(texts[from_server]));
		raw_set16(&f, 14 + 2, 0);
		conversation_show(&c, &f, from_server);
		if (!from_server)
			say_flags(&c, 1, TCP_FLAG_ACK, "", 0);
	}
	assert_http(&c);
}

/* Longer than nDPI's 16 bits: 65535 bytes of it are shown. */
static void super_packet(void **state)
{
	enum { LENGTH = 100000, HEADERS = 40 };
	struct conversation c = conversation_of(*state, PROTO_TCP, 8090);
	uint8_t *big = calloc(1, LENGTH);
	struct raw f = { 0 };
	struct packet p;

	assert_non_null(big);
	connect_tcp(&c);
	conversation_frame(&c, &f, 0, TCP_FLAG_ACK, GET, strlen(GET));
	assert_int_equal(raw_parse(&f, &p), PARSE_DONE);
	key_canonicalize(&p);
	p.size[ACCOUNT_IP] = LENGTH;
	p.size[ACCOUNT_PAYLOAD] = LENGTH - HEADERS;
	memcpy(big, f.at + 14, f.len - 14);
	c.final = dissect_packet(*state, &c.state, &c.app, &p, big, LENGTH, true, 4);
	finish(&c);
	assert_app(&c, "HTTP");
	assert_string_equal(c.text.host, "files.weir.test");
	forget(&c);
	free(big);
}

static void ssh(void **state)
{
	struct conversation c = conversation_of(*state, PROTO_TCP, 2222);

	connect_tcp(&c);
	say_text(&c, 0, "SSH-2.0-OpenSSH_9.2p1\r\n");
	say_text(&c, 1, "SSH-2.0-dropbear_2022.83\r\n");
	finish(&c);
	assert_app(&c, "SSH");
	assert_string_equal(c.text.client_info, "SSH-2.0-OpenSSH_9.2p1");
	assert_string_equal(c.text.server_info, "SSH-2.0-dropbear_2022.83");
	assert_string_equal(c.text.ja3_client, "");
	forget(&c);
}

static void dns(void **state)
{
	struct conversation c = conversation_of(*state, PROTO_UDP, 53);

	say(&c, 0, dns_query, sizeof(dns_query) - 1);
	finish(&c);
	assert_app(&c, "DNS");
	assert_string_equal(c.text.host, "weir.test");
	forget(&c);
}

/* What a packet names may hold anything; a record holds text. */
static void hostile_text(void **state)
{
	struct conversation c = conversation_of(*state, PROTO_TCP, 8090);

	connect_tcp(&c);
	say_text(&c, 0,
		 "GET / HTTP/1.1\r\nHost: a.test\r\nUser-Agent: x\x1b[2J\xff\xc3\xa9\r\n\r\n");
	say_text(&c, 1, REPLY);
	finish(&c);
	for (const char *s = c.text.user_agent; *s; s++)
		assert_true((uint8_t)*s >= ' ' && *s != 0x7f && *s != '\xff');
	forget(&c);
}

static void a_syn_alone_is_guessed_at_the_end(void **state)
{
	struct conversation c = conversation_of(*state, PROTO_TCP, 22);

	assert_false(say_flags(&c, 0, TCP_FLAG_SYN, "", 0));
	assert_int_equal(c.app.app_protocol, 0);
	finish(&c);
	assert_app(&c, "SSH");
	assert_int_equal(c.app.guessed, 1);
	assert_string_equal(dissect_confidence_name(*state, &c.app), "Match by port");
	assert_null(c.app.text);
}

static void limits(void **state)
{
	struct dissector *d = begin(3, 2, 1);
	struct conversation tcp = conversation_of(d, PROTO_TCP, 22);
	struct conversation udp = conversation_of(d, PROTO_UDP, 9999);
	struct conversation icmp = conversation_of(d, PROTO_ICMP, 0);

	(void)state;
	assert_false(say_flags(&tcp, 0, TCP_FLAG_SYN, "", 0));
	assert_false(say_flags(&tcp, 0, TCP_FLAG_SYN, "", 0));
	assert_true(say_flags(&tcp, 0, TCP_FLAG_SYN, "", 0));
	assert_int_equal(tcp.app.guessed, 1);
	assert_false(say(&udp, 0, "\x99zzzzzzz", 8));
	assert_true(say(&udp, 0, "\x99zzzzzzz", 8));
	assert_app(&udp, "Unknown");
	assert_true(say(&icmp, 0, "\x08\0\0\0\0\1\0\1", 8));
	assert_app(&icmp, "ICMP");
	dissector_free(d);
}

static void limit_0_is_not_dissected(void **state)
{
	struct dissector *d = begin(0, 0, 0);
	struct conversation c = conversation_of(d, PROTO_TCP, 22);

	(void)state;
	assert_true(say_flags(&c, 0, TCP_FLAG_SYN, "", 0));
	finish(&c);
	assert_app(&c, "Unknown");
	assert_int_equal(c.app.guessed, 0);
	assert_null(c.app.text);
	dissector_free(d);
}

/* A later fragment has no headers to show; it uses up one of the packets all the same. */
static void later_fragments_only_count(void **state)
{
	struct dissector *d = begin(10, 2, 1);
	struct conversation c = conversation_of(d, PROTO_UDP, 53);

	(void)state;
	for (int i = 0; i < 2; i++) {
		struct raw f = { 0 };

		conversation_frame(&c, &f, 0, 0, dns_query, sizeof(dns_query) - 1);
		raw_set16(&f, 14 + 6, 100);
		assert_int_equal(conversation_show(&c, &f, 0), i == 1);
	}
	assert_app(&c, "Unknown");
	dissector_free(d);
}

static void nothing_shown(void **state)
{
	struct conversation c = conversation_of(*state, PROTO_TCP, 22);

	finish(&c);
	assert_app(&c, "Unknown");
	assert_null(c.app.text);
}

static void names_stay_where_they_are(void **state)
{
	struct app_info app = { 0 };
	const char *first[600];

	for (uint16_t i = 0; i < 600; i++) {
		app.app_protocol = i % 200;
		app.master_protocol = i / 200;
		first[i] = dissect_app_name(*state, &app);
	}
	for (uint16_t i = 0; i < 600; i++) {
		app.app_protocol = i % 200;
		app.master_protocol = i / 200;
		assert_ptr_equal(dissect_app_name(*state, &app), first[i]);
		assert_true(*first[i]);
	}
}

static void risk_names_are_whole(void **state)
{
	char buf[200], small[200];

	assert_string_equal(dissect_risk_names(*state, 0, buf, sizeof(buf)), "");
	dissect_risk_names(*state, 1ull << 1 | 1ull << 2, buf, sizeof(buf));
	assert_non_null(strchr(buf, ','));
	for (size_t size = 1; size <= strlen(buf); size++) {
		dissect_risk_names(*state, 1ull << 1 | 1ull << 2, small, size);
		assert_true(!*small || !strncmp(small, buf, strcspn(buf, ",")));
		assert_true(!*small || strlen(small) == strcspn(buf, ","));
	}
	dissect_risk_names(*state, UINT64_MAX, small, sizeof(small));
}

static void version_is_told(void **state)
{
	(void)state;
	assert_true(*dissector_version() >= '4');
	dissector_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(http),
		cmocka_unit_test(http_over_ipv6),
		cmocka_unit_test(padding_is_not_shown),
		cmocka_unit_test(cut_packets_are_shown),
		cmocka_unit_test(cut_datagrams_are_shown),
		cmocka_unit_test(cut_anywhere),
		cmocka_unit_test(header_without_length),
		cmocka_unit_test(super_packet),
		cmocka_unit_test(ssh),
		cmocka_unit_test(dns),
		cmocka_unit_test(hostile_text),
		cmocka_unit_test(a_syn_alone_is_guessed_at_the_end),
		cmocka_unit_test(limits),
		cmocka_unit_test(limit_0_is_not_dissected),
		cmocka_unit_test(later_fragments_only_count),
		cmocka_unit_test(nothing_shown),
		cmocka_unit_test(names_stay_where_they_are),
		cmocka_unit_test(risk_names_are_whole),
		cmocka_unit_test(version_is_told),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
