/* SPDX-License-Identifier: BSD-2-Clause */
/* Where --metrics listens: every way to write it, and what is none. */
#include <arpa/inet.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "metrics_address.h"

static void is_ipv4(const char *text, const char *host, int port)
{
	struct metrics_address a;
	const struct sockaddr_in *in = (const struct sockaddr_in *)&a.address;
	char name[INET_ADDRSTRLEN];

	assert_int_equal(metrics_address_parse(text, &a), 0);
	assert_int_equal(a.length, sizeof(*in));
	assert_int_equal(in->sin_family, AF_INET);
	assert_int_equal(ntohs(in->sin_port), port);
	assert_string_equal(inet_ntop(AF_INET, &in->sin_addr, name, sizeof(name)), host);
}

static void is_ipv6(const char *text, const char *host, int port)
{
	struct metrics_address a;
	const struct sockaddr_in6 *in = (const struct sockaddr_in6 *)&a.address;
	char name[INET6_ADDRSTRLEN];

	assert_int_equal(metrics_address_parse(text, &a), 0);
	assert_int_equal(a.length, sizeof(*in));
	assert_int_equal(in->sin6_family, AF_INET6);
	assert_int_equal(ntohs(in->sin6_port), port);
	assert_string_equal(inet_ntop(AF_INET6, &in->sin6_addr, name, sizeof(name)), host);
}

static void addresses(void **state)
{
	(void)state;
	is_ipv4("9435", "127.0.0.1", 9435);
	is_ipv4("1", "127.0.0.1", 1);
	is_ipv4("192.0.2.1:65535", "192.0.2.1", 65535);
	is_ipv4("0.0.0.0:80", "0.0.0.0", 80);
	is_ipv6("[::1]:9435", "::1", 9435);
	is_ipv6("[::]:9435", "::", 9435);
	is_ipv6("[2001:db8::2]:443", "2001:db8::2", 443);
	is_ipv6("[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255]:1",
		"ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", 1);
}

static void no_addresses(void **state)
{
	static const char *const wrong[] = {
		"",
		"0",
		"65536",
		"-1",
		"+1",
		" 1",
		"1x",
		"http",
		":9435",
		"127.0.0.1",
		"127.0.0.1:",
		"127.0.0.1:0",
		"127.1:80",
		"256.0.0.1:80",
		"host:9435",
		"::1",
		"::1:9435",
		"[::1]",
		"[::1]9435",
		"[]:9435",
		"[:9435",
		"[127.0.0.1]:9435",
		"[::1%lo]:9435",
		"127.0.0.1:1:2",
		"[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.2555]:1",
		"[ffff:ffff:ffff:ffff:ffff:ffff:255.255.255.255555555555555555555555]:1",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct metrics_address a;

		if (metrics_address_parse(wrong[i], &a) != -EINVAL)
			fail_msg("\"%s\" is taken for an address", wrong[i]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses),
		cmocka_unit_test(no_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
