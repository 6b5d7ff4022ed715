// SPDX-License-Identifier: BSD-2-Clause
/*
 * Owns the elephant capture: ten flows of hundreds of thousands of packets, cut to CUT_LEN octets
 * once a flow is under way, as a probe with a small snaplen sees them. What counts is the cost of
 * one more packet of a known flow.
 */
#include "benchgen.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "capture_out.h"
#include "frame.h"
#include "octets.h"
#include "random.h"

#define FLOWS         10
#define HTTP_FLOWS    4 /* downloads; then unknown TCP, then RTP */
#define TCP_FLOWS     8
#define CUT_LEN       128
#define WHOLE_PACKETS 40 /* of each flow */
#define MSS           1460
#define RTP_HLEN      12
#define RTP_SAMPLES   160        /* 20 ms of G.711 */
#define CLIENT_ADDR   0x0a010101 /* 10.1.1.1 */
#define SERVER_ADDR   0xc6336401 /* 198.51.100.1 (RFC 5737) */
#define CLIENT_PORT   40000
#define CLIENT_ISN    1000
#define SERVER_ISN    5000

struct long_flow {
	unsigned int number;
	uint64_t packets; /* sent so far */
	uint32_t client_seq;
	uint32_t server_seq;
	struct ip_path up; /* client to server */
	struct ip_path down;
};

struct elephant {
	struct long_flow flows[FLOWS];
	uint8_t payload[MSS];
	uint64_t random;
};

static uint16_t server_port(unsigned int flow)
{
	if (flow < HTTP_FLOWS)
		return 80;
	return flow < TCP_FLOWS ? 5201 : 5004; /* iperf3, RTP */
}

static void elephant_init(struct elephant *herd, uint64_t seed)
{
	memset(herd, 0, sizeof(*herd));
	herd->random = seed;
	for (unsigned int i = 0; i < MSS; i++)
		herd->payload[i] = (uint8_t)random_next(&herd->random);
	for (unsigned int i = 0; i < FLOWS; i++) {
		struct endpoint client = { CLIENT_ADDR + i, (uint16_t)(CLIENT_PORT + i) };
		struct endpoint server = { SERVER_ADDR + i, server_port(i) };
		struct long_flow *flow = &herd->flows[i];

		flow->number = i;
		flow->client_seq = CLIENT_ISN;
		flow->server_seq = SERVER_ISN;
		flow->up = (struct ip_path){ client, server, 0 };
		flow->down = (struct ip_path){ server, client, 0 };
	}
}

/* SYN and FIN would take a number too; only SYN occurs here. */
static uint32_t seq_space(uint8_t flags, size_t len)
{
	return (uint32_t)len + (flags & TCP_SYN ? 1 : 0);
}

static void send_up(struct frame *frame, struct long_flow *flow, uint8_t flags, const void *data,
		    size_t len)
{
	uint32_t ack = flags & TCP_ACK ? flow->server_seq : 0;
	struct tcp_segment seg = { flow->client_seq, ack, flags, data, len };

	frame_tcp(frame, &flow->up, &seg);
	flow->client_seq += seq_space(flags, len);
}

static void send_down(struct frame *frame, struct long_flow *flow, uint8_t flags, const void *data,
		      size_t len)
{
	struct tcp_segment seg = { flow->server_seq, flow->client_seq, flags, data, len };

	frame_tcp(frame, &flow->down, &seg);
	flow->server_seq += seq_space(flags, len);
}

static void send_request(struct frame *frame, struct long_flow *flow)
{
	char text[200];
	int len = snprintf(text, sizeof(text),
			   "GET /big%u.iso HTTP/1.1\r\nHost: mirror%u.example.org\r\n"
			   "User-Agent: curl/8.0\r\nAccept: */*\r\n\r\n",
			   flow->number, flow->number);

	send_up(frame, flow, TCP_PSH | TCP_ACK, text, (size_t)len);
}

static void send_response(struct frame *frame, struct long_flow *flow)
{
	static const char text[] = "HTTP/1.1 200 OK\r\nServer: nginx\r\n"
				   "Content-Type: application/octet-stream\r\n"
				   "Content-Length: 4000000000\r\n\r\n";

	send_down(frame, flow, TCP_PSH | TCP_ACK, text, sizeof(text) - 1);
}

/* Handshake without its third packet, request and answer if HTTP, then two segments an ACK. */
static void send_tcp(struct frame *frame, struct long_flow *flow, const uint8_t *payload)
{
	bool http = flow->number < HTTP_FLOWS;

	if (flow->packets == 0)
		send_up(frame, flow, TCP_SYN, NULL, 0);
	else if (flow->packets == 1)
		send_down(frame, flow, TCP_SYN | TCP_ACK, NULL, 0);
	else if (flow->packets == 2 && http)
		send_request(frame, flow);
	else if (flow->packets == 3 && http)
		send_response(frame, flow);
	else if (flow->packets % 3 == 2)
		send_up(frame, flow, TCP_ACK, NULL, 0);
	else
		send_down(frame, flow, TCP_ACK, payload, MSS);
}

/* RFC 3550 section 5.1: version 2, payload type 0. */
static void send_rtp(struct frame *frame, const struct long_flow *flow, const uint8_t *payload)
{
	uint8_t rtp[RTP_HLEN + RTP_SAMPLES] = { 0x80, 0 };

	put_be16(rtp + 2, (uint16_t)flow->packets);
	put_be32(rtp + 4, (uint32_t)(flow->packets * RTP_SAMPLES));
	put_be32(rtp + 8, 0x1234 + flow->number);
	memcpy(rtp + RTP_HLEN, payload, RTP_SAMPLES);
	frame_udp(frame, &flow->up, rtp, sizeof(rtp));
}

static void send_next(struct capture_out *out, struct elephant *herd, struct long_flow *flow,
		      uint64_t time_us)
{
	struct frame frame;
	uint32_t caplen;

	flow->up.ip_id = (uint16_t)random_next(&herd->random);
	flow->down.ip_id = flow->up.ip_id;
	if (flow->number < TCP_FLOWS)
		send_tcp(&frame, flow, herd->payload);
	else
		send_rtp(&frame, flow, herd->payload);
	caplen = frame.len;
	if (flow->packets >= WHOLE_PACKETS && caplen > CUT_LEN)
		caplen = CUT_LEN;
	flow->packets++;
	capture_out_put(out, time_us, frame.data, caplen, frame.len);
}

int gen_elephant(struct capture_out *out, const struct bench_args *args)
{
	struct elephant herd;
	uint64_t time_us = 0;

	elephant_init(&herd, args->seed);
	for (uint64_t i = 0; i < args->count; i++) {
		struct long_flow *flow = &herd.flows[random_next(&herd.random) % FLOWS];

		time_us += 2 + random_next(&herd.random) % 3;
		send_next(out, &herd, flow, time_us);
	}
	return 0;
}
