/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nDPI and what is read out of it, over one flow whose payloads are the input and whose headers
 * are made here: the addresses agree as a flow's do, the lengths need not. One dissector serves
 * all inputs, because it takes long to start.
 */
#include <stdbool.h>

#include "dissect.h"
#include "meter/parse.h"
#include "support.h"

#define MAX_PACKETS 20
#define MAX_HEADERS 60 /* IPv6 and TCP */
#define MAX_PAYLOAD 1460

enum packet_bits { FROM_SERVER = 1, LONGER_ON_WIRE = 2, NO_LENGTH = 4, PADDED = 8, SEQ_GAP = 16 };

struct flow {
	bool ipv6;
	uint8_t protocol;
	uint16_t port[2]; /* client, server */
	uint32_t seq[2];
	struct dissect_state *state;
	struct app_info app;
	uint64_t packets;
	bool final;
};

static struct dissector *dissector;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	const struct dissect_config config = { .max_tcp = 10, .max_udp = 16, .max_other = 1 };

	(void)argc;
	(void)argv;
	support_silence();
	dissector = dissector_new(&config);
	require(dissector != NULL);
	return 0;
}

static void put_be16(uint8_t *at, uint32_t value)
{
	at[0] = value >> 8;
	at[1] = value;
}

/* Length fields tell length bytes behind the header. */
static size_t put_ip(const struct flow *f, uint8_t *at, bool from_server, size_t length)
{
	if (f->ipv6) {
		memset(at, 0, 40);
		at[0] = 0x60;
		put_be16(at + 4, length);
		at[6] = f->protocol;
		at[7] = 64;
		at[23] = 1 + from_server;
		at[39] = 2 - from_server;
		return 40;
	}
	memset(at, 0, 20);
	at[0] = 0x45;
	put_be16(at + 2, length + 20);
	at[8] = 64;
	at[9] = f->protocol;
	memcpy(at + 12, "\x0a\x00\x00", 3);
	memcpy(at + 16, "\x0a\x00\x00", 3);
	at[15] = 1 + from_server;
	at[19] = 2 - from_server;
	return 20;
}

static size_t put_transport(const struct flow *f, uint8_t *at, bool from_server, size_t length)
{
	uint32_t seq = f->seq[from_server];

	if (f->protocol != PROTO_TCP && f->protocol != PROTO_UDP)
		return 0;
	memset(at, 0, 20);
	put_be16(at, f->port[from_server]);
	put_be16(at + 2, f->port[!from_server]);
	if (f->protocol == PROTO_UDP) {
		put_be16(at + 4, length + 8);
		return 8;
	}
	put_be16(at + 4, seq >> 16);
	put_be16(at + 6, seq);
	at[12] = 0x50;
	at[13] = TCP_FLAG_ACK | TCP_FLAG_PSH;
	put_be16(at + 14, 0x2000);
	return 20;
}

static void show(struct flow *f, const uint8_t *ip, size_t captured, bool from_server)
{
	struct window w = { ip, captured < METER_WINDOW ? captured : METER_WINDOW };
	struct parser ps;

	parser_init(&ps, captured, 0);
	require(parse_packet(&w, &ps, PARSE_NETWORK) == PARSE_DONE);
	ps.pkt.time_ns = f->packets * 1000000;
	f->packets++;
	f->final = dissect_packet(dissector, &f->state, &f->app, &ps.pkt, ip, captured,
				  !from_server, f->packets);
	require(!f->final || !f->state);
}

/* A byte of packet_bits, 16 bits of length, the payload. */
static void take_packet(struct input *in, struct flow *f)
{
	uint8_t bits = input_u8(in), headers[MAX_HEADERS];
	size_t asked = input_u16(in) % (MAX_PAYLOAD + 1), length, told, ip_length, header_length;
	size_t transport = f->protocol == PROTO_TCP ? 20 : f->protocol == PROTO_UDP ? 8 : 0;
	uint8_t *payload = input_block(in, asked, &length), *packet;
	bool from_server = bits & FROM_SERVER;

	told = bits & LONGER_ON_WIRE ? length + 700 : bits & PADDED ? length / 2 : length;
	ip_length = put_ip(f, headers, from_server, told + transport);
	header_length = ip_length + put_transport(f, headers + ip_length, from_server, told);
	if (bits & NO_LENGTH && !f->ipv6) /* segmentation left to the NIC */
		put_be16(headers + 2, 0);
	f->seq[from_server] += length + !!(bits & SEQ_GAP);
	packet = malloc(header_length + length);
	require(packet != NULL);
	memcpy(packet, headers, header_length);
	if (length)
		memcpy(packet + header_length, payload, length);
	show(f, packet, header_length + length, from_server);
	free(packet);
	free(payload);
}

static void check_text(const char *text)
{
	require(text != NULL);
	for (; *text; text++)
		require((unsigned char)*text >= ' ' && *text != 0x7f);
}

static void check_verdict(const struct app_info *app)
{
	struct app_text text;
	const char *const *texts = (const char *const *)&text;
	char risks[64]; /* too small for many */

	packed_text_open(app->text, &text);
	for (size_t i = 0; i < sizeof(text) / sizeof(*texts); i++)
		check_text(texts[i]);
	check_text(dissect_app_name(dissector, app));
	check_text(dissect_category_name(dissector, app));
	check_text(dissect_confidence_name(dissector, app));
	memset(risks, 0xff, sizeof(risks));
	require(dissect_risk_names(dissector, app->risks, risks, sizeof(risks)) == risks);
	require(strnlen(risks, sizeof(risks)) < sizeof(risks));
	check_text(risks);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t protocols[] = { PROTO_TCP, PROTO_UDP, PROTO_ICMP, PROTO_SCTP };
	struct input in = { data, size };
	uint8_t kind = input_u8(&in);
	struct flow f = { .ipv6 = kind & 4, .protocol = protocols[kind & 3] };

	f.port[0] = 40000;
	f.port[1] = input_u16(&in);
	while (in.left && !f.final && f.packets < MAX_PACKETS)
		take_packet(&in, &f);
	if (!f.final)
		dissect_finish(dissector, &f.state, &f.app);
	require(!f.state);
	check_verdict(&f.app);
	free(f.app.text);
	return 0;
}
