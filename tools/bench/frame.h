/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Builds Ethernet frames with IPv4 and TCP, UDP or ICMP, checksums right, padded to 60 bytes.
 * Addresses, ports and numbers are in host order.
 */
#ifndef WEIR_BENCH_FRAME_H
#define WEIR_BENCH_FRAME_H

#include <stddef.h>
#include <stdint.h>

#define FRAME_MAX 1514

#define TCP_SYN 0x02
#define TCP_RST 0x04
#define TCP_PSH 0x08
#define TCP_ACK 0x10

struct frame {
	uint8_t data[FRAME_MAX];
	uint32_t len;
};

struct endpoint {
	uint32_t addr;
	uint16_t port;
};

struct ip_path {
	struct endpoint src;
	struct endpoint dst;
	uint16_t ip_id;
};

struct tcp_segment {
	uint32_t seq;
	uint32_t ack;
	uint8_t flags;
	const void *data;
	size_t len;
};

struct icmp_echo {
	uint8_t type;
	uint16_t id;
	uint16_t seq;
};

void frame_tcp(struct frame *frame, const struct ip_path *path, const struct tcp_segment *seg);
void frame_udp(struct frame *frame, const struct ip_path *path, const void *data, size_t len);
void frame_icmp_echo(struct frame *frame, const struct ip_path *path, const struct icmp_echo *echo);

#endif
