/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Bytes of a packet -> struct packet: link layer, IP, transport, and up to PARSE_MAX_TUNNELS
 * tunnels opened on the way. A step per layer; parse_link() and parse_network() run them for one
 * level, so that the kernel program can make each a function of its own for the verifier.
 *
 * An inner packet replaces the outer one only when its IP header is sane; otherwise the packet
 * belongs to the tunnel's own flow. Lengths come from headers, never from what was captured.
 */
#ifndef METER_PARSE_H
#define METER_PARSE_H

#include "key.h"
#include "types.h"
#include "wire.h"

#define PARSE_MAX_VLANS   2
#define PARSE_MAX_LABELS  8
#define PARSE_MAX_EXTS    8
#define PARSE_MAX_TUNNELS 2

/* What comes next, or why the packet is ignored. */
enum parse_status {
	PARSE_DONE = 0,
	PARSE_LINK,    /* an Ethernet header */
	PARSE_TYPE,    /* what parser.type says */
	PARSE_NETWORK, /* an IP header */
	PARSE_REFUSED, /* this and above: enum parse_status is the reason */
	PARSE_NOT_IP = PARSE_REFUSED,
	PARSE_TRUNCATED, /* the capture ends inside a needed header */
	PARSE_MALFORMED, /* the IP header contradicts itself */
	PARSE_TOO_DEEP,  /* more VLAN tags or MPLS labels than are looked through */
	PARSE_STATUSES,
};

struct parser {
	struct packet pkt;
	__u32 wire_len; /* of the whole frame */
	__u32 tunnels;  /* bit per enum tunnel_type to look into */
	__u32 off;      /* of the next header, from the window's start */
	__u32 tunnel_id;
	__u16 type; /* EtherType of the next header, host order */
	__u16 vlan_id;
	__u8 tunnel;
	__u8 levels;   /* tunnels opened so far */
	__u8 have_ip;  /* pkt holds a packet */
	__u8 protocol; /* of the next header */
};

/* frame_len: length on the wire, in bytes, of what the window starts with. */
static __always_inline void parser_init(struct parser *ps, __u32 frame_len, __u32 tunnels)
{
	__builtin_memset(ps, 0, sizeof(*ps));
	ps->wire_len = frame_len;
	ps->tunnels = tunnels;
	ps->pkt.segments = 1;
}

static __always_inline enum parse_status parse_ethernet(const struct window *w, struct parser *ps)
{
	const struct eth_header *eth = window_at(w, ps->off, sizeof(*eth));
	const struct llc_snap_header *snap;
	const struct half *saps;

	if (!eth)
		return PARSE_TRUNCATED;
	ps->type = meter_be16(eth->type);
	ps->off += sizeof(*eth);
	if (ps->type >= ETHERTYPE_MIN)
		return PARSE_TYPE;
	saps = window_at(w, ps->off, sizeof(*saps));
	if (saps && saps->value != meter_be16(0xaaaa))
		return PARSE_NOT_IP;
	snap = window_at(w, ps->off, sizeof(*snap));
	if (!snap)
		return PARSE_TRUNCATED;
	ps->type = meter_be16(snap->type);
	ps->off += sizeof(*snap);
	return PARSE_TYPE;
}

/* Behind the bottom label: IP by its version, or a pseudowire's control word (RFC 4385). */
static __always_inline enum parse_status parse_mpls(const struct window *w, struct parser *ps)
{
	const struct word *next;
	__u32 bottom = 0;

	for (int i = 0; i < PARSE_MAX_LABELS && !bottom; i++) {
		const struct word *label = window_at(w, ps->off, sizeof(*label));

		if (!label)
			return PARSE_TRUNCATED;
		bottom = meter_be32(label->value) & 0x100;
		ps->off += sizeof(*label);
	}
	if (!bottom)
		return PARSE_TOO_DEEP;
	next = window_at(w, ps->off, sizeof(*next));
	if (!next)
		return PARSE_TRUNCATED;
	switch (meter_be32(next->value) >> 28) {
	case 4:
	case 6: return PARSE_NETWORK;
	case 0: ps->off += sizeof(*next); return parse_ethernet(w, ps);
	}
	return PARSE_NOT_IP;
}

