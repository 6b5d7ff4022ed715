// SPDX-License-Identifier: BSD-2-Clause
/*
 * Owns the layout of a synthetic frame. Invariant: after a frame_*() call, len is the length on
 * the wire, at least ETH_MIN, and every checksum is valid. Callers keep data within FRAME_MAX.
 */
#include "frame.h"

#include <netinet/in.h>
#include <string.h>

#include "octets.h"

#define ETH_HLEN      14
#define ETH_MIN       60
#define ETH_TYPE_IPV4 0x0800
#define IP_HLEN       20
#define TCP_HLEN      20
#define UDP_HLEN      8
#define ICMP_ECHO_LEN 40
#define TCP_WINDOW    64240

/* RFC 1071 sum, not yet complemented; sum carries earlier parts in. */
static uint32_t sum_octets(const uint8_t *p, size_t len, uint32_t sum)
{
	for (; len > 1; len -= 2, p += 2)
		sum += get_be16(p);
	if (len)
		sum += (uint32_t)*p << 8;
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static uint8_t *l4_of(struct frame *frame)
{
	return frame->data + ETH_HLEN + IP_HLEN;
}

/* Sum over the addresses of the IPv4 header, protocol and length (RFC 9293 section 3.1). */
static uint16_t l4_checksum(struct frame *frame, uint8_t protocol, size_t l4_len)
{
	const uint8_t *addresses = frame->data + ETH_HLEN + 12;
	uint32_t sum = (uint32_t)(protocol + l4_len);

	sum = sum_octets(addresses, 8, sum);
	return (uint16_t)~sum_octets(l4_of(frame), l4_len, sum);
}

static void put_ethernet(uint8_t *eth, const struct ip_path *path)
{
	memset(eth, 0x02, 12); /* locally administered, unicast */
	eth[5] = (uint8_t)path->src.addr;
	eth[11] = (uint8_t)path->dst.addr;
	put_be16(eth + 12, ETH_TYPE_IPV4);
}

static void put_ipv4(uint8_t *ip, const struct ip_path *path, uint8_t protocol, size_t l4_len)
{
	memset(ip, 0, IP_HLEN);
	ip[0] = 0x45;
	put_be16(ip + 2, (uint16_t)(IP_HLEN + l4_len));
	put_be16(ip + 4, path->ip_id);
	ip[8] = 64; /* TTL */
	ip[9] = protocol;
	put_be32(ip + 12, path->src.addr);
	put_be32(ip + 16, path->dst.addr);
	put_be16(ip + 10, (uint16_t)~sum_octets(ip, IP_HLEN, 0));
}

static void put_lower_layers(struct frame *frame, const struct ip_path *path, uint8_t protocol,
			     size_t l4_len)
{
	put_ethernet(frame->data, path);
	put_ipv4(frame->data + ETH_HLEN, path, protocol, l4_len);
	frame->len = (uint32_t)(ETH_HLEN + IP_HLEN + l4_len);
	if (frame->len >= ETH_MIN)
		return;
	memset(frame->data + frame->len, 0, ETH_MIN - frame->len);
	frame->len = ETH_MIN;
}

static void put_ports(uint8_t *l4, const struct ip_path *path)
{
	put_be16(l4, path->src.port);
	put_be16(l4 + 2, path->dst.port);
}

void frame_tcp(struct frame *frame, const struct ip_path *path, const struct tcp_segment *seg)
{
	size_t l4_len = TCP_HLEN + seg->len;
	uint8_t *tcp = l4_of(frame);

	put_lower_layers(frame, path, IPPROTO_TCP, l4_len);
	memset(tcp, 0, TCP_HLEN);
	put_ports(tcp, path);
	put_be32(tcp + 4, seg->seq);
	put_be32(tcp + 8, seg->ack);
	tcp[12] = TCP_HLEN / 4 << 4;
	tcp[13] = seg->flags;
	put_be16(tcp + 14, TCP_WINDOW);
	if (seg->len)
		memcpy(tcp + TCP_HLEN, seg->data, seg->len);
	put_be16(tcp + 16, l4_checksum(frame, IPPROTO_TCP, l4_len));
}

void frame_udp(struct frame *frame, const struct ip_path *path, const void *data, size_t len)
{
	size_t l4_len = UDP_HLEN + len;
	uint8_t *udp = l4_of(frame);
	uint16_t checksum;

	put_lower_layers(frame, path, IPPROTO_UDP, l4_len);
	put_ports(udp, path);
	put_be16(udp + 4, (uint16_t)l4_len);
	put_be16(udp + 6, 0);
	memcpy(udp + UDP_HLEN, data, len);
	checksum = l4_checksum(frame, IPPROTO_UDP, l4_len);
	put_be16(udp + 6, checksum ? checksum : 0xffff); /* 0 would mean "none" (RFC 768) */
}

void frame_icmp_echo(struct frame *frame, const struct ip_path *path, const struct icmp_echo *echo)
{
	uint8_t *icmp = l4_of(frame);

	put_lower_layers(frame, path, IPPROTO_ICMP, ICMP_ECHO_LEN);
	memset(icmp, 'A', ICMP_ECHO_LEN);
	icmp[0] = echo->type;
	icmp[1] = 0;
	put_be16(icmp + 2, 0);
	put_be16(icmp + 4, echo->id);
	put_be16(icmp + 6, echo->seq);
	put_be16(icmp + 2, (uint16_t)~sum_octets(icmp, ICMP_ECHO_LEN, 0));
}
