/* SPDX-License-Identifier: BSD-2-Clause */
#include "community_id.h"

#include <gcrypt.h>
#include <stdbool.h>
#include <string.h>

#include "meter/wire.h"

struct endpoint {
	const uint8_t *addr;
	uint16_t port;
};

/* Request and reply types of ICMP and ICMPv6: they make a pair of "ports". */
static const uint8_t icmp_pairs[][2] = {
	{ 8, 0 },   { 0, 8 },  { 13, 14 }, { 14, 13 }, { 15, 16 },
	{ 16, 15 }, { 10, 9 }, { 9, 10 },  { 17, 18 }, { 18, 17 }
};
static const uint8_t icmp6_pairs[][2] = { { 128, 129 }, { 129, 128 }, { 133, 134 }, { 134, 133 },
					  { 135, 136 }, { 136, 135 }, { 130, 131 }, { 131, 130 },
					  { 144, 145 }, { 145, 144 }, { 139, 140 }, { 140, 139 } };

static int icmp_counterpart(uint8_t protocol, uint8_t type)
{
	bool six = protocol == PROTO_ICMPV6;
	size_t count = six ? sizeof(icmp6_pairs) / 2 : sizeof(icmp_pairs) / 2;
	const uint8_t(*pairs)[2] = six ? icmp6_pairs : icmp_pairs;

	for (size_t i = 0; i < count; i++)
		if (pairs[i][0] == type)
			return pairs[i][1];
	return -1;
}

static bool has_ports(uint8_t protocol)
{
	return protocol == PROTO_TCP || protocol == PROTO_UDP || protocol == PROTO_SCTP ||
	       protocol == PROTO_ICMP || protocol == PROTO_ICMPV6;
}

static size_t put_bytes(uint8_t *to, size_t at, const void *from, size_t n)
{
	memcpy(to + at, from, n);
	return at + n;
}

/* seed, lower endpoint's address, the other's, protocol, 0, and the ports, all in network order. */
static size_t hash_input(const struct flow_record *r, uint8_t *to)
{
	struct endpoint a = { r->src_addr, r->src_port }, b = { r->dst_addr, r->dst_port };
	bool ordered = true;
	size_t skip = r->ip_version == 4 ? 12 : 0, n = 0;
	int order;

	if (r->protocol == PROTO_ICMP || r->protocol == PROTO_ICMPV6) {
		int pair = icmp_counterpart(r->protocol, r->icmp_type);

		ordered = pair >= 0;
		a.port = r->icmp_type;
		b.port = ordered ? pair : r->icmp_code;
	}
	order = memcmp(a.addr, b.addr, 16);
	if (ordered && (order > 0 || (!order && a.port > b.port))) {
		struct endpoint swap = a;

		a = b;
		b = swap;
	}
	n = put_bytes(to, n, "\0", 2);
	n = put_bytes(to, n, a.addr + skip, 16 - skip);
	n = put_bytes(to, n, b.addr + skip, 16 - skip);
	to[n++] = r->protocol;
	to[n++] = 0;
	if (!has_ports(r->protocol))
		return n;
	to[n++] = a.port >> 8;
	to[n++] = a.port & 0xff;
	to[n++] = b.port >> 8;
	to[n++] = b.port & 0xff;
	return n;
}

void community_id(const struct flow_record *r, char out[40])
{
	static const char base64[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	uint8_t input[64], digest[21] = { 0 };

	gcry_check_version(NULL); /* the first call initializes libgcrypt */
	gcry_md_hash_buffer(GCRY_MD_SHA1, digest, input, hash_input(r, input));
	memcpy(out, "1:", 2);
	out += 2;
	for (int i = 0; i < 21; i += 3) { /* 20 bytes and a zero: the last character is padding */
		uint32_t bits = digest[i] << 16 | digest[i + 1] << 8 | digest[i + 2];

		for (int shift = 18; shift >= 0; shift -= 6)
			*out++ = base64[bits >> shift & 63];
	}
	out[-1] = '=';
	*out = '\0';
}
