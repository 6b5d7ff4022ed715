/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dissect.h on TLS and DTLS: names, fingerprints and the version that the server chose, however
 * the hellos are spread over packets; and that flows do not mix while they wait.
 */
#include "conversation.h"
#include "hellos.h"

#include <stdio.h>

#define REPLY "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

static int setup(void **state)
{
	struct dissect_config config = { 10, 16, 1 };

	*state = dissector_new(&config);
	return *state ? 0 : -1;
}

static int teardown(void **state)
{
	dissector_free(*state);
	return 0;
}

static uint32_t put_client_hello(struct raw *f, const char *sni)
{
	struct client_hello h = example_hello;
	uint32_t record = raw_tls_record(f);

	h.sni = sni;
	raw_client_hello(f, &h);
	hello_close(f, record);
	return f->len;
}

static void put_server_hello(struct raw *f, uint16_t version, uint16_t chosen)
{
	uint32_t record = raw_tls_record(f);

	raw_server_hello(f, version, chosen);
	hello_close(f, record);
}

static void tls(void **state)
{
	struct conversation c = conversation_of(*state, PROTO_TCP, 8443);
	struct raw hello = { 0 }, answer = { 0 };

	put_client_hello(&hello, "www.weir.test");
	put_server_hello(&answer, 0x0303, 0x0304);
	connect_tcp(&c);
	say(&c, 0, hello.at, hello.len);
	say(&c, 1, answer.at, answer.len);
	finish(&c);
	assert_app(&c, "TLS");
	assert_string_equal(c.text.host, "www.weir.test");
	assert_string_equal(c.text.client_info, "www.weir.test");
	assert_string_equal(c.text.ja4, EXAMPLE_JA4);
	assert_string_equal(c.text.tls_version, "TLSv1.3");
	assert_string_equal(c.text.alpn, "h2,http/1.1");
	assert_int_equal(strlen(c.text.ja3_server), 32);
	assert_string_equal(c.text.server_fingerprint, c.text.ja3_server);
	assert_string_equal(c.text.client_fingerprint, c.text.ja3_client);
	forget(&c);
}

/* A hello that the kernel merged from three segments is shown whole, and counts as three. */
static void hello_in_a_super_packet(void **state)
{
	struct conversation c = conversation_of(*state, PROTO_TCP, 8443);
	struct raw hello = { 0 };

	put_client_hello(&hello, "www.weir.test");
	c.gso_size = (hello.len + 2) / 3;
	connect_tcp(&c);
	say(&c, 0, hello.at, hello.len);
	assert_int_equal(c.packets, 6);
	finish(&c);
	assert_app(&c, "TLS");
	assert_string_equal(c.text.host, "www.weir.test");
	assert_string_equal(c.text.ja4, EXAMPLE_JA4);
	forget(&c);
}

/* The server's choice, not what the client offered. */
static void tls_version_is_the_servers(void **state)
{
	static const struct {
		uint16_t version, chosen;
		const char *wanted;
	} cases[] = {
		{ 0x0303, 0x0304, "TLSv1.3" }, { 0x0303, 0, "TLSv1.2" }, { 0x0302, 0, "TLSv1.1" },
		{ 0x0301, 0, "TLSv1" },        { 0x0300, 0, "SSLv3" },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct conversation c = conversation_of(*state, PROTO_TCP, 8443);
		struct raw hello = { 0 }, answer = { 0 };

		put_client_hello(&hello, "www.weir.test");
		put_server_hello(&answer, cases[i].version, cases[i].chosen);
		connect_tcp(&c);
		say(&c, 0, hello.at, hello.len);
		if (!c.final)
			say(&c, 1, answer.at, answer.len);
		finish(&c);
		assert_string_equal(c.text.tls_version, cases[i].wanted);
		forget(&c);
	}
}

static void tls_without_answer(void **state)
{
	struct conversation c = conversation_of(*state, PROTO_TCP, 8443);
	struct raw hello = { 0 };

	put_client_hello(&hello, "www.weir.test");
	connect_tcp(&c);
	say(&c, 0, hello.at, hello.len);
	finish(&c);
	assert_app(&c, "TLS");
	assert_string_equal(c.text.ja4, EXAMPLE_JA4);
	assert_string_equal(c.text.tls_version, "");
	forget(&c);
}

static void hello_in_segments(void **state)
{
	struct raw hello = { 0 };

	put_client_hello(&hello, "www.weir.test");
	for (uint32_t step = 60; step < hello.len; step += 23) {
		struct conversation c = conversation_of(*state, PROTO_TCP, 8443);

		connect_tcp(&c);
		for (uint32_t at = 0; at < hello.len && !c.final; at += step)
			say(&c, 0, hello.at + at, hello.len - at < step ? hello.len - at : step);
		finish(&c);
		assert_string_equal(c.text.ja4, EXAMPLE_JA4);
		forget(&c);
	}
}

