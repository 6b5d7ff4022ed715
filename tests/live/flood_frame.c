// SPDX-License-Identifier: BSD-2-Clause
/* The part of flood's frames that all packets have in common. */
#include <stddef.h>
#include <string.h>

#include "flood.h"

#define DISCARD_PORT 9
#define ETHERNET_LEN 14

/* The one's complement sum is the same in either byte order. */
static uint32_t sum_of_halves(const struct flood_frame *f)
{
	const uint8_t *at = (const uint8_t *)f + offsetof(struct flood_frame, version_ihl);
	const uint8_t *end = (const uint8_t *)f + offsetof(struct flood_frame, src_port);
	uint32_t sum = 0;

	for (; at < end; at += 2) {
		uint16_t half;

		memcpy(&half, at, sizeof(half));
		sum += half;
	}
	return (sum & 0xffff) + (sum >> 16);
}

void flood_frame_init(struct flood *flood, struct flood_frame *frame)
{
	*frame = (struct flood_frame){
		.ethertype = meter_be16(0x0800),
		.version_ihl = 0x45,
		.ip_len = meter_be16(flood->size - ETHERNET_LEN),
		.ttl = 64,
		.protocol = 17,
		.dst = { meter_be16(flood->dst_ip >> 16), meter_be16(flood->dst_ip & 0xffff) },
		.dst_port = meter_be16(DISCARD_PORT),
		.udp_len = meter_be16(flood->size - ETHERNET_LEN - 20),
	};
	memcpy(frame->dst_mac, flood->dst_mac, sizeof(frame->dst_mac));
	memcpy(frame->src_mac, flood->src_mac, sizeof(frame->src_mac));
	flood->plan.checksum_sum = sum_of_halves(frame);
}