static __always_inline enum parse_status parse_pppoe(const struct window *w, struct parser *ps)
{
	const struct pppoe_header *pppoe = window_at(w, ps->off, sizeof(*pppoe));

	if (!pppoe)
		return PARSE_TRUNCATED;
	ps->off += sizeof(*pppoe);
	switch (meter_be16(pppoe->protocol)) {
	case PPP_IPV4:
	case PPP_IPV6: return PARSE_NETWORK;
	}
	return PARSE_NOT_IP;
}

static __always_inline int parse_is_vlan(__u16 type)
{
	return type == ETHERTYPE_VLAN || type == ETHERTYPE_QINQ || type == ETHERTYPE_QINQ_OLD;
}

static __always_inline enum parse_status parse_type(const struct window *w, struct parser *ps)
{
	for (int i = 0; i < PARSE_MAX_VLANS && parse_is_vlan(ps->type); i++) {
		const struct vlan_tag *tag = window_at(w, ps->off, sizeof(*tag));

		if (!tag)
			return PARSE_TRUNCATED;
		ps->vlan_id = meter_be16(tag->tci) & 0xfff;
		ps->type = meter_be16(tag->type);
		ps->off += sizeof(*tag);
	}
	switch (ps->type) {
	case ETHERTYPE_IPV4:
	case ETHERTYPE_IPV6: return PARSE_NETWORK;
	case ETHERTYPE_MPLS:
	case ETHERTYPE_MPLS_MULTI: return parse_mpls(w, ps);
	case ETHERTYPE_PPPOE: return parse_pppoe(w, ps);
	}
	return parse_is_vlan(ps->type) ? PARSE_TOO_DEEP : PARSE_NOT_IP;
}

/* One link layer, from its first header (PARSE_LINK) or its EtherType (PARSE_TYPE). */
static __always_inline enum parse_status parse_link(const struct window *w, struct parser *ps,
						    enum parse_status next)
{
	if (next == PARSE_LINK)
		next = parse_ethernet(w, ps);
	if (next == PARSE_TYPE)
		next = parse_type(w, ps);
	/* A pseudowire's Ethernet frame may carry tags of its own. */
	if (next == PARSE_TYPE)
		next = parse_type(w, ps);
	return next == PARSE_TYPE ? PARSE_TOO_DEEP : next;
}

/* The fields of a level whose IP header is sane replace those of the level around it. */
static __always_inline void parse_enter(struct parser *ps, __u8 version, __u32 header_len,
					__u32 total_len)
{
	struct packet *p = &ps->pkt;

	p->key.ip_version = version;
	p->key.vlan_id = ps->vlan_id;
	p->key.tunnel = ps->tunnel;
	p->key.tunnel_id = ps->tunnel_id;
	p->key.port[0] = p->key.port[1] = 0;
	p->key.protocol = ps->protocol;
	p->ip_offset = ps->off;
	p->has_l4 = 0;
	p->tcp_flags = 0;
	p->icmp_type = p->icmp_code = 0;
	p->size[ACCOUNT_LINK] = ps->wire_len;
	p->size[ACCOUNT_IP] = total_len;
	p->size[ACCOUNT_TRANSPORT] = total_len - header_len;
	p->size[ACCOUNT_PAYLOAD] = 0;
	ps->off += header_len;
	p->l4_offset = p->payload_offset = ps->off;
	ps->have_ip = 1;
}

static __always_inline void parse_note_fragment(struct parser *ps, __be32 id, __u8 protocol,
						int first)
{
	struct packet *p = &ps->pkt;

	if (p->fragment)
		return;
	p->fragment = first ? FRAGMENT_FIRST : FRAGMENT_LATER;
	__builtin_memcpy(p->fragment_id.addr, p->key.addr, sizeof(p->key.addr));
	p->fragment_id.id = id;
	p->fragment_id.vlan_id = ps->vlan_id;
	p->fragment_id.protocol = protocol;
	p->fragment_id.ip_version = p->key.ip_version;
}

