/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TLS and DTLS hellos out of their parts, for tests: RFC 8446 section 4.1, RFC 6347 section 4.2.
 */
#ifndef TESTS_UNIT_HELLOS_H
#define TESTS_UNIT_HELLOS_H

#include "frames.h"

#define CODES(...)                                                                      \
	{                                                                               \
		{ __VA_ARGS__ }, sizeof((uint16_t[]){ __VA_ARGS__ }) / sizeof(uint16_t) \
	}

struct hello_codes {
	uint16_t items[128];
	uint32_t count;
};

struct client_hello {
	uint16_t version;
	struct hello_codes ciphers;
	struct hello_codes extensions; /* in order; those below get bodies, others are empty */
	struct hello_codes versions;   /* extension 43 */
	struct hello_codes signatures; /* extension 13 */
	const char *sni;               /* extension 0 */
	const uint8_t *alpn;           /* extension 16: its first name */
	uint32_t alpn_length;
	int dtls; /* with a cookie of 4 bytes */
};

/* Room for a length of two bytes; hello_close() says what follows it. */
static inline uint32_t hello_open(struct raw *f)
{
	raw_u16(f, 0);
	return f->len;
}

static inline void hello_close(struct raw *f, uint32_t from)
{
	raw_set16(f, from - 2, f->len - from);
}

static inline void hello_codes(struct raw *f, const struct hello_codes *codes)
{
	for (uint32_t i = 0; i < codes->count; i++)
		raw_u16(f, codes->items[i]);
}

static inline void raw_bytes(struct raw *f, const void *bytes, uint32_t count)
{
	assert_in_range(count, 0, RAW_ROOM - f->len);
	memcpy(f->at + f->len, bytes, count);
	f->len += count;
}

static inline void hello_sni(struct raw *f, const char *name)
{
	uint32_t list = hello_open(f), host;

	raw_u8(f, 0); /* host_name */
	host = hello_open(f);
	raw_bytes(f, name, strlen(name));
	hello_close(f, host);
	hello_close(f, list);
}

static inline void hello_alpn(struct raw *f, const struct client_hello *h)
{
	uint32_t list = hello_open(f);

	raw_u8(f, h->alpn_length);
	raw_bytes(f, h->alpn, h->alpn_length);
	raw_u8(f, 8);
	raw_bytes(f, "http/1.1", 8);
	hello_close(f, list);
}

static inline void hello_extension(struct raw *f, const struct client_hello *h, uint16_t type)
{
	uint32_t body, list;

	raw_u16(f, type);
	body = hello_open(f);
	if (type == 0 && h->sni)
		hello_sni(f, h->sni);
	if (type == 16 && h->alpn)
		hello_alpn(f, h);
	if (type == 43) {
		raw_u8(f, h->versions.count * 2);
		hello_codes(f, &h->versions);
	}
	if (type == 13) {
		list = hello_open(f);
		hello_codes(f, &h->signatures);
		hello_close(f, list);
	}
	hello_close(f, body);
}

/* The message of the type that starts at from: its length has 24 bits. */
static inline void hello_end_message(struct raw *f, uint32_t from)
{
	f->at[from + 1] = 0;
	raw_set16(f, from + 2, f->len - from - 4);
}

/* A handshake message; returns where it starts. */
static inline uint32_t raw_client_hello(struct raw *f, const struct client_hello *h)
{
	uint32_t start = f->len, list;

	raw_u32(f, 1u << 24);
	raw_u16(f, h->version);
	raw_fill(f, 32, 0x5a);
	raw_u8(f, 4);
	raw_u32(f, 0x01020304); /* session id */
	if (h->dtls) {
		raw_u8(f, 4);
		raw_u32(f, 0x05060708);
	}
	list = hello_open(f);
	hello_codes(f, &h->ciphers);
	hello_close(f, list);
	raw_u16(f, 0x0100); /* no compression */
	if (h->extensions.count) {
		list = hello_open(f);
		for (uint32_t i = 0; i < h->extensions.count; i++)
			hello_extension(f, h, h->extensions.items[i]);
		hello_close(f, list);
	}
	hello_end_message(f, start);
	return start;
}

/* chosen: in supported_versions; 0 = the extension is not there. */
static inline uint32_t raw_server_hello(struct raw *f, uint16_t version, uint16_t chosen)
{
	uint32_t start = f->len, list;

	raw_u32(f, 2u << 24);
	raw_u16(f, version);
	raw_fill(f, 32, 0xa5);
	raw_u8(f, 0);       /* session id */
	raw_u16(f, 0x1301); /* cipher suite */
	raw_u8(f, 0);       /* compression */
	list = hello_open(f);
	raw_u32(f, 0xff010001); /* renegotiation_info, empty */
	raw_u8(f, 0);
	if (chosen) {
		raw_u32(f, 43 << 16 | 2);
		raw_u16(f, chosen);
	}
	hello_close(f, list);
	hello_end_message(f, start);
	return start;
}

/* RFC 8446 section 5.1; hello_close(f, returned) at its end. */
static inline uint32_t raw_tls_record(struct raw *f)
{
	raw_u8(f, 22);
	raw_u16(f, 0x0301);
	return hello_open(f);
}

static inline void raw_u24(struct raw *f, uint32_t value)
{
	raw_u8(f, value >> 16);
	raw_u16(f, value & 0xffff);
}

/* A DTLS record with bytes from..to of the body of a message (RFC 6347 sections 4.1, 4.2.2). */
static inline void raw_dtls_fragment(struct raw *f, const uint8_t *message, uint32_t length,
				     uint32_t from, uint32_t to)
{
	uint32_t record;

	raw_u8(f, 22);
	raw_u16(f, 0xfefd);
	raw_u32(f, 0); /* epoch and sequence number */
	raw_u32(f, 7);
	record = hello_open(f);
	raw_u8(f, message[0]);
	raw_u24(f, length - 4);
	raw_u16(f, 0); /* message number */
	raw_u24(f, from);
	raw_u24(f, to - from);
	raw_bytes(f, message + 4 + from, to - from);
	hello_close(f, record);
}

/* The example of JA4.md: t13d1516h2_8daaf6152771_e5627efa2ab1. */
static const struct client_hello example_hello = {
	.version = 0x0303,
	.ciphers = CODES(0x5a5a, 0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9,
			 0xcca8, 0xc013, 0xc014, 0x009c, 0x009d, 0x002f, 0x0035),
	.extensions = CODES(0x8a8a, 0x001b, 0x0000, 0x0033, 0x0010, 0x4469, 0x0017, 0x002d, 0x000d,
			    0x0005, 0x0023, 0x0012, 0x002b, 0xff01, 0x000b, 0x000a, 0x0015, 0x6a6a),
	.versions = CODES(0xdada, 0x0304, 0x0303),
	.signatures = CODES(0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601),
	.sni = "www.example.org",
	.alpn = (const uint8_t *)"h2",
	.alpn_length = 2,
};
#define EXAMPLE_JA4 "t13d1516h2_8daaf6152771_e5627efa2ab1"

#endif