/* The capture begins in the middle: the flow's source is the server then. */
static void hello_from_the_destination(void **state)
{
	struct conversation c = conversation_of(*state, PROTO_TCP, 8443);
	struct raw hello = { 0 };

	put_client_hello(&hello, "www.weir.test");
	say_flags(&c, 0, TCP_FLAG_SYN | TCP_FLAG_ACK, "", 0);
	say_flags(&c, 1, TCP_FLAG_ACK, "", 0);
	say(&c, 1, hello.at, hello.len);
	finish(&c);
	assert_string_equal(c.text.ja4, EXAMPLE_JA4);
	forget(&c);
}

/* While a hello is incomplete, the other side's data is not part of it. */
static void hello_interrupted(void **state)
{
	struct conversation c = conversation_of(*state, PROTO_TCP, 8443);
	struct raw hello = { 0 };

	put_client_hello(&hello, "www.weir.test");
	connect_tcp(&c);
	say(&c, 0, hello.at, 100);
	say_text(&c, 1, "what?");
	say(&c, 0, hello.at + 100, hello.len - 100);
	finish(&c);
	assert_string_equal(c.text.ja4, EXAMPLE_JA4);
	forget(&c);
}

static void dtls(void **state)
{
	struct conversation c = conversation_of(*state, PROTO_UDP, 4433);
	struct client_hello h = example_hello;
	struct raw message = { 0 }, datagram = { 0 }, answer = { 0 }, server = { 0 };

	h.dtls = 1;
	h.version = 0xfefd;
	h.versions = (struct hello_codes)CODES(0xfefd);
	raw_client_hello(&message, &h);
	raw_dtls_fragment(&datagram, message.at, message.len, 0, message.len - 4);
	raw_server_hello(&server, 0xfefd, 0);
	raw_dtls_fragment(&answer, server.at, server.len, 0, server.len - 4);
	say(&c, 0, datagram.at, datagram.len);
	if (!c.final)
		say(&c, 1, answer.at, answer.len);
	finish(&c);
	assert_app(&c, "DTLS");
	assert_string_equal(c.text.ja4, "dd2d1516h2_8daaf6152771_e5627efa2ab1");
	assert_string_equal(c.text.tls_version, "DTLSv1.2");
	forget(&c);
}

/* A hundred flows wait between their packets; each gets its own names. */
static void flows_do_not_mix(void **state)
{
	enum { FLOWS = 100 };
	struct conversation c[FLOWS];
	struct raw hello[FLOWS], answer = { 0 };
	char name[FLOWS][32], text[200];

	put_server_hello(&answer, 0x0303, 0x0304);
	for (int i = 0; i < FLOWS; i++) {
		c[i] = conversation_of(*state, PROTO_TCP, i % 2 ? 8443 : 8090);
		c[i].port[0] += i;
		hello[i] = (struct raw){ 0 };
		snprintf(name[i], sizeof(name[i]), "host-%d.weir.test", i);
		put_client_hello(&hello[i], name[i]);
	}
	for (int i = 0; i < FLOWS; i++)
		connect_tcp(&c[i]);
	for (int i = FLOWS; i--;) {
		snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: %s\r\n\r\n", name[i]);
		if (i % 2)
			say(&c[i], 0, hello[i].at, 100);
		else
			say_text(&c[i], 0, text);
	}
	for (int i = 1; i < FLOWS; i += 2)
		say(&c[i], 0, hello[i].at + 100, hello[i].len - 100);
	for (int i = 0; i < FLOWS; i++) {
		if (i % 2)
			say(&c[i], 1, answer.at, answer.len);
		else
			say_text(&c[i], 1, REPLY);
		finish(&c[i]);
		assert_app(&c[i], i % 2 ? "TLS" : "HTTP");
		assert_string_equal(c[i].text.host, name[i]);
		assert_string_equal(c[i].text.ja4, i % 2 ? EXAMPLE_JA4 : "");
		forget(&c[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tls),
		cmocka_unit_test(hello_in_a_super_packet),
		cmocka_unit_test(tls_version_is_the_servers),
		cmocka_unit_test(tls_without_answer),
		cmocka_unit_test(hello_in_segments),
		cmocka_unit_test(hello_from_the_destination),
		cmocka_unit_test(hello_interrupted),
		cmocka_unit_test(dtls),
		cmocka_unit_test(flows_do_not_mix),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
