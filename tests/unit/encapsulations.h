/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Every encapsulation that the parser opens, in the forms it comes in: what stands between two IP
 * headers, byte by byte, and what the flow key says of it.
 */
#ifndef TESTS_UNIT_ENCAPSULATIONS_H
#define TESTS_UNIT_ENCAPSULATIONS_H

#include "frames.h"

/* Ports that no encapsulation claims, and the one that does. */
static void put_udp(struct raw *f, uint8_t level, uint16_t port)
{
	raw_ipv4(f, level, PROTO_UDP);
	raw_udp(f, 50000, port);
}

static void put_ipip(struct raw *f, uint8_t level)
{
	raw_ipv4(f, level, 4);
}

static void put_4in6(struct raw *f, uint8_t level)
{
	raw_ipv6(f, level, 4);
}

/* RFC 2784 */
static void put_gre(struct raw *f, uint8_t level)
{
	raw_ipv4(f, level, 47);
	raw_u32(f, 0x00000800);
}

/* RFC 2890: checksum, key and sequence number present. */
static void put_gre_full(struct raw *f, uint8_t level)
{
	raw_ipv4(f, level, 47);
	raw_u32(f, 0xb0000800);
	raw_u32(f, 0xbeef0000);
	raw_u32(f, 0x01020304);
	raw_u32(f, 1);
}

static void put_gretap(struct raw *f, uint8_t level)
{
	raw_ipv4(f, level, 47);
	raw_u32(f, 0x20006558);
	raw_u32(f, 0xfffffffe);
}

/* draft-foschiano-erspan-03: type I has no header, II 8 bytes, III 12 or 20. */
static void put_erspan1(struct raw *f, uint8_t level)
{
	raw_ipv4(f, level, 47);
	raw_u32(f, 0x000088be);
}

static void put_erspan2(struct raw *f, uint8_t level)
{
	raw_ipv4(f, level, 47);
	raw_u32(f, 0x100088be);
	raw_u32(f, 1);
	raw_u32(f, 0x10010002);
	raw_u32(f, 0);
}

static void put_erspan3(struct raw *f, uint8_t level)
{
	raw_ipv4(f, level, 47);
	raw_u32(f, 0x100022eb);
	raw_u32(f, 1);
	raw_u32(f, 0x20010002);
	raw_u32(f, 0x11223344);
	raw_u32(f, 0x00000000);
}

/* The O bit announces the platform specific subheader. */
static void put_erspan3_more(struct raw *f, uint8_t level)
{
	put_erspan3(f, level);
	f->at[f->len - 1] = 1;
	raw_fill(f, 8, 0xee);
}

/* RFC 7348 */
static void put_vxlan(struct raw *f, uint8_t level)
{
	put_udp(f, level, 4789);
	raw_u32(f, 0x08000000);
	raw_u32(f, 0x123456ff);
}

static void put_vxlan_linux(struct raw *f, uint8_t level)
{
	put_udp(f, level, 8472);
	raw_u32(f, 0x08000000);
	raw_u32(f, 0x00002a00);
}

/* draft-ietf-nvo3-vxlan-gpe: next protocol 1 is IPv4. */
static void put_vxlan_gpe(struct raw *f, uint8_t level)
{
	put_udp(f, level, 4790);
	raw_u32(f, 0x0c000001);
	raw_u32(f, 0xffffff00);
}

/* RFC 8926: two words of options. */
static void put_geneve(struct raw *f, uint8_t level)
{
	put_udp(f, level, 6081);
	raw_u32(f, 0x02006558);
	raw_u32(f, 0xabcdef00);
	raw_u32(f, 0x01020301);
	raw_u32(f, 0x05060708);
}

static void put_geneve_ip(struct raw *f, uint8_t level)
{
	put_udp(f, level, 6081);
	raw_u32(f, 0x00000800);
	raw_u32(f, 0x00000100);
}

/* 3GPP TS 29.281: G-PDU without options. */
static void put_gtp(struct raw *f, uint8_t level)
{
	put_udp(f, level, 2152);
	raw_u32(f, 0x30ff0000);
	raw_u32(f, 0x0a0b0c0d);
}

/* With a sequence number and two extension headers, of 4 and 8 bytes. */
static void put_gtp_extended(struct raw *f, uint8_t level)
{
	put_udp(f, level, 2152);
	raw_u32(f, 0x36ff0000);
	raw_u32(f, 0x0a0b0c0d);
	raw_u32(f, 0x00010085);
	raw_u32(f, 0x010009c0);
	raw_u32(f, 0x02000000);
	raw_u32(f, 0x00000000);
}

/* Tags: padding, signal strength, sensor address, end. */
static void put_tzsp(struct raw *f, uint8_t level)
{
	put_udp(f, level, 37008);
	raw_u32(f, 0x01000001);
	raw_u32(f, 0x000a01d8);
	raw_u16(f, 0x3c07);
	raw_fill(f, 7, 2);
	raw_u8(f, 1);
}

/* RFC 5415 section 4.3: header of 2 words, binding 802.11, payload 802.3. */
static void put_capwap(struct raw *f, uint8_t level)
{
	put_udp(f, level, 5247);
	raw_u32(f, 0x00100200);
	raw_u32(f, 0);
}

static void put_snap(struct raw *f)
{
	raw_u32(f, 0xaaaa0300);
	raw_u32(f, 0x00000800);
}

/* The T bit: an 802.11 data frame from the station, header 24 bytes. */
static void put_wlan(struct raw *f, uint8_t level)
{
	put_udp(f, level, 5247);
	raw_u32(f, 0x00100300);
	raw_u32(f, 0);
	raw_u16(f, 0x0801);
	raw_fill(f, 22, 2);
	put_snap(f);
}

