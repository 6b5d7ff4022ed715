/* SPDX-License-Identifier: BSD-2-Clause */
#include "ja4.h"

#include <gcrypt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tls_read.h"

#define MAX_CODES   1024 /* of a kind; a hello with more is no client's */
#define HASH_DIGITS 12

struct codes {
	uint16_t items[MAX_CODES];
	size_t count;
	bool overflow;
};

struct hello {
	struct codes ciphers, extensions, signatures;
	uint16_t version;
	bool dtls;
	bool sni;
	char alpn[2];
};

void ja4_prepare(void)
{
	gcry_check_version(NULL);
}

/* RFC 8701: values that servers must ignore. */
static bool is_grease(uint16_t code)
{
	return (code & 0x0f0f) == 0x0a0a && code >> 8 == (code & 0xff);
}

static void add_code(struct codes *codes, uint16_t code)
{
	if (is_grease(code))
		return;
	if (codes->count == MAX_CODES)
		codes->overflow = true;
	else
		codes->items[codes->count++] = code;
}

static void take_codes(struct tls_cursor *c, struct codes *codes)
{
	while (c->end - c->at >= 2)
		add_code(codes, tls_number(c, 2));
}

static bool is_alphanumeric(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* First and last character of the first protocol; hex digits if either is not alphanumeric. */
static void take_alpn(struct tls_cursor *c, struct hello *h)
{
	struct tls_cursor list = tls_vector(c, 2), name = tls_vector(&list, 1);
	uint8_t first, last;

	if (name.broken || name.at == name.end)
		return;
	first = name.at[0];
	last = name.end[-1];
	h->alpn[0] = first;
	h->alpn[1] = last;
	if (!is_alphanumeric(first) || !is_alphanumeric(last)) {
		h->alpn[0] = "0123456789abcdef"[first >> 4];
		h->alpn[1] = "0123456789abcdef"[last & 15];
	}
}

/* The newest one. DTLS counts down: 0xfeff is 1.0, 0xfefc is 1.3 (RFC 9147 section 5.3). */
static void take_versions(struct tls_cursor *c, struct hello *h)
{
	struct tls_cursor list = tls_vector(c, 1);
	bool first = true;

	while (list.end - list.at >= 2) {
		uint16_t version = tls_number(&list, 2);

		if (is_grease(version))
			continue;
		if (first || (h->dtls ? version < h->version : version > h->version))
			h->version = version;
		first = false;
	}
}

static void take_extension(struct tls_cursor *c, struct hello *h)
{
	uint16_t type = tls_number(c, 2);
	struct tls_cursor body = tls_vector(c, 2), list;

	if (c->broken)
		return;
	add_code(&h->extensions, type);
	switch (type) {
	case TLS_EXT_SNI: h->sni = true; break;
	case TLS_EXT_ALPN: take_alpn(&body, h); break;
	case TLS_EXT_VERSIONS: take_versions(&body, h); break;
	case TLS_EXT_SIGNATURES:
		list = tls_vector(&body, 2);
		take_codes(&list, &h->signatures);
		break;
	}
}

/* RFC 8446 section 4.1.2, RFC 6347 section 4.2.1. */
static bool take_hello(struct tls_cursor *c, struct hello *h)
{
	struct tls_cursor body, part;

	if (tls_number(c, 1) != TLS_CLIENT_HELLO)
		return false;
	body = tls_vector(c, 3);
	h->version = tls_number(&body, 2);
	tls_skip(&body, TLS_RANDOM);
	tls_vector(&body, 1); /* session id */
	if (h->dtls)
		tls_vector(&body, 1); /* cookie */
	part = tls_vector(&body, 2);
	take_codes(&part, &h->ciphers);
	tls_vector(&body, 1); /* compression methods */
	if (body.broken)
		return false;
	if (body.at == body.end) /* a hello may have no extensions */
		return true;
	part = tls_vector(&body, 2);
	while (!part.broken && part.at < part.end)
		take_extension(&part, h);
	return !part.broken;
}

static bool overflowed(const struct hello *h)
{
	return h->ciphers.overflow || h->extensions.overflow || h->signatures.overflow;
}

static int by_value(const void *a, const void *b)
{
	return *(const uint16_t *)a - *(const uint16_t *)b;
}

static void sort(struct codes *codes)
{
	qsort(codes->items, codes->count, sizeof(codes->items[0]), by_value);
}

static char *put_hex(char *to, uint32_t value, int digits)
{
	while (digits--)
		*to++ = "0123456789abcdef"[value >> digits * 4 & 15];
	return to;
}

static char *put_list(char *to, const struct codes *codes)
{
	for (size_t i = 0; i < codes->count; i++) {
		if (i)
			*to++ = ',';
		to = put_hex(to, codes->items[i], 4);
	}
	return to;
}

/* Zeros for an empty list. */
static void put_hash(char out[HASH_DIGITS + 1], const char *text, size_t length)
{
	uint8_t digest[32];

	strcpy(out, "000000000000");
	if (!length)
		return;
	gcry_md_hash_buffer(GCRY_MD_SHA256, digest, text, length);
	for (int i = 0; i < HASH_DIGITS / 2; i++)
		put_hex(out + 2 * i, digest[i], 2);
}

static void hash_ciphers(struct hello *h, char out[HASH_DIGITS + 1])
{
	char text[MAX_CODES * 5];

	sort(&h->ciphers);
	put_hash(out, text, put_list(text, &h->ciphers) - text);
}

/* Sorted, without SNI and ALPN, then the signature algorithms as sent. */
static void hash_extensions(const struct hello *h, char out[HASH_DIGITS + 1])
{
	struct codes sorted = { .count = 0 };
	char text[2 * MAX_CODES * 5], *end;

	for (size_t i = 0; i < h->extensions.count; i++)
		if (h->extensions.items[i] != TLS_EXT_SNI && h->extensions.items[i] != TLS_EXT_ALPN)
			add_code(&sorted, h->extensions.items[i]);
	sort(&sorted);
	end = put_list(text, &sorted);
	if (end != text && h->signatures.count) {
		*end++ = '_';
		end = put_list(end, &h->signatures);
	}
	put_hash(out, text, end - text);
}

static const char *version_code(uint16_t version)
{
	switch (version) {
	case 0x0304: return "13";
	case 0x0303: return "12";
	case 0x0302: return "11";
	case 0x0301: return "10";
	case 0x0300: return "s3";
	case 0x0002: return "s2";
	case 0xfeff: return "d1";
	case 0xfefd: return "d2";
	case 0xfefc: return "d3";
	}
	return "00";
}

static unsigned int at_most_99(size_t n)
{
	return n < 99 ? n : 99;
}

bool ja4_client(const uint8_t *hello, size_t length, char transport, char out[JA4_LENGTH + 1])
{
	struct tls_cursor c = { hello, hello + length, false };
	struct hello h = { .alpn = { '0', '0' }, .dtls = transport == 'd' };
	char ciphers[HASH_DIGITS + 1], extensions[HASH_DIGITS + 1];

	if (!take_hello(&c, &h) || overflowed(&h))
		return false;
	hash_ciphers(&h, ciphers);
	hash_extensions(&h, extensions);
	snprintf(out, JA4_LENGTH + 1, "%c%s%c%02u%02u%c%c_%s_%s", transport,
		 version_code(h.version), h.sni ? 'd' : 'i', at_most_99(h.ciphers.count),
		 at_most_99(h.extensions.count), h.alpn[0], h.alpn[1], ciphers, extensions);
	return true;
}