/*
 * Key's address which, as ::ffff:a.b.c.d: in two stores of a word, which the loads of
 * key_canonicalize() can be served from at once.
 */
static __always_inline void parse_ipv4_addr(struct flow_key *key, int which, __be32 addr)
{
	struct key_words *w = (struct key_words *)key;

	w->word[2 * which] = 0;
	w->word[2 * which + 1] = meter_word(meter_be32(0xffff), addr);
}

/* More to read: PARSE_NETWORK. Nothing behind this header can be read: PARSE_DONE. */
static __always_inline enum parse_status parse_ipv4(const struct window *w, struct parser *ps)
{
	const struct ipv4_header *ip = window_at(w, ps->off, sizeof(*ip));
	struct packet *p = &ps->pkt;
	__u32 header_len, total_len;
	__u16 fragment;

	if (!ip)
		return PARSE_TRUNCATED;
	header_len = (ip->version_ihl & 15) * 4;
	total_len = meter_be16(ip->length);
	if (!total_len && ps->wire_len > ps->off) /* left to the NIC by TSO, or over 64 KiB */
		total_len = ps->wire_len - ps->off;
	if (header_len < sizeof(*ip) || total_len < header_len)
		return PARSE_MALFORMED;
	if (!window_at(w, ps->off, header_len))
		return PARSE_TRUNCATED;
	fragment = meter_be16(ip->fragment);
	ps->protocol = ip->protocol;
	parse_ipv4_addr(&p->key, 0, ip->src);
	parse_ipv4_addr(&p->key, 1, ip->dst);
	p->ttl = ip->ttl;
	p->tos = ip->tos;
	parse_enter(ps, 4, header_len, total_len);
	if (!(fragment & 0x3fff))
		return PARSE_NETWORK;
	parse_note_fragment(ps, ip->id, ip->protocol, !(fragment & 0x1fff));
	if (!(fragment & 0x1fff))
		return PARSE_NETWORK;
	p->size[ACCOUNT_PAYLOAD] = p->size[ACCOUNT_TRANSPORT];
	return PARSE_DONE;
}

static __always_inline int parse_is_extension(__u8 next)
{
	return next == PROTO_HOP_BY_HOP || next == PROTO_ROUTING || next == PROTO_FRAGMENT ||
	       next == PROTO_DEST_OPTIONS || next == PROTO_MOBILITY;
}

/* A later fragment has the protocol that its fragment header names (RFC 8200 section 4.5). */
static __always_inline enum parse_status parse_ipv6_extensions(const struct window *w,
							       struct parser *ps)
{
	struct packet *p = &ps->pkt;
	enum parse_status next = PARSE_NETWORK;

	for (int i = 0; i < PARSE_MAX_EXTS && parse_is_extension(ps->protocol); i++) {
		const struct ipv6_extension *ext = window_at(w, ps->off, sizeof(*ext));
		__u32 len = 8;
		__u16 fragment = 0;

		if (!ext) {
			next = PARSE_DONE;
			break;
		}
		if (ps->protocol == PROTO_FRAGMENT)
			fragment = meter_be16(ext->fragment) & 0xfff9;
		else
			len += ext->length * 8;
		if (len > p->size[ACCOUNT_TRANSPORT]) {
			next = PARSE_DONE;
			break;
		}
		ps->protocol = ext->next;
		ps->off += len;
		p->size[ACCOUNT_TRANSPORT] -= len;
		if (fragment)
			parse_note_fragment(ps, ext->id, 0, !(fragment & 0xfff8));
		if (fragment & 0xfff8) {
			p->size[ACCOUNT_PAYLOAD] = p->size[ACCOUNT_TRANSPORT];
			next = PARSE_DONE;
			break;
		}
	}
	p->key.protocol = ps->protocol;
	p->l4_offset = p->payload_offset = ps->off;
	return next;
}

