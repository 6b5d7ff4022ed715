/* SPDX-License-Identifier: BSD-2-Clause */
#include "ja4.h"

#include <ctype.h>
#include <gcrypt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_CODES 256 /* more ciphers or extensions than that are no client's */

enum { EXT_SNI = 0, EXT_SIGNATURES = 13, EXT_ALPN = 16, EXT_VERSIONS = 43 };

struct codes {
	uint16_t items[MAX_CODES];
	size_t count;
};

struct cursor {
	const uint8_t *at, *end;
	bool broken;
};

struct hello {
	struct codes ciphers, extensions, signatures;
	uint16_t version;
	bool sni;
	char alpn[2];
};

static uint32_t take_number(struct cursor *c, size_t bytes)
{
	uint32_t value = 0;

	if ((size_t)(c->end - c->at) < bytes) {
		c->broken = true;
		return 0;
	}
	while (bytes--)
		value = value << 8 | *c->at++;
	return value;
}

/* A part of its own, behind a length of length_bytes. */
static struct cursor take_vector(struct cursor *c, size_t length_bytes)
{
	uint32_t length = take_number(c, length_bytes);
	struct cursor part = { c->at, c->at + length, false };

	if (c->broken || (size_t)(c->end - c->at) < length) {
		c->broken = true;
		return (struct cursor){ c->end, c->end, true };
	}
	c->at += length;
	return part;
}

/* RFC 8701: values that servers must ignore. */
static bool is_grease(uint16_t code)
{
	return (code & 0x0f0f) == 0x0a0a && code >> 8 == (code & 0xff);
}

static void add_code(struct codes *codes, uint16_t code)
{
	if (!is_grease(code) && codes->count < MAX_CODES)
		codes->items[codes->count++] = code;
}

static void take_codes(struct cursor *c, struct codes *codes)
{
	while (!c->broken && c->end - c->at >= 2)
		add_code(codes, take_number(c, 2));
}

/* First and last character of the first protocol; hex digits if either is not alphanumeric. */
static void take_alpn(struct cursor *c, struct hello *h)
{
	struct cursor list = take_vector(c, 2), name = take_vector(&list, 1);
	uint8_t first, last;

	if (name.broken || name.at == name.end)
		return;
	first = name.at[0];
	last = name.end[-1];
	h->alpn[0] = first;
	h->alpn[1] = last;
	if (!isascii(first) || !isalnum(first) || !isascii(last) || !isalnum(last)) {
		h->alpn[0] = "0123456789abcdef"[first >> 4];
		h->alpn[1] = "0123456789abcdef"[last & 15];
	}
}

static void take_versions(struct cursor *c, struct hello *h)
{
	struct cursor list = take_vector(c, 1);
	struct codes versions = { .count = 0 };

	take_codes(&list, &versions);
	if (versions.count)
		h->version = 0;
	for (size_t i = 0; i < versions.count; i++)
		if (versions.items[i] > h->version)
			h->version = versions.items[i];
}

static void take_extension(struct cursor *c, struct hello *h)
{
	uint16_t type = take_number(c, 2);
	struct cursor body = take_vector(c, 2), list;

	if (c->broken)
		return;
	add_code(&h->extensions, type);
	switch (type) {
	case EXT_SNI: h->sni = true; break;
	case EXT_ALPN: take_alpn(&body, h); break;
	case EXT_VERSIONS: take_versions(&body, h); break;
	case EXT_SIGNATURES:
		list = take_vector(&body, 2);
		take_codes(&list, &h->signatures);
		break;
	}
}

/* RFC 8446 section 4.1.2. */
static bool take_hello(struct cursor *c, struct hello *h)
{
	struct cursor part;

	if (take_number(c, 1) != 1)
		return false;
	part = take_vector(c, 3);
	*c = part;
	h->version = take_number(c, 2);
	for (int i = 0; i < 8; i++)
		take_number(c, 4); /* random */
	take_vector(c, 1);         /* session id */
	part = take_vector(c, 2);
	take_codes(&part, &h->ciphers);
	take_vector(c, 1); /* compression methods */
	if (c->broken)
		return false;
	if (c->at == c->end) /* a hello may have no extensions */
		return true;
	part = take_vector(c, 2);
	while (!part.broken && part.at < part.end)
		take_extension(&part, h);
	return !c->broken && !part.broken;
}

static int by_value(const void *a, const void *b)
{
	return *(const uint16_t *)a - *(const uint16_t *)b;
}

static size_t put_list(char *to, const struct codes *codes)
{
	size_t n = 0;

	for (size_t i = 0; i < codes->count; i++)
		n += sprintf(to + n, "%s%04x", i ? "," : "", codes->items[i]);
	return n;
}

/* First 12 hex digits of SHA-256; zeros for an empty list. */
static void put_hash(char out[13], const char *text, size_t length)
{
	uint8_t digest[32];

	if (!length) {
		memcpy(out, "000000000000", 13);
		return;
	}
	gcry_md_hash_buffer(GCRY_MD_SHA256, digest, text, length);
	for (int i = 0; i < 6; i++)
		sprintf(out + 2 * i, "%02x", digest[i]);
}

static void hash_ciphers(const struct hello *h, char out[13])
{
	struct codes sorted = h->ciphers;
	char text[MAX_CODES * 5 + 1];

	qsort(sorted.items, sorted.count, sizeof(sorted.items[0]), by_value);
	put_hash(out, text, put_list(text, &sorted));
}

/* Sorted, without SNI and ALPN, then the signature algorithms as sent. */
static void hash_extensions(const struct hello *h, char out[13])
{
	struct codes sorted = { .count = 0 };
	char text[2 * MAX_CODES * 5 + 2];
	size_t n;

	for (size_t i = 0; i < h->extensions.count; i++)
		if (h->extensions.items[i] != EXT_SNI && h->extensions.items[i] != EXT_ALPN)
			add_code(&sorted, h->extensions.items[i]);
	qsort(sorted.items, sorted.count, sizeof(sorted.items[0]), by_value);
	n = put_list(text, &sorted);
	if (n && h->signatures.count) {
		text[n++] = '_';
		n += put_list(text + n, &h->signatures);
	}
	put_hash(out, text, n);
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
	struct cursor c = { hello, hello + length, false };
	struct hello h = { .alpn = { '0', '0' } };
	char ciphers[13], extensions[13];

	if (!take_hello(&c, &h))
		return false;
	hash_ciphers(&h, ciphers);
	hash_extensions(&h, extensions);
	snprintf(out, JA4_LENGTH + 1, "%c%s%c%02u%02u%c%c_%s_%s", transport,
		 version_code(h.version), h.sni ? 'd' : 'i', at_most_99(h.ciphers.count),
		 at_most_99(h.extensions.count), h.alpn[0], h.alpn[1], ciphers, extensions);
	return true;
}
