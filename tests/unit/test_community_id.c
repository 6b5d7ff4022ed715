/* SPDX-License-Identifier: BSD-2-Clause */
/* Community ID version 1: the examples of its specification, in both directions. */
#include "outputs.h"

#include <arpa/inet.h>

static void set_address(uint8_t *to, const char *text)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

	if (strchr(text, ':')) {
		assert_int_equal(inet_pton(AF_INET6, text, to), 1);
		return;
	}
	memcpy(to, mapped, sizeof(mapped));
	assert_int_equal(inet_pton(AF_INET, text, to + 12), 1);
}

/* a and b are ports, or for ICMP type and code. */
static void assert_id(uint8_t protocol, const char *src, const char *dst, int a, int b,
		      const char *expected)
{
	struct flow_record r = { .protocol = protocol };
	bool icmp = protocol == 1 || protocol == 58;

	set_address(r.src_addr, src);
	set_address(r.dst_addr, dst);
	r.ip_version = strchr(src, ':') ? 6 : 4;
	if (icmp) {
		r.icmp_type = a;
		r.icmp_code = b;
	} else {
		r.src_port = a;
		r.dst_port = b;
	}
	record_derive(&r, NEED_COMMUNITY_ID);
	assert_string_equal(r.community_id, expected);
}

static void tcp_udp_sctp(void **state)
{
	(void)state;
	assert_id(6, "128.232.110.120", "66.35.250.204", 34855, 80,
		  "1:LQU9qZlK+B5F3KDmev6m5PMibrg=");
	assert_id(6, "66.35.250.204", "128.232.110.120", 80, 34855,
		  "1:LQU9qZlK+B5F3KDmev6m5PMibrg=");
	assert_id(17, "192.168.1.52", "8.8.8.8", 54585, 53, "1:d/FP5EW3wiY1vCndhwleRRKHowQ=");
	assert_id(17, "8.8.8.8", "192.168.1.52", 53, 54585, "1:d/FP5EW3wiY1vCndhwleRRKHowQ=");
	assert_id(132, "192.168.170.8", "192.168.170.56", 7, 80, "1:jQgCxbku+pNGw8WPbEc/TS/uTpQ=");
	assert_id(132, "192.168.170.56", "192.168.170.8", 80, 7, "1:jQgCxbku+pNGw8WPbEc/TS/uTpQ=");
}

/* Request and reply are one flow; for a type without a reply the code counts. */
static void icmp(void **state)
{
	(void)state;
	assert_id(1, "192.168.0.89", "192.168.0.1", 8, 0, "1:X0snYXpgwiv9TZtqg64sgzUn6Dk=");
	assert_id(1, "192.168.0.1", "192.168.0.89", 0, 8, "1:X0snYXpgwiv9TZtqg64sgzUn6Dk=");
	assert_id(1, "192.168.0.89", "192.168.0.1", 20, 0, "1:3o2RFccXzUgjl7zDpqmY7yJi8rI=");
	assert_id(1, "192.168.0.89", "192.168.0.1", 20, 1, "1:tz/fHIDUHs19NkixVVoOZywde+I=");
}

static void icmpv6(void **state)
{
	(void)state;
	assert_id(58, "fe80::200:86ff:fe05:80da", "fe80::260:97ff:fe07:69ea", 135, 0,
		  "1:dGHyGvjMfljg6Bppwm3bg0LO8TY=");
	assert_id(58, "fe80::260:97ff:fe07:69ea", "fe80::200:86ff:fe05:80da", 136, 0,
		  "1:dGHyGvjMfljg6Bppwm3bg0LO8TY=");
	assert_id(58, "3ffe:507:0:1:260:97ff:fe07:69ea", "3ffe:507:0:1:200:86ff:fe05:80da", 3, 0,
		  "1:NdobDX8PQNJbAyfkWxhtL2Pqp5w=");
	assert_id(58, "3ffe:507:0:1:200:86ff:fe05:80da", "3ffe:507:0:1:260:97ff:fe07:69ea", 3, 0,
		  "1:/OGBt9BN1ofenrmSPWYicpij2Vc=");
}

static void without_ports(void **state)
{
	(void)state;
	assert_id(46, "10.1.24.4", "10.1.12.1", 0, 0, "1:/nQI4Rh/TtY3mf0R2gJFBkVlgS4=");
	assert_id(46, "10.1.12.1", "10.1.24.4", 0, 0, "1:/nQI4Rh/TtY3mf0R2gJFBkVlgS4=");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tcp_udp_sctp),
		cmocka_unit_test(icmp),
		cmocka_unit_test(icmpv6),
		cmocka_unit_test(without_ports),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