static __always_inline enum parse_status parse_ipv6(const struct window *w, struct parser *ps)
{
	const struct ipv6_header *ip = window_at(w, ps->off, sizeof(*ip));
	struct packet *p = &ps->pkt;
	__u32 head, total_len;

	if (!ip)
		return PARSE_TRUNCATED;
	head = meter_be32(ip->version_class_label);
	total_len = sizeof(*ip) + meter_be16(ip->length);
	/* Length 0 under a frame past 64 KiB is a jumbogram: RFC 2675, and Linux' BIG TCP. */
	if (total_len == sizeof(*ip) && ps->wire_len > ps->off + 0xffff)
		total_len = ps->wire_len - ps->off;
	ps->protocol = ip->next;
	__builtin_memcpy(p->key.addr[0], ip->src, 16);
	__builtin_memcpy(p->key.addr[1], ip->dst, 16);
	p->ttl = ip->hop_limit;
	p->tos = head >> 20;
	parse_enter(ps, 6, sizeof(*ip), total_len);
	return parse_ipv6_extensions(w, ps);
}

/* Opens a tunnel whose inside starts at off, if there is one and it is asked for. */
static __always_inline enum parse_status parse_open(struct parser *ps, __u8 tunnel, __u32 id,
						    __u32 off, enum parse_status next)
{
	if (!(ps->tunnels & (1u << tunnel)) || ps->levels >= PARSE_MAX_TUNNELS)
		return PARSE_DONE;
	ps->levels++;
	ps->tunnel = tunnel;
	ps->tunnel_id = id;
	ps->off = off;
	return next;
}

static __always_inline enum parse_status parse_by_ethertype(struct parser *ps, __u16 type)
{
	ps->type = type;
	return type == ETHERTYPE_BRIDGE ? PARSE_LINK : PARSE_TYPE;
}

/* ERSPAN's own header (draft-foschiano-erspan-03): III may add a subheader, I has none. */
static __always_inline __u32 parse_erspan_len(const struct window *w, __u32 off, __u16 type,
					      __u16 gre_flags)
{
	const struct half *last = window_at(w, off + 10, sizeof(*last));

	if (type == ETHERTYPE_ERSPAN3)
		return last && last->value & meter_be16(1) ? 20 : 12;
	return gre_flags & 0x1000 ? 8 : 0;
}

/* Optional checksum, key and sequence fields, then perhaps ERSPAN's own header. */
static __always_inline enum parse_status parse_gre(const struct window *w, struct parser *ps)
{
	const struct gre_header *gre = window_at(w, ps->off, sizeof(*gre));
	__u32 off = ps->off + sizeof(*gre), key = 0;
	__u16 flags, type;

	if (!gre)
		return PARSE_DONE;
	flags = meter_be16(gre->flags);
	type = meter_be16(gre->type);
	if (flags & 0x4007) /* source routing (RFC 1701), any version but 0 (PPTP is 1) */
		return PARSE_DONE;
	if (flags & 0x8000)
		off += 4;
	if (flags & 0x2000) {
		const struct word *field = window_at(w, off, sizeof(*field));

		if (!field)
			return PARSE_DONE;
		key = meter_be32(field->value);
		off += 4;
	}
	if (flags & 0x1000)
		off += 4;
	if (type == ETHERTYPE_ERSPAN2 || type == ETHERTYPE_ERSPAN3) {
		off += parse_erspan_len(w, off, type, flags);
		type = ETHERTYPE_BRIDGE;
	}
	return parse_open(ps, TUNNEL_GRE, key, off, parse_by_ethertype(ps, type));
}

static __always_inline enum parse_status parse_vxlan(const struct window *w, struct parser *ps,
						     int gpe)
{
	const struct vxlan_header *vxlan = window_at(w, ps->off, sizeof(*vxlan));
	enum parse_status next = PARSE_LINK;

	if (!vxlan || !(vxlan->flags & 0x08))
		return PARSE_DONE;
	if (gpe && (vxlan->flags & 0x04)) {
		if (vxlan->next == 1 || vxlan->next == 2)
			next = PARSE_NETWORK;
		else if (vxlan->next != 3)
			return PARSE_DONE;
	}
	return parse_open(ps, TUNNEL_VXLAN, meter_be32(vxlan->vni) >> 8, ps->off + sizeof(*vxlan),
			  next);
}

