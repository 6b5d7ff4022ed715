/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What nearly all packets are: TCP or UDP right behind an IP header without options or extension
 * headers, with no tag, no tunnel and no fragment. Read where it lies, such a packet takes a
 * fraction of the code of parse.h, which is what a packet costs whose code is not in the cache any
 * more. The outcome is that of parse.h to the bit; any other packet is left to it.
 */
#ifndef METER_PLAIN_H
#define METER_PLAIN_H

#include "parse.h"

/* The bytes of a frame that lie in one piece. */
struct plain_frame {
	const __u8 *bytes, *end;
	__u32 wire_len;
};

/* off and len are constants for the verifier. */
static __always_inline const void *plain_at(const struct plain_frame *f, __u32 off, __u32 len)
{
	return f->bytes + off + len > f->end ? 0 : f->bytes + off;
}

static __always_inline int plain_tcp(const struct plain_frame *f, struct packet *p, __u32 off)
{
	const struct tcp_header *tcp = plain_at(f, off, sizeof(*tcp));
	__u32 header_len;

	if (!tcp)
		return 0;
	header_len = (tcp->offset >> 4) * 4;
	if (header_len < sizeof(*tcp) || header_len > p->size[ACCOUNT_TRANSPORT])
		return 0;
	p->key.port[0] = tcp->src;
	p->key.port[1] = tcp->dst;
	p->tcp_flags = tcp->flags;
	p->tcp_seq = meter_be32(tcp->seq);
	p->tcp_window = meter_be16(tcp->window);
	p->payload_offset = off + header_len;
	p->size[ACCOUNT_PAYLOAD] = p->size[ACCOUNT_TRANSPORT] - header_len;
	return 1;
}

static __always_inline int plain_udp(const struct plain_frame *f, struct packet *p, __u32 off)
{
	const struct udp_header *udp = plain_at(f, off, sizeof(*udp));

	if (!udp || p->size[ACCOUNT_TRANSPORT] < sizeof(*udp) ||
	    parse_is_tunnel_port(meter_be16(udp->src), meter_be16(udp->dst)))
		return 0;
	p->key.port[0] = udp->src;
	p->key.port[1] = udp->dst;
	p->payload_offset = off + sizeof(*udp);
	p->size[ACCOUNT_PAYLOAD] = p->size[ACCOUNT_TRANSPORT] - sizeof(*udp);
	return 1;
}

/* What is behind the IP header, whose own fields are in p. */
static __always_inline int plain_transport(const struct plain_frame *f, struct packet *p, __u32 off,
					   __u32 header_len, __u32 len)
{
	p->size[ACCOUNT_LINK] = f->wire_len;
	p->size[ACCOUNT_IP] = header_len + len;
	p->size[ACCOUNT_TRANSPORT] = len;
	p->segments = 1;
	p->has_l4 = 1;
	p->ip_offset = off;
	p->l4_offset = off + header_len;
	if (p->key.protocol == PROTO_TCP)
		return plain_tcp(f, p, off + header_len);
	return p->key.protocol == PROTO_UDP && plain_udp(f, p, off + header_len);
}

static __always_inline int plain_ipv4(const struct plain_frame *f, struct packet *p, __u32 off)
{
	const struct ipv4_header *ip = plain_at(f, off, sizeof(*ip));
	__u32 len;

	if (!ip || ip->version_ihl != 0x45 || ip->fragment & meter_be16(0x3fff))
		return 0;
	len = meter_be16(ip->length);
	if (len < sizeof(*ip)) /* 0: left to the NIC by TSO, or over 64 KiB */
		return 0;
	parse_ipv4_addr(&p->key, 0, ip->src);
	parse_ipv4_addr(&p->key, 1, ip->dst);
	p->key.protocol = ip->protocol;
	p->key.ip_version = 4;
	p->ttl = ip->ttl;
	p->tos = ip->tos;
	return plain_transport(f, p, off, sizeof(*ip), len - sizeof(*ip));
}

static __always_inline int plain_ipv6(const struct plain_frame *f, struct packet *p, __u32 off)
{
	const struct ipv6_header *ip = plain_at(f, off, sizeof(*ip));
	__u32 head;

	if (!ip)
		return 0;
	head = meter_be32(ip->version_class_label);
	if (head >> 28 != 6)
		return 0;
	__builtin_memcpy(p->key.addr[0], ip->src, 16);
	__builtin_memcpy(p->key.addr[1], ip->dst, 16);
	p->key.protocol = ip->next;
	p->key.ip_version = 6;
	p->ttl = ip->hop_limit;
	p->tos = head >> 20;
	/* The length of a jumbogram is 0: no room for TCP or UDP. */
	return plain_transport(f, p, off, sizeof(*ip), meter_be16(ip->length));
}

/*
 * 1: *p is what the steps from first (PARSE_LINK or PARSE_NETWORK) make of the frame. 0: it is of
 * another shape, and *p holds nothing of use.
 */
static __always_inline int plain_parse(const struct plain_frame *f, struct packet *p,
				       enum parse_status first)
{
	const struct eth_header *eth = plain_at(f, 0, sizeof(*eth));
	const __u8 *version = plain_at(f, 0, 1);

	__builtin_memset(p, 0, sizeof(*p));
	if (first == PARSE_NETWORK)
		return version && (*version >> 4 == 4 ? plain_ipv4(f, p, 0) : plain_ipv6(f, p, 0));
	if (!eth)
		return 0;
	if (eth->type == meter_be16(ETHERTYPE_IPV4))
		return plain_ipv4(f, p, sizeof(*eth));
	return eth->type == meter_be16(ETHERTYPE_IPV6) && plain_ipv6(f, p, sizeof(*eth));
}

#endif
