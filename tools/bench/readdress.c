// SPDX-License-Identifier: BSD-2-Clause
/*
 * Owns the rewriting of addresses. Invariant: a checksum that was right before is right after, and
 * one that was wrong stays wrong; nothing past len is read or written.
 */
#include "readdress.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>

#include "octets.h"

#define ETH_HLEN      14
#define ETH_TYPE_IPV4 0x0800
#define ETH_TYPE_ARP  0x0806
#define ETH_TYPE_VLAN 0x8100
#define ETH_TYPE_QINQ 0x88a8
#define ETH_TYPE_IPV6 0x86dd
#define VLAN_HLEN     4
#define VLAN_TAGS_MAX 3
#define ARP_IPV4_LEN  28
#define IPV4_HLEN_MIN 20
#define IPV6_HLEN     40

/* Where the checksum over the pseudo header is, relative to L4, and how many octets that needs. */
struct l4_sum {
	uint8_t protocol;
	uint8_t offset;
	uint8_t needs;
};

static const struct l4_sum l4_sums[] = {
	{ IPPROTO_TCP, 16, 18 },
	{ IPPROTO_UDP, 6, 8 },
	{ IPPROTO_ICMPV6, 2, 4 }, /* with IPv6 only: ICMP has no pseudo header */
};

/* RFC 1624, equation 3 */
static void mend_checksum(uint8_t *at, uint16_t before, uint16_t after)
{
	uint32_t sum = (uint16_t)~get_be16(at);

	sum += (uint16_t)~before;
	sum += after;
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	put_be16(at, (uint16_t)~sum);
}

static uint8_t *find_l4_checksum(uint8_t *l4, uint32_t len, uint8_t protocol)
{
	for (unsigned int i = 0; i < sizeof(l4_sums) / sizeof(l4_sums[0]); i++)
		if (l4_sums[i].protocol == protocol && len >= l4_sums[i].needs)
			return l4 + l4_sums[i].offset;
	return NULL;
}

static void change_word(uint8_t *word, uint16_t mask, uint8_t *ip_checksum, uint8_t *l4_checksum)
{
	uint16_t before = get_be16(word);
	uint16_t after = before ^ mask;

	put_be16(word, after);
	if (ip_checksum)
		mend_checksum(ip_checksum, before, after);
	if (l4_checksum)
		mend_checksum(l4_checksum, before, after);
}

/* A UDP checksum that comes out as 0 is sent as 0xffff (RFC 768). */
static void finish_udp(uint8_t protocol, uint8_t *l4_checksum)
{
	if (l4_checksum && protocol == IPPROTO_UDP && !get_be16(l4_checksum))
		put_be16(l4_checksum, 0xffff);
}

static bool ipv4_is_unicast(const uint8_t *addr)
{
	bool multicast = (addr[0] & 0xf0) == 0xe0;
	bool loopback = addr[0] == 127;
	bool unspecified = !addr[0] && !addr[1];

	return !multicast && !loopback && !unspecified && addr[0] != 255;
}

static bool ipv6_is_unicast(const uint8_t *addr)
{
	static const uint8_t zero[15];
	bool unspecified_or_loopback = !memcmp(addr, zero, sizeof(zero));

	return addr[0] != 0xff && !unspecified_or_loopback;
}

static void readdress_arp(uint8_t *arp, uint32_t len, uint16_t mask)
{
	if (len < ARP_IPV4_LEN)
		return;
	change_word(arp + 16, mask, NULL, NULL); /* sender, low half */
	change_word(arp + 26, mask, NULL, NULL); /* target, low half */
}

static void readdress_ipv4(uint8_t *ip, uint32_t len, uint16_t mask)
{
	uint8_t *l4_checksum = NULL;
	bool first_fragment;
	uint32_t hlen;

	if (len < IPV4_HLEN_MIN || ip[0] >> 4 != 4)
		return;
	hlen = (ip[0] & 15) * 4;
	if (hlen < IPV4_HLEN_MIN)
		return;
	first_fragment = !(get_be16(ip + 6) & 0x1fff);
	if (first_fragment && len >= hlen && ip[9] != IPPROTO_ICMPV6)
		l4_checksum = find_l4_checksum(ip + hlen, len - hlen, ip[9]);
	if (l4_checksum && ip[9] == IPPROTO_UDP && !get_be16(l4_checksum))
		l4_checksum = NULL; /* the sender made none */
	for (uint8_t *addr = ip + 12; addr <= ip + 16; addr += 4)
		if (ipv4_is_unicast(addr))
			change_word(addr + 2, mask, ip + 10, l4_checksum);
	finish_udp(ip[9], l4_checksum);
}

static void readdress_ipv6(uint8_t *ip, uint32_t len, uint16_t mask)
{
	uint8_t *l4_checksum;

	if (len < IPV6_HLEN)
		return;
	l4_checksum = find_l4_checksum(ip + IPV6_HLEN, len - IPV6_HLEN, ip[6]);
	for (uint8_t *addr = ip + 8; addr <= ip + 24; addr += 16)
		if (ipv6_is_unicast(addr))
			change_word(addr + 10, mask, NULL, l4_checksum);
	finish_udp(ip[6], l4_checksum);
}

void readdress(uint8_t *frame, uint32_t len, uint16_t mask)
{
	uint32_t off = ETH_HLEN;
	uint16_t type;

	if (len < ETH_HLEN)
		return;
	type = get_be16(frame + 12);
	for (int tags = 0; tags < VLAN_TAGS_MAX && off + VLAN_HLEN <= len; tags++) {
		if (type != ETH_TYPE_VLAN && type != ETH_TYPE_QINQ)
			break;
		type = get_be16(frame + off + 2);
		off += VLAN_HLEN;
	}
	if (type == ETH_TYPE_ARP)
		readdress_arp(frame + off, len - off, mask);
	else if (type == ETH_TYPE_IPV4)
		readdress_ipv4(frame + off, len - off, mask);
	else if (type == ETH_TYPE_IPV6)
		readdress_ipv6(frame + off, len - off, mask);
}
