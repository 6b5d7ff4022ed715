/* SPDX-License-Identifier: BSD-2-Clause */
/* A packet: its place in the flow, and its payload. */
#ifndef USER_PLUGINS_PLUGIN_PACKET_H
#define USER_PLUGINS_PLUGIN_PACKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <weir/plugin.h>

#define PROTOCOL_UDP 17

/* Of a super-packet its first segment is looked at. */
static inline bool packet_is_among(const struct weir_packet *p, const struct weir_flow *flow,
				   uint64_t first)
{
	return first >= WEIR_EVERY_PACKET ||
	       flow->packets[0] + flow->packets[1] < first + p->segments;
}

/*
 * What TCP, UDP or ICMP carries, as far as it was captured: *length bytes, which is 0 with NULL.
 * Lengths of a super-packet are its last segment's, but their difference is every segment's
 * headers; what lies behind the IP packet is the link's padding.
 */
static inline const uint8_t *packet_payload(const struct weir_packet *p, uint32_t *length)
{
	uint32_t headers = p->ip_length - p->payload_length;

	*length = 0;
	if (!p->raw || !p->payload_length || p->payload_length > p->ip_length ||
	    headers >= p->capture_length)
		return NULL;
	*length = p->capture_length - headers;
	if (p->segments <= 1 && *length > p->payload_length)
		*length = p->payload_length;
	return p->raw + headers;
}

static inline uint16_t read_be16(const uint8_t *at)
{
	return at[0] << 8 | at[1];
}

static inline uint32_t read_be32(const uint8_t *at)
{
	return (uint32_t)read_be16(at) << 16 | read_be16(at + 2);
}

#endif