static __always_inline enum parse_status parse_geneve(const struct window *w, struct parser *ps)
{
	const struct geneve_header *geneve = window_at(w, ps->off, sizeof(*geneve));
	__u32 off;

	if (!geneve || geneve->version_length >> 6)
		return PARSE_DONE;
	off = ps->off + sizeof(*geneve) + (geneve->version_length & 0x3f) * 4;
	return parse_open(ps, TUNNEL_GENEVE, meter_be32(geneve->vni) >> 8, off,
			  parse_by_ethertype(ps, meter_be16(geneve->type)));
}

#define PARSE_MAX_GTP_EXTS 4

/* Version 1, not GTP', G-PDUs only (type 255): signalling stays in the tunnel's own flow. */
static __always_inline enum parse_status parse_gtp(const struct window *w, struct parser *ps)
{
	const struct gtp_header *gtp = window_at(w, ps->off, sizeof(*gtp));
	__u32 off = ps->off + sizeof(*gtp);
	enum parse_status next;
	__u8 more = 0;

	if (!gtp || gtp->flags >> 4 != 3 || gtp->type != 255)
		return PARSE_DONE;
	if (gtp->flags & 7) {
		const struct word *optional = window_at(w, off, sizeof(*optional));

		if (!optional)
			return PARSE_DONE;
		more = gtp->flags & 4 ? meter_be32(optional->value) & 0xff : 0;
		off += sizeof(*optional);
	}
	for (int i = 0; i < PARSE_MAX_GTP_EXTS && more; i++) {
		const __u8 *length = window_at(w, off, 1), *type;

		if (!length || !*length)
			return PARSE_DONE;
		off += *length * 4;
		type = window_at(w, off - 1, 1);
		if (!type)
			return PARSE_DONE;
		more = *type;
	}
	if (more)
		return PARSE_DONE;
	next = parse_open(ps, TUNNEL_GTP, 0, off, PARSE_NETWORK);
	if (next == PARSE_NETWORK)
		ps->pkt.teid = meter_be32(gtp->teid);
	return next;
}

#define PARSE_MAX_TZSP_TAGS 8

static __always_inline enum parse_status parse_tzsp(const struct window *w, struct parser *ps)
{
	const struct tzsp_header *tzsp = window_at(w, ps->off, sizeof(*tzsp));
	__u32 off = ps->off + sizeof(*tzsp);

	if (!tzsp || tzsp->version != 1 || tzsp->type != 0 || tzsp->encapsulated != meter_be16(1))
		return PARSE_DONE;
	for (int i = 0; i < PARSE_MAX_TZSP_TAGS; i++) {
		const __u8 *tag = window_at(w, off, 1), *length;

		if (!tag)
			return PARSE_DONE;
		off++;
		if (*tag == 1) /* end of tags */
			return parse_open(ps, TUNNEL_TZSP, 0, off, PARSE_LINK);
		if (*tag == 0) /* padding */
			continue;
		length = window_at(w, off, 1);
		if (!length)
			return PARSE_DONE;
		off += 1 + *length;
	}
	return PARSE_DONE;
}

/*
 * An IEEE 802.11 frame, whose frame control some controllers send byte-swapped. QoS adds 2 bytes
 * to its header, four addresses 6, HT control 4.
 */
static __always_inline enum parse_status parse_capwap_wlan(const struct window *w,
							   struct parser *ps, __u32 off)
{
	const struct half *control = window_at(w, off, sizeof(*control));
	const struct llc_snap_header *snap;
	__u32 frame_control;

	if (!control)
		return PARSE_DONE;
	frame_control = meter_be16(control->value);
	if ((frame_control & 0x0f) == 0x08 && (frame_control >> 8 & 0x0f) != 0x08)
		frame_control = frame_control << 8 | frame_control >> 8;
	if ((frame_control & 0x7f00) != 0x0800)
		return PARSE_DONE; /* not data */
	if (frame_control & 0x40)
		return PARSE_DONE; /* protected */
	off += 24 + (frame_control & 0x8000 ? 2 : 0) + ((frame_control & 3) == 3 ? 6 : 0) +
	       ((frame_control & 0x8080) == 0x8080 ? 4 : 0);
	snap = window_at(w, off, sizeof(*snap));
	if (!snap || snap->saps != meter_be16(0xaaaa))
		return PARSE_DONE;
	return parse_open(ps, TUNNEL_CAPWAP, 0, off + sizeof(*snap),
			  parse_by_ethertype(ps, meter_be16(snap->type)));
}

