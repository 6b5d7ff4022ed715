// SPDX-License-Identifier: BSD-2-Clause
/*
 * Owns the many capture: short flows, each with a 5-tuple of its own, whose packets are FLOW_LAG
 * flows apart. No idle timeout helps within its few seconds: the worst case for a flow table.
 */
#include "benchgen.h"

#include <errno.h>
#include <netinet/ip_icmp.h>
#include <stdio.h>
#include <string.h>

#include "capture_out.h"
#include "frame.h"
#include "octets.h"
#include "random.h"

#define FLOW_LAG   2000 /* flows that begin between two packets of a flow */
#define FLOW_TURNS 4    /* packets of the longest flow */
#define TURN_US    3    /* time a turn takes, whether it has a packet or not */
/* Flows of a block differ in the client's address, blocks in the range of the client's port. */
#define BLOCK_BITS       16
#define BLOCK_PORTS      977
#define BLOCKS_MAX       64
#define PORT_FIRST       1024
#define CLIENT_NET       0x0a000000 /* 10.0.0.0 */
#define SERVER_NET       0xc0010000 /* 192.1.0.0 */
#define DNS_HLEN         12
#define DNS_LABEL        "h%05lx"
#define DNS_LABEL_LEN    6
#define DNS_ZONE         "\7example\3com" /* its terminating NUL is the root label */
#define DNS_QUESTION_LEN (DNS_HLEN + 1 + DNS_LABEL_LEN + sizeof(DNS_ZONE) + 4)
#define DNS_ANSWER_LEN   16
#define UDP_NOISE        64

struct short_flow {
	uint64_t number;
	uint64_t hash;     /* all that is random about the flow */
	unsigned int turn; /* which packet of the flow, from 0 */
	struct ip_path there;
	struct ip_path back;
};

struct flow_kind {
	/* Writes the packet of this turn; leaves the frame empty when the flow has none. */
	void (*build)(struct frame *frame, const struct short_flow *flow);
	uint16_t server_port;
};

/* A SYN, and from half of the servers a reset. */
static void build_scan(struct frame *frame, const struct short_flow *flow)
{
	uint32_t seq = (uint32_t)flow->hash;
	struct tcp_segment syn = { .seq = seq, .flags = TCP_SYN };
	struct tcp_segment reset = { .ack = seq + 1, .flags = TCP_RST | TCP_ACK };

	if (flow->turn == 0)
		frame_tcp(frame, &flow->there, &syn);
	else if (flow->turn == 1 && flow->hash >> 60 & 1)
		frame_tcp(frame, &flow->back, &reset);
}

static void put_dns_question(uint8_t *msg, const struct short_flow *flow)
{
	uint8_t *name = msg + DNS_HLEN;
	char label[DNS_LABEL_LEN + 1];

	snprintf(label, sizeof(label), DNS_LABEL, (unsigned long)flow->number & 0xfffff);
	put_be16(msg, (uint16_t)(flow->hash >> 16)); /* transaction */
	put_be16(msg + 2, 0x0100);                   /* recursion desired */
	put_be16(msg + 4, 1);                        /* one question */
	*name++ = DNS_LABEL_LEN;
	memcpy(name, label, DNS_LABEL_LEN);
	name += DNS_LABEL_LEN;
	memcpy(name, DNS_ZONE, sizeof(DNS_ZONE));
	name += sizeof(DNS_ZONE);
	put_be16(name, 1);     /* A */
	put_be16(name + 2, 1); /* IN */
}

static void put_dns_answer(uint8_t *msg, const struct short_flow *flow)
{
	uint8_t *record = msg + DNS_QUESTION_LEN;

	put_be16(msg + 2, 0x8180); /* response, recursion desired and available */
	put_be16(msg + 6, 1);      /* one answer */
	put_be16(record, 0xc00c);  /* the question's name */
	put_be16(record + 2, 1);   /* A */
	put_be16(record + 4, 1);   /* IN */
	put_be32(record + 6, 300); /* seconds to live */
	put_be16(record + 10, 4);
	put_be32(record + 12, (uint32_t)flow->hash);
}

static void build_dns(struct frame *frame, const struct short_flow *flow)
{
	uint8_t msg[DNS_QUESTION_LEN + DNS_ANSWER_LEN] = { 0 };

	if (flow->turn > 1)
		return;
	put_dns_question(msg, flow);
	if (flow->turn == 0) {
		frame_udp(frame, &flow->there, msg, DNS_QUESTION_LEN);
		return;
	}
	put_dns_answer(msg, flow);
	frame_udp(frame, &flow->back, msg, sizeof(msg));
}

/* Two datagrams of noise, which no dissector knows. */
static void build_noise(struct frame *frame, const struct short_flow *flow)
{
	size_t len = 18 + (flow->hash >> 20 & 31);
	uint8_t noise[UDP_NOISE];

	if (flow->turn > 1)
		return;
	for (unsigned int i = 0; i < UDP_NOISE; i++) {
		uint64_t eight = random_hash(flow->hash + (i & ~7U) + flow->turn);

		noise[i] = (uint8_t)(eight >> 8 * (i & 7));
	}
	frame_udp(frame, flow->turn ? &flow->back : &flow->there, noise, len);
}

