/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A conversation of two hosts in raw IP packets that go through the parser into a dissector, for
 * tests: each packet from a block on the heap that ends where the capture does.
 */
#ifndef TESTS_UNIT_CONVERSATION_H
#define TESTS_UNIT_CONVERSATION_H

#include "dissect.h"
#include "frames.h"
#include "meter/key.h"
#include "meter/segments.h"

struct conversation {
	struct dissector *dissector;
	struct dissect_state *state;
	struct app_info app;
	struct app_text text; /* once final */
	uint8_t protocol;     /* IP */
	uint8_t version;      /* 4 or 6 */
	uint16_t port[2];     /* client, server */
	uint32_t seq[2];
	uint32_t packets;
	uint32_t cut;      /* capture no more than this of a packet; 0 = all */
	uint32_t padding;  /* bytes behind the datagram */
	uint32_t gso_size; /* packets with more payload are super-packets; 0 = none are */
	bool final;
};

static inline struct conversation conversation_of(struct dissector *d, uint8_t protocol,
						  uint16_t port)
{
	return (struct conversation){
		.dissector = d,
		.protocol = protocol,
		.version = 4,
		.port = { 40000, port },
		.seq = { 1000, 5000 },
	};
}

static inline void conversation_turn_addresses(struct raw *f, uint32_t ip, uint8_t version)
{
	uint32_t length = version == 4 ? 4 : 16, src = ip + (version == 4 ? 12 : 8);
	uint8_t addr[16];

	memcpy(addr, f->at + src, length);
	memmove(f->at + src, f->at + src + length, length);
	memcpy(f->at + src + length, addr, length);
}

static inline void conversation_frame(struct conversation *c, struct raw *f, int from_server,
				      uint8_t flags, const void *data, uint32_t length)
{
	uint16_t src = c->port[from_server], dst = c->port[!from_server];
	uint32_t ip, l4;

	raw_ethernet(f, c->version == 4 ? 0x0800 : 0x86dd);
	ip = c->version == 4 ? raw_ipv4(f, 0, c->protocol) : raw_ipv6(f, 0, c->protocol);
	if (from_server)
		conversation_turn_addresses(f, ip, c->version);
	if (c->protocol == PROTO_TCP) {
		l4 = raw_tcp(f, src, dst, flags, 0);
		raw_set16(f, l4 + 4, c->seq[from_server] >> 16);
		raw_set16(f, l4 + 6, c->seq[from_server] & 0xffff);
		raw_set16(f, l4 + 8, c->seq[!from_server] >> 16);
		raw_set16(f, l4 + 10, c->seq[!from_server] & 0xffff);
		c->seq[from_server] += length + !!(flags & (TCP_FLAG_SYN | TCP_FLAG_FIN));
	} else if (c->protocol == PROTO_UDP) {
		raw_udp(f, src, dst);
	}
	assert_in_range(length, 0, RAW_ROOM - f->len);
	memcpy(f->at + f->len, data, length);
	f->len += length;
	raw_seal(f);
	raw_fill(f, c->padding, 0xee);
}

/* Shows what f holds; it must not be changed. True when the verdict is final. */
static inline bool conversation_show(struct conversation *c, const struct raw *f, int from_server)
{
	uint32_t captured;
	struct packet p;
	uint8_t *copy;

	assert_false(c->final);
	assert_int_equal(raw_parse(f, &p), PARSE_DONE);
	meter_segment(&p, p.payload_offset, c->gso_size, 0);
	key_canonicalize(&p);
	p.time_ns = 1000000000ull * ++c->packets;
	captured = f->len - p.ip_offset;
	if (c->cut && captured > c->cut)
		captured = c->cut;
	copy = malloc(captured);
	assert_non_null(copy);
	memcpy(copy, f->at + p.ip_offset, captured);
	c->packets += p.segments - 1;
	c->final = dissect_packet(c->dissector, &c->state, &c->app, &p, copy, captured,
				  !from_server, c->packets);
	assert_memory_equal(copy, f->at + p.ip_offset, captured);
	free(copy);
	if (c->final)
		assert_null(c->state);
	else
		assert_non_null(c->state);
	packed_text_open(c->app.text, &c->text);
	return c->final;
}

static inline bool say_flags(struct conversation *c, int from_server, uint8_t flags,
			     const void *data, uint32_t length)
{
	struct raw f = { 0 };

	conversation_frame(c, &f, from_server, flags, data, length);
	return conversation_show(c, &f, from_server);
}

static inline bool say(struct conversation *c, int from_server, const void *data, uint32_t length)
{
	return say_flags(c, from_server, TCP_FLAG_ACK | TCP_FLAG_PSH, data, length);
}

static inline void say_text(struct conversation *c, int from_server, const char *text)
{
	say(c, from_server, text, strlen(text));
}

/* The handshake of TCP. */
static inline void connect_tcp(struct conversation *c)
{
	say_flags(c, 0, TCP_FLAG_SYN, "", 0);
	say_flags(c, 1, TCP_FLAG_SYN | TCP_FLAG_ACK, "", 0);
	say_flags(c, 0, TCP_FLAG_ACK, "", 0);
}

static inline void finish(struct conversation *c)
{
	if (!c->final)
		dissect_finish(c->dissector, &c->state, &c->app);
	c->final = true;
	assert_null(c->state);
	packed_text_open(c->app.text, &c->text);
}

static inline void forget(struct conversation *c)
{
	free(c->app.text);
	c->app.text = NULL;
}

static inline void assert_app(struct conversation *c, const char *name)
{
	assert_string_equal(dissect_app_name(c->dissector, &c->app), name);
}

#endif