/* QoS data with four addresses and HT control: 24 + 6 + 2 + 4, as IEEE 802.11 section 9.2.4. */
static void put_wlan_long(struct raw *f, uint8_t level)
{
	put_udp(f, level, 5247);
	raw_u32(f, 0x00100300);
	raw_u32(f, 0);
	raw_u16(f, 0x8883);
	raw_fill(f, 34, 2);
	put_snap(f);
}

/* Frame control as some controllers send it: bytes swapped. */
static void put_wlan_swapped(struct raw *f, uint8_t level)
{
	put_udp(f, level, 5247);
	raw_u32(f, 0x00100300);
	raw_u32(f, 0);
	raw_u16(f, 0x0288);
	raw_fill(f, 24, 2);
	put_snap(f);
}

enum {
	ENCAP_IPIP,
	ENCAP_4IN6,
	ENCAP_GRE,
	ENCAP_GRE_FULL,
	ENCAP_GRETAP,
	ENCAP_ERSPAN1,
	ENCAP_ERSPAN2,
	ENCAP_ERSPAN3,
	ENCAP_ERSPAN3_MORE,
	ENCAP_VXLAN,
	ENCAP_VXLAN_LINUX,
	ENCAP_VXLAN_GPE,
	ENCAP_GENEVE,
	ENCAP_GENEVE_IP,
	ENCAP_GTP,
	ENCAP_GTP_EXTENDED,
	ENCAP_TZSP,
	ENCAP_CAPWAP,
	ENCAP_WLAN,
	ENCAP_WLAN_LONG,
	ENCAP_WLAN_SWAPPED,
	ENCAPSULATIONS,
};

enum inside { INSIDE_IP, INSIDE_ETHERNET };

static const struct encapsulation {
	void (*put)(struct raw *f, uint8_t level);
	uint32_t id;
	uint16_t port; /* 0: not in UDP */
	uint8_t tunnel;
	uint8_t protocol; /* of the outer IP header */
	uint8_t version;
	uint8_t inside; /* enum inside */
} encapsulations[] = {
	/* clang-format off */
	[ENCAP_IPIP] = { put_ipip, 0, 0, TUNNEL_IPIP, 4, 4, INSIDE_IP },
	[ENCAP_4IN6] = { put_4in6, 0, 0, TUNNEL_IPIP, 4, 6, INSIDE_IP },
	[ENCAP_GRE] = { put_gre, 0, 0, TUNNEL_GRE, 47, 4, INSIDE_IP },
	[ENCAP_GRE_FULL] = { put_gre_full, 0x01020304, 0, TUNNEL_GRE, 47, 4, INSIDE_IP },
	[ENCAP_GRETAP] = { put_gretap, 0xfffffffe, 0, TUNNEL_GRE, 47, 4, INSIDE_ETHERNET },
	[ENCAP_ERSPAN1] = { put_erspan1, 0, 0, TUNNEL_GRE, 47, 4, INSIDE_ETHERNET },
	[ENCAP_ERSPAN2] = { put_erspan2, 0, 0, TUNNEL_GRE, 47, 4, INSIDE_ETHERNET },
	[ENCAP_ERSPAN3] = { put_erspan3, 0, 0, TUNNEL_GRE, 47, 4, INSIDE_ETHERNET },
	[ENCAP_ERSPAN3_MORE] = { put_erspan3_more, 0, 0, TUNNEL_GRE, 47, 4, INSIDE_ETHERNET },
	[ENCAP_VXLAN] = { put_vxlan, 0x123456, 4789, TUNNEL_VXLAN, 17, 4, INSIDE_ETHERNET },
	[ENCAP_VXLAN_LINUX] = { put_vxlan_linux, 42, 8472, TUNNEL_VXLAN, 17, 4, INSIDE_ETHERNET },
	[ENCAP_VXLAN_GPE] = { put_vxlan_gpe, 0xffffff, 4790, TUNNEL_VXLAN, 17, 4, INSIDE_IP },
	[ENCAP_GENEVE] = { put_geneve, 0xabcdef, 6081, TUNNEL_GENEVE, 17, 4, INSIDE_ETHERNET },
	[ENCAP_GENEVE_IP] = { put_geneve_ip, 1, 6081, TUNNEL_GENEVE, 17, 4, INSIDE_IP },
	[ENCAP_GTP] = { put_gtp, 0, 2152, TUNNEL_GTP, 17, 4, INSIDE_IP },
	[ENCAP_GTP_EXTENDED] = { put_gtp_extended, 0, 2152, TUNNEL_GTP, 17, 4, INSIDE_IP },
	[ENCAP_TZSP] = { put_tzsp, 0, 37008, TUNNEL_TZSP, 17, 4, INSIDE_ETHERNET },
	[ENCAP_CAPWAP] = { put_capwap, 0, 5247, TUNNEL_CAPWAP, 17, 4, INSIDE_ETHERNET },
	[ENCAP_WLAN] = { put_wlan, 0, 5247, TUNNEL_CAPWAP, 17, 4, INSIDE_IP },
	[ENCAP_WLAN_LONG] = { put_wlan_long, 0, 5247, TUNNEL_CAPWAP, 17, 4, INSIDE_IP },
	[ENCAP_WLAN_SWAPPED] = { put_wlan_swapped, 0, 5247, TUNNEL_CAPWAP, 17, 4, INSIDE_IP },
	/* clang-format on */
};

#endif
