/* SPDX-License-Identifier: BSD-2-Clause */
#include "link.h"

#include <pcap/dlt.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

#include "meter/wire.h"

#define SLL_OUTGOING 4 /* packet type of Linux cooked headers: PACKET_OUTGOING */

static uint16_t be16_at(const uint8_t *p)
{
	return p[0] << 8 | p[1];
}

static void link_refuse(struct link_start *out, enum parse_status status)
{
	out->next = status;
	out->ignored = counter_of_refusal(status);
}

static void link_type(struct link_start *out, uint32_t offset, uint16_t type)
{
	out->next = PARSE_TYPE;
	out->offset = offset;
	out->type = type;
}

static void link_network(struct link_start *out, uint32_t offset)
{
	out->next = PARSE_NETWORK;
	out->offset = offset;
}

static void read_ethernet(const uint8_t *frame, uint32_t captured, struct link_start *out)
{
	out->next = PARSE_LINK;
	out->offset = 0;
	out->mac = captured >= 12 ? frame : NULL;
}

static void read_raw(const uint8_t *frame, uint32_t captured, struct link_start *out)
{
	(void)frame;
	(void)captured;
	link_network(out, 0);
}

/* AF_INET is 2 everywhere; AF_INET6 is 10, 24, 28 or 30. */
static void link_family(struct link_start *out, uint32_t family)
{
	switch (family) {
	case 2:
	case 10:
	case 24:
	case 28:
	case 30: link_network(out, 4); return;
	}
	link_refuse(out, PARSE_NOT_IP);
}

/* DLT_NULL: address family in the byte order of the machine that wrote the file. */
static void read_null(const uint8_t *frame, uint32_t captured, struct link_start *out)
{
	if (captured < 4)
		link_refuse(out, PARSE_TRUNCATED);
	else
		link_family(out, (frame[0] | frame[3]) + (frame[1] | frame[2]) * 256u);
}

static void read_loop(const uint8_t *frame, uint32_t captured, struct link_start *out)
{
	if (captured < 4)
		link_refuse(out, PARSE_TRUNCATED);
	else
		link_family(out, frame[3] + (frame[0] | frame[1] | frame[2]) * 256u);
}

static void read_sll(const uint8_t *frame, uint32_t captured, struct link_start *out)
{
	if (captured < 16)
		link_refuse(out, PARSE_TRUNCATED);
	else
		link_type(out, 16, be16_at(frame + 14));
	out->outgoing = captured >= 2 && be16_at(frame) == SLL_OUTGOING;
}

static void read_sll2(const uint8_t *frame, uint32_t captured, struct link_start *out)
{
	if (captured < 20)
		link_refuse(out, PARSE_TRUNCATED);
	else
		link_type(out, 20, be16_at(frame));
	out->outgoing = captured >= 11 && frame[10] == SLL_OUTGOING;
}

static void link_ppp_protocol(struct link_start *out, uint32_t offset, uint16_t protocol)
{
	switch (protocol) {
	case PPP_IPV4:
	case PPP_IPV6: link_network(out, offset); return;
	case 0x0281: link_type(out, offset, ETHERTYPE_MPLS); return;
	}
	link_refuse(out, PARSE_NOT_IP);
}

/* Address and control may be left out, and the protocol's upper zero byte too: RFC 1661, 1662. */
static void read_ppp(const uint8_t *frame, uint32_t captured, struct link_start *out)
{
	bool cisco = captured && (frame[0] & 0x7f) == 0x0f; /* HDLC under PPP's link type */
	uint32_t at = captured && (cisco || frame[0] == 0xff) ? 2 : 0;

	if (captured < at + 2)
		link_refuse(out, PARSE_TRUNCATED);
	else if (cisco)
		link_type(out, 4, be16_at(frame + 2));
	else if (frame[at] & 1)
		link_ppp_protocol(out, at + 1, frame[at]);
	else
		link_ppp_protocol(out, at + 2, be16_at(frame + at));
}

static void read_chdlc(const uint8_t *frame, uint32_t captured, struct link_start *out)
{
	if (captured < 4)
		link_refuse(out, PARSE_TRUNCATED);
	else
		link_type(out, 4, be16_at(frame + 2));
}