/*
 * RFC 5415 section 4.3: an IEEE 802.3 frame, or with the T bit an IEEE 802.11 one. Preamble type 1
 * is DTLS: stays the tunnel's flow, as do fragments but for the first.
 */
static __always_inline enum parse_status parse_capwap(const struct window *w, struct parser *ps)
{
	const struct word *head = window_at(w, ps->off, sizeof(*head));
	const struct word *fragment = window_at(w, ps->off + sizeof(*head), sizeof(*fragment));
	__u32 bits, off;

	if (!head || !fragment)
		return PARSE_DONE;
	bits = meter_be32(head->value);
	if (bits >> 24 || bits & 0x08) /* keep-alive */
		return PARSE_DONE;
	if (bits & 0x80 && fragment->value & meter_be32(0xfff8))
		return PARSE_DONE;
	off = ps->off + (bits >> 19 & 0x1f) * 4;
	if (bits & 0x100)
		return parse_capwap_wlan(w, ps, off);
	return parse_open(ps, TUNNEL_CAPWAP, 0, off, PARSE_LINK);
}

/* Whether parse_udp_tunnel() looks further. */
static __always_inline int parse_is_tunnel_port(__u16 src, __u16 dst)
{
	return src == PORT_GTP_U || dst == PORT_GTP_U || dst == PORT_VXLAN ||
	       dst == PORT_VXLAN_LINUX || dst == PORT_VXLAN_GPE || dst == PORT_GENEVE ||
	       src == PORT_CAPWAP_DATA || dst == PORT_CAPWAP_DATA || src == PORT_TZSP ||
	       dst == PORT_TZSP;
}

static __always_inline enum parse_status parse_udp_tunnel(const struct window *w, struct parser *ps)
{
	__u16 src = meter_be16(ps->pkt.key.port[0]), dst = meter_be16(ps->pkt.key.port[1]);

	if (src == PORT_GTP_U || dst == PORT_GTP_U)
		return parse_gtp(w, ps);
	if (dst == PORT_VXLAN || dst == PORT_VXLAN_LINUX || dst == PORT_VXLAN_GPE)
		return parse_vxlan(w, ps, dst == PORT_VXLAN_GPE);
	if (dst == PORT_GENEVE)
		return parse_geneve(w, ps);
	if (src == PORT_CAPWAP_DATA || dst == PORT_CAPWAP_DATA)
		return parse_capwap(w, ps);
	if (src == PORT_TZSP || dst == PORT_TZSP)
		return parse_tzsp(w, ps);
	return PARSE_DONE;
}

/* The transport header is header_len bytes: whether it fits, and how much it carries. */
static __always_inline int parse_payload(struct parser *ps, __u32 header_len)
{
	struct packet *p = &ps->pkt;

	p->payload_offset = ps->off + header_len;
	if (header_len > p->size[ACCOUNT_TRANSPORT])
		return 0;
	p->size[ACCOUNT_PAYLOAD] = p->size[ACCOUNT_TRANSPORT] - header_len;
	return 1;
}

static __always_inline int parse_ports(const struct window *w, struct parser *ps, __u32 min_len)
{
	const struct port_pair *ports = window_at(w, ps->off, sizeof(*ports));

	if (!ports || ps->pkt.size[ACCOUNT_TRANSPORT] < min_len)
		return 0;
	ps->pkt.key.port[0] = ports->src;
	ps->pkt.key.port[1] = ports->dst;
	return 1;
}