static void build_ping(struct frame *frame, const struct short_flow *flow)
{
	struct icmp_echo echo = { .id = (uint16_t)flow->number, .seq = 1 };

	if (flow->turn > 1)
		return;
	echo.type = flow->turn ? ICMP_ECHOREPLY : ICMP_ECHO;
	frame_icmp_echo(frame, flow->turn ? &flow->back : &flow->there, &echo);
}

static void build_http_request(struct frame *frame, const struct short_flow *flow)
{
	struct tcp_segment get = { .flags = TCP_PSH | TCP_ACK };
	char text[160];

	get.seq = (uint32_t)flow->hash + 1;
	get.ack = (uint32_t)(flow->hash >> 3) + 1;
	get.data = text;
	get.len = (size_t)snprintf(text, sizeof(text),
				   "GET /p/%llu HTTP/1.1\r\nHost: w%llu.example.net\r\n"
				   "User-Agent: bench/1\r\n\r\n",
				   (unsigned long long)flow->number,
				   (unsigned long long)flow->number & 1023);
	frame_tcp(frame, &flow->there, &get);
}

/* Handshake, request, reset. */
static void build_http(struct frame *frame, const struct short_flow *flow)
{
	uint32_t client = (uint32_t)flow->hash;
	uint32_t server = (uint32_t)(flow->hash >> 3);
	struct tcp_segment syn = { .seq = client, .flags = TCP_SYN };
	struct tcp_segment syn_ack = { server, client + 1, TCP_SYN | TCP_ACK, NULL, 0 };
	struct tcp_segment reset = { server + 1, client + 60, TCP_RST | TCP_ACK, NULL, 0 };

	if (flow->turn == 0)
		frame_tcp(frame, &flow->there, &syn);
	else if (flow->turn == 1)
		frame_tcp(frame, &flow->back, &syn_ack);
	else if (flow->turn == 2)
		build_http_request(frame, flow);
	else
		frame_tcp(frame, &flow->back, &reset);
}

/* One row a sixteenth of the flows. */
static const struct flow_kind flow_kinds[16] = {
	{ build_scan, 443 },    { build_scan, 80 },   { build_scan, 22 }, { build_scan, 8080 },
	{ build_scan, 25 },     { build_scan, 3389 }, { build_dns, 53 },  { build_dns, 53 },
	{ build_dns, 53 },      { build_dns, 53 },    { build_dns, 53 },  { build_noise, 20011 },
	{ build_noise, 20012 }, { build_ping, 0 },    { build_http, 80 }, { build_http, 80 },
};

static const struct flow_kind *flow_begin(struct short_flow *flow, uint64_t number, uint64_t seed)
{
	uint64_t hash = random_hash(number * 31 + 76 + seed);
	const struct flow_kind *kind = &flow_kinds[hash >> 33 & 15];
	uint64_t block = number >> BLOCK_BITS;
	uint32_t host = (uint32_t)(number & ((1 << BLOCK_BITS) - 1));
	struct endpoint client, server;

	client.addr = CLIENT_NET | host << 4 | (uint32_t)(hash & 15);
	client.port = (uint16_t)(PORT_FIRST + block * BLOCK_PORTS + (hash >> 40) % BLOCK_PORTS);
	server.addr = SERVER_NET | (uint32_t)(hash >> 8 & 0xffffff);
	server.port = kind->server_port;
	flow->number = number;
	flow->hash = hash;
	flow->there = (struct ip_path){ client, server, 0 };
	flow->back = (struct ip_path){ server, client, 0 };
	return kind;
}

static void write_turn(struct capture_out *out, const struct bench_args *args, uint64_t number,
		       unsigned int turn, uint64_t time_us)
{
	struct short_flow flow = { .turn = turn };
	const struct flow_kind *kind = flow_begin(&flow, number, args->seed);
	struct frame frame = { .len = 0 };

	flow.there.ip_id = (uint16_t)random_hash(args->seed + out->packets * SPLITMIX_STEP);
	flow.back.ip_id = flow.there.ip_id;
	kind->build(&frame, &flow);
	if (frame.len)
		capture_out_put(out, time_us, frame.data, frame.len, frame.len);
}

int gen_many(struct capture_out *out, const struct bench_args *args)
{
	uint64_t last = args->count + (FLOW_TURNS - 1) * FLOW_LAG;
	uint64_t time_us = 0;

	if (args->count > (uint64_t)BLOCKS_MAX << BLOCK_BITS) {
		fprintf(stderr,
			"benchgen: many: %llu flows would share 5-tuples: ask for %u at most\n",
			(unsigned long long)args->count, BLOCKS_MAX << BLOCK_BITS);
		return -EINVAL;
	}
	for (uint64_t newest = 0; newest < last; newest++)
		for (unsigned int turn = 0; turn < FLOW_TURNS; turn++) {
			uint64_t lag = (uint64_t)turn * FLOW_LAG;

			if (newest < lag || newest - lag >= args->count)
				continue;
			time_us += TURN_US;
			write_turn(out, args, newest - lag, turn, time_us);
		}
	return 0;
}