/* Destination and source by the to-DS and from-DS bits: IEEE 802.11-2016 table 9-26. */
static void wlan_addresses(const uint8_t *wlan, struct link_start *out)
{
	static const uint8_t dst_at[4] = { 4, 16, 4, 16 }, src_at[4] = { 10, 10, 16, 24 };
	unsigned int ds = wlan[1] & 3;

	memcpy(out->mac_pair, wlan + dst_at[ds], 6);
	memcpy(out->mac_pair + 6, wlan + src_at[ds], 6);
	out->mac = out->mac_pair;
}

/* Data frames that carry something readable; QoS adds 2 bytes, four addresses 6, HT control 4. */
static void read_wlan(const uint8_t *wlan, uint32_t captured, uint32_t offset, bool padded,
		      struct link_start *out)
{
	uint32_t header = 24;

	out->next = PARSE_NOT_IP;
	out->ignored = COUNTER_IGNORED_WLAN;
	if (captured < 2) {
		link_refuse(out, PARSE_TRUNCATED);
		return;
	}
	if ((wlan[0] & 0x0c) != 0x08 || (wlan[0] & 0x40) || (wlan[1] & 0x40))
		return;
	if ((wlan[1] & 3) == 3)
		header += 6;
	if (wlan[0] & 0x80)
		header += wlan[1] & 0x80 ? 6 : 2;
	if (padded)
		header = (header + 3) & ~3u;
	if (captured < header + 8) {
		link_refuse(out, PARSE_TRUNCATED);
		return;
	}
	if (be16_at(wlan + header) != 0xaaaa) {
		link_refuse(out, PARSE_NOT_IP);
		return;
	}
	wlan_addresses(wlan, out);
	link_type(out, offset + header + 8, be16_at(wlan + header + 6));
}

/* The flags field is the first but TSFT (8 bytes, aligned): radiotap.org/fields/defined. */
static uint8_t radiotap_flags(const uint8_t *frame, uint32_t length)
{
	uint32_t present, at = 8;

	present = frame[4] | frame[5] << 8 | frame[6] << 16 | (uint32_t)frame[7] << 24;
	for (uint32_t more = present; more & 0x80000000u; at += 4) {
		if (at + 4 > length)
			return 0;
		more = (uint32_t)frame[at + 3] << 24;
	}
	if (!(present & 2))
		return 0;
	if (present & 1)
		at = ((at + 7) & ~7u) + 8;
	return at < length ? frame[at] : 0;
}

static void read_radiotap(const uint8_t *frame, uint32_t captured, struct link_start *out)
{
	uint32_t length = captured >= 8 ? frame[2] | frame[3] << 8 : 0;

	if (length < 8 || length > captured) {
		link_refuse(out, PARSE_TRUNCATED);
		return;
	}
	read_wlan(frame + length, captured - length, length, radiotap_flags(frame, length) & 0x20,
		  out);
}

static const struct {
	int dlt;
	link_reader reader;
} link_readers[] = {
	{ DLT_EN10MB, read_ethernet }, { DLT_RAW, read_raw },
	{ DLT_IPV4, read_raw },        { DLT_IPV6, read_raw },
	{ DLT_NULL, read_null },       { DLT_LOOP, read_loop },
	{ DLT_LINUX_SLL, read_sll },   { DLT_LINUX_SLL2, read_sll2 },
	{ DLT_PPP, read_ppp },         { DLT_PPP_SERIAL, read_ppp },
	{ DLT_C_HDLC, read_chdlc },    { DLT_IEEE802_11_RADIO, read_radiotap },
};

link_reader link_reader_of(int dlt)
{
	for (size_t i = 0; i < sizeof(link_readers) / sizeof(link_readers[0]); i++)
		if (link_readers[i].dlt == dlt)
			return link_readers[i].reader;
	return NULL;
}

const char *link_names(void)
{
	return "EN10MB, RAW, IPV4, IPV6, NULL, LOOP, LINUX_SLL, LINUX_SLL2, PPP, PPP_SERIAL, "
	       "C_HDLC, IEEE802_11_RADIO";
}