static __always_inline enum parse_status parse_tcp(const struct window *w, struct parser *ps)
{
	const struct tcp_header *tcp = window_at(w, ps->off, sizeof(*tcp));
	struct packet *p = &ps->pkt;

	if (!parse_ports(w, ps, sizeof(*tcp)) || !tcp)
		return PARSE_DONE;
	p->tcp_flags = tcp->flags;
	p->tcp_seq = meter_be32(tcp->seq);
	p->tcp_window = meter_be16(tcp->window);
	if (tcp->offset >> 4 >= 5)
		p->has_l4 = parse_payload(ps, (tcp->offset >> 4) * 4);
	return PARSE_DONE;
}

static __always_inline enum parse_status parse_udp(const struct window *w, struct parser *ps)
{
	if (!parse_ports(w, ps, 8))
		return PARSE_DONE;
	ps->pkt.has_l4 = parse_payload(ps, 8);
	ps->off += 8;
	return parse_udp_tunnel(w, ps);
}

static __always_inline enum parse_status parse_dccp(const struct window *w, struct parser *ps)
{
	const __u8 *data_offset = window_at(w, ps->off + 4, 1); /* RFC 4340 section 5.1 */

	if (parse_ports(w, ps, 12) && data_offset && *data_offset >= 3)
		ps->pkt.has_l4 = parse_payload(ps, *data_offset * 4);
	return PARSE_DONE;
}

static __always_inline enum parse_status parse_icmp(const struct window *w, struct parser *ps)
{
	const struct half *head = window_at(w, ps->off, sizeof(*head));

	if (head) {
		ps->pkt.icmp_type = meter_be16(head->value) >> 8;
		ps->pkt.icmp_code = meter_be16(head->value) & 0xff;
	}
	ps->pkt.has_l4 = parse_payload(ps, 8) && head;
	return PARSE_DONE;
}

static __always_inline enum parse_status parse_transport(const struct window *w, struct parser *ps)
{
	switch (ps->protocol) {
	case PROTO_TCP: return parse_tcp(w, ps);
	case PROTO_UDP: return parse_udp(w, ps);
	case PROTO_UDPLITE:
		if (parse_ports(w, ps, 8))
			ps->pkt.has_l4 = parse_payload(ps, 8);
		return PARSE_DONE;
	case PROTO_SCTP:
		if (parse_ports(w, ps, 12))
			ps->pkt.has_l4 = parse_payload(ps, 12);
		return PARSE_DONE;
	case PROTO_DCCP: return parse_dccp(w, ps);
	case PROTO_ICMP:
	case PROTO_ICMPV6: return parse_icmp(w, ps);
	case PROTO_IPV4:
	case PROTO_IPV6: return parse_open(ps, TUNNEL_IPIP, 0, ps->off, PARSE_NETWORK);
	case PROTO_GRE: return parse_gre(w, ps);
	}
	return PARSE_DONE;
}

/* One IP level. PARSE_LINK, PARSE_TYPE, PARSE_NETWORK: a tunnel was opened, run another level. */
static __always_inline enum parse_status parse_network(const struct window *w, struct parser *ps)
{
	const __u8 *version = window_at(w, ps->off, 1);
	enum parse_status next;

	if (!version)
		return PARSE_TRUNCATED;
	switch (*version >> 4) {
	case 4: next = parse_ipv4(w, ps); break;
	case 6: next = parse_ipv6(w, ps); break;
	default: return PARSE_NOT_IP;
	}
	return next == PARSE_NETWORK ? parse_transport(w, ps) : next;
}

/* The verdict: a packet whose inside could not be read belongs to what is around it. */
static __always_inline enum parse_status parse_verdict(const struct parser *ps,
						       enum parse_status status)
{
	return ps->have_ip ? PARSE_DONE : status;
}

/* All levels, for back ends without the verifier's limits. next: what the window starts with. */
static __always_inline enum parse_status parse_packet(const struct window *w, struct parser *ps,
						      enum parse_status next)
{
	for (int level = 0; level <= PARSE_MAX_TUNNELS; level++) {
		if (next == PARSE_LINK || next == PARSE_TYPE)
			next = parse_link(w, ps, next);
		if (next == PARSE_NETWORK)
			next = parse_network(w, ps);
		if (next == PARSE_DONE || next >= PARSE_REFUSED)
			break;
	}
	return parse_verdict(ps, next);
}

#endif
