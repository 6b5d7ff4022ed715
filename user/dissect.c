/* SPDX-License-Identifier: BSD-2-Clause */
#include "dissect.h"

#include <stdlib.h>
#include <string.h>

#include "ja4.h"
#include "meter/wire.h"
#include "ndpi_compat.h"
#include "tls_hello.h"

#define MAX_PACKET 65535 /* nDPI's lengths have 16 bits */
#define NAME_SLOTS 1024
#define NS_PER_MS  1000000u

/* The ClientHello of a flow that begins like TLS. */
struct client_hello {
	struct tls_hello message;
	char ja4[JA4_LENGTH + 1];
	bool done;
};

/*
 * nDPI's flow struct (688 bytes in 4.2) between two packets, without its words that are zero,
 * which are most: with a million flows that is what memory goes to. While nDPI works, the struct
 * stands in the dissector; nothing in it points into itself.
 */
struct dissect_state {
	struct client_hello *hello;
	uint32_t room;    /* words */
	uint64_t words[]; /* a bit for each word of the struct, then those that are not zero */
};

struct app_name {
	uint32_t key; /* master << 16 | app, plus 1; 0 = empty */
	char text[60];
};

struct dissector {
	struct dissect_config config;
	struct ndpi_detection_module_struct *module;
	uint64_t *scratch; /* nDPI's flow struct while it is worked on */
	uint32_t scratch_words, bitmap_words;
	struct app_name names[NAME_SLOTS];
	char overflow_name[60]; /* when all slots of the probe sequence are taken */
	uint8_t packet[MAX_PACKET];
};

struct dissector *dissector_new(const struct dissect_config *config)
{
	struct dissector *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->config = *config;
	d->scratch_words = (ndpi_detection_get_sizeof_ndpi_flow_struct() + 7) / 8;
	d->bitmap_words = (d->scratch_words + 63) / 64;
	d->scratch = calloc(d->scratch_words, sizeof(*d->scratch));
	d->module = d->scratch ? compat_module_new() : NULL;
	if (!d->module) {
		free(d->scratch);
		free(d);
		return NULL;
	}
	return d;
}

void dissector_free(struct dissector *d)
{
	if (!d)
		return;
	ndpi_exit_detection_module(d->module);
	free(d->scratch);
	free(d);
}

const char *dissector_version(void)
{
	return ndpi_revision();
}

static struct ndpi_flow_struct *ndpi_of(struct dissector *d)
{
	return (struct ndpi_flow_struct *)d->scratch;
}

static void state_load(struct dissector *d, const struct dissect_state *s)
{
	const uint64_t *bitmap, *word;

	memset(d->scratch, 0, d->scratch_words * sizeof(*d->scratch));
	if (!s)
		return;
	bitmap = s->words;
	word = bitmap + d->bitmap_words;
	for (uint32_t b = 0; b < d->bitmap_words; b++)
		for (uint64_t bits = bitmap[b]; bits; bits &= bits - 1)
			d->scratch[b * 64 + __builtin_ctzll(bits)] = *word++;
}

static uint32_t count_words(const struct dissector *d)
{
	uint32_t count = d->bitmap_words;

	for (uint32_t i = 0; i < d->scratch_words; i++)
		count += d->scratch[i] != 0;
	return count;
}

/* False when memory is short; *state is as it was. */
static bool state_save(struct dissector *d, struct dissect_state **state)
{
	uint32_t count = count_words(d);
	struct dissect_state *s = *state;
	uint64_t *bitmap, *word;

	if (!s || s->room < count) {
		s = realloc(*state, sizeof(*s) + count * sizeof(s->words[0]));
		if (!s)
			return false;
		if (!*state)
			s->hello = NULL;
		s->room = count;
		*state = s;
	}
	bitmap = s->words;
	word = bitmap + d->bitmap_words;
	memset(bitmap, 0, d->bitmap_words * sizeof(*bitmap));
	for (uint32_t i = 0; i < d->scratch_words; i++) {
		if (!d->scratch[i])
			continue;
		bitmap[i / 64] |= 1ull << i % 64;
		*word++ = d->scratch[i];
	}
	return true;
}

static void state_free(struct dissector *d, struct dissect_state **state)
{
	ndpi_free_flow_data(ndpi_of(d));
	if (!*state)
		return;
	if ((*state)->hello) {
		tls_hello_free(&(*state)->hello->message);
		free((*state)->hello);
	}
	free(*state);
	*state = NULL;
}

static uint32_t packet_limit(const struct dissector *d, uint8_t protocol)
{
	return protocol == PROTO_TCP   ? d->config.max_tcp
	       : protocol == PROTO_UDP ? d->config.max_udp
				       : d->config.max_other;
}

static void put_be16(uint8_t *at, uint32_t value)
{
	at[0] = value >> 8;
	at[1] = value;
}

/*
 * nDPI 4.2 refuses a packet that says it is longer than what there is: then it gets a copy whose
 * lengths are what was captured.
 */
static const uint8_t *clamp(struct dissector *d, const struct packet *p, const uint8_t *ip,
			    uint32_t *length)
{
	uint32_t l4 = p->l4_offset - p->ip_offset;

	if (*length > p->size[ACCOUNT_IP])
		*length = p->size[ACCOUNT_IP]; /* Ethernet padding */
	if (*length > MAX_PACKET)
		*length = MAX_PACKET;
	if (*length == p->size[ACCOUNT_IP] && (ip[2] | ip[3] || p->key.ip_version == 6))
		return ip;
	memcpy(d->packet, ip, *length);
	if (p->key.ip_version == 4)
		put_be16(d->packet + 2, *length);
	else
		put_be16(d->packet + 4, *length - sizeof(struct ipv6_header));
	if (p->key.protocol == PROTO_UDP && p->has_l4 && *length >= l4 + 8)
		put_be16(d->packet + l4 + 4, *length - l4);
	return d->packet;
}

struct payload {
	const uint8_t *bytes;
	uint32_t length; /* captured */
};

static struct payload tcp_payload(const struct packet *p, const uint8_t *ip, uint32_t captured)
{
	uint32_t start = p->payload_offset - p->ip_offset, end = start + p->size[ACCOUNT_PAYLOAD];

	if (end > captured)
		end = captured;
	if (p->key.protocol != PROTO_TCP || !p->has_l4 || start >= end)
		return (struct payload){ NULL, 0 };
	return (struct payload){ ip + start, end - start };
}

/* Whether the data may belong to a ClientHello, the first that a client sends. */
static bool may_be_hello(const struct dissect_state *s, const struct payload *data)
{
	if (!data->length)
		return false;
	if (s && s->hello)
		return !s->hello->done;
	return data->length >= 3 && data->bytes[0] == 22 && data->bytes[1] == 3;
}

/* Its segments arrive in order, or JA4 stays empty. */
static void watch_hello(struct dissect_state *s, const struct packet *p, const struct payload *data)
{
	struct client_hello *h = s->hello;

	if (!h) {
		h = s->hello = calloc(1, sizeof(*h));
		if (!h)
			return;
	}
	switch (tls_hello_add(&h->message, p->tcp_seq, data->bytes, data->length)) {
	case TLS_HELLO_MORE: return;
	case TLS_HELLO_COMPLETE:
		if (!ja4_client(h->message.bytes, h->message.length, 't', h->ja4))
			h->ja4[0] = '\0';
		break;
	case TLS_HELLO_NONE: break;
	}
	h->done = true;
	tls_hello_free(&h->message);
}

static bool speaks(const struct app_info *app, uint16_t protocol)
{
	return app->master_protocol == protocol || app->app_protocol == protocol;
}

static bool speaks_tls(const struct app_info *app)
{
	return speaks(app, NDPI_PROTOCOL_TLS) || speaks(app, NDPI_PROTOCOL_QUIC) ||
	       speaks(app, NDPI_PROTOCOL_DTLS) || speaks(app, NDPI_PROTOCOL_MAIL_SMTPS) ||
	       speaks(app, NDPI_PROTOCOL_MAIL_IMAPS) || speaks(app, NDPI_PROTOCOL_MAIL_POPS);
}

static const char *tls_version_name(uint16_t version)
{
	switch (version) {
	case 0x0300: return "SSLv3";
	case 0x0301: return "TLSv1";
	case 0x0302: return "TLSv1.1";
	case 0x0303: return "TLSv1.2";
	case 0x0304: return "TLSv1.3";
	case 0xfeff: return "DTLSv1.0";
	case 0xfefd: return "DTLSv1.2";
	case 0xfefc: return "DTLSv1.3";
	}
	return "";
}

/* Points into nDPI's flow; nDPI's protos is a union, so only the protocol's own member is read. */
static void read_text(const struct dissect_state *s, struct ndpi_flow_struct *f,
		      const struct app_info *app, struct app_text *t)
{
	t->host = t->client_info = (const char *)f->host_server_name;
	t->user_agent = f->http.user_agent;
	t->content_type = f->http.content_type;
	t->url = f->http.url;
	t->ja4 = s && s->hello ? s->hello->ja4 : "";
	if (speaks_tls(app)) {
		t->ja3_client = t->client_fingerprint = compat_ja3_client(f);
		t->ja3_server = t->server_fingerprint = f->protos.tls_quic.ja3_server;
		t->server_info = f->protos.tls_quic.server_names;
		t->tls_version = tls_version_name(f->protos.tls_quic.ssl_version);
		t->alpn = compat_alpn(f);
	} else if (speaks(app, NDPI_PROTOCOL_SSH)) {
		t->hassh_client = t->client_fingerprint = f->protos.ssh.hassh_client;
		t->hassh_server = t->server_fingerprint = f->protos.ssh.hassh_server;
		t->client_info = f->protos.ssh.client_signature;
		t->server_info = f->protos.ssh.server_signature;
	} else if (speaks(app, NDPI_PROTOCOL_DHCP)) {
		t->client_fingerprint = compat_dhcp_fingerprint(f);
	}
}

#define TEXTS    (sizeof(struct app_text) / sizeof(char *))
#define MAX_TEXT 4000 /* bytes of one; so that offsets fit 16 bits */

struct packed_text {
	uint16_t offset[TEXTS]; /* in chars; 0 = absent */
	char chars[];           /* the first is 0: the absent text */
};

void packed_text_open(const struct packed_text *packed, struct app_text *out)
{
	const char **texts = (const char **)out;

	for (size_t i = 0; i < TEXTS; i++)
		texts[i] = packed ? packed->chars + packed->offset[i] : "";
}

/* What a packet says may hold anything; what a record says has no control characters. */
static size_t copy_clean(char *to, const char *from, size_t length)
{
	for (size_t i = 0; i < length; i++)
		to[i] = (unsigned char)from[i] < ' ' || from[i] == 0x7f ? '?' : from[i];
	to[length] = '\0';
	return length + 1;
}

static struct packed_text *text_pack(const struct app_text *from)
{
	const char *const *texts = (const char *const *)from;
	size_t length[TEXTS], total = 0, at = 1;
	struct packed_text *packed;

	for (size_t i = 0; i < TEXTS; i++) {
		length[i] = texts[i] ? strnlen(texts[i], MAX_TEXT) : 0;
		total += length[i] ? length[i] + 1 : 0;
	}
	if (!total)
		return NULL;
	packed = calloc(1, sizeof(*packed) + 1 + total);
	for (size_t i = 0; packed && i < TEXTS; i++) {
		if (!length[i])
			continue;
		packed->offset[i] = at;
		at += copy_clean(packed->chars + at, texts[i], length[i]);
	}
	return packed;
}

static void set_protocol(struct app_info *app, const ndpi_protocol *p)
{
	app->master_protocol = compat_master(p);
	app->app_protocol = compat_app(p);
	app->category = p->category;
}

/* The verdict is final: out of nDPI's memory into ours. */
static void conclude(struct dissector *d, struct dissect_state **state, struct app_info *app)
{
	struct ndpi_flow_struct *f = ndpi_of(d);
	struct app_text text = { 0 };

#if NDPI_HAS_CONFIDENCE
	app->confidence = f->confidence;
#endif
	app->risks = f->risk;
	read_text(*state, f, app, &text);
	app->text = text_pack(&text);
	state_free(d, state);
}

static void give_up(struct dissector *d, struct app_info *app)
{
	bool guessed = false;
	ndpi_protocol p;

	if (app->app_protocol != NDPI_PROTOCOL_UNKNOWN)
		return;
	p = compat_giveup(d->module, ndpi_of(d), &guessed);
	set_protocol(app, &p);
	app->guessed = guessed;
}

/* True when nDPI has learnt all it can. */
static bool show(struct dissector *d, struct app_info *app, const struct packet *p,
		 const uint8_t *ip, uint32_t captured)
{
	uint32_t length = captured;
	const uint8_t *shown = clamp(d, p, ip, &length);
	ndpi_protocol protocol =
		compat_process(d->module, ndpi_of(d), shown, length, p->time_ns / NS_PER_MS);

	set_protocol(app, &protocol);
	return compat_is_final(d->module, ndpi_of(d), &protocol);
}

bool dissect_packet(struct dissector *d, struct dissect_state **state, struct app_info *app,
		    const struct packet *p, const uint8_t *ip, uint32_t captured, bool from_client,
		    uint64_t number)
{
	uint32_t limit = packet_limit(d, p->key.protocol);
	bool final = false, saved = true, hello;
	struct payload data;

	if (!limit)
		return true;
	data = tcp_payload(p, ip, captured);
	hello = from_client && may_be_hello(*state, &data);
	state_load(d, *state);
	if (p->fragment != FRAGMENT_LATER)
		final = show(d, app, p, ip, captured);
	if (!final || hello)
		saved = state_save(d, state);
	if (hello && saved)
		watch_hello(*state, p, &data);
	if (!final && saved && number < limit)
		return false;
	if (!final)
		give_up(d, app);
	conclude(d, state, app);
	return true;
}

void dissect_finish(struct dissector *d, struct dissect_state **state, struct app_info *app)
{
	if (!*state)
		return;
	state_load(d, *state);
	give_up(d, app);
	conclude(d, state, app);
}

const char *dissect_app_name(struct dissector *d, const struct app_info *app)
{
	uint32_t key = ((uint32_t)app->master_protocol << 16 | app->app_protocol) + 1;
	uint32_t slot = key * 2654435761u >> 22;

	for (int i = 0; i < NAME_SLOTS; i++, slot = (slot + 1) % NAME_SLOTS) {
		struct app_name *name = &d->names[slot];

		if (name->key == key)
			return name->text;
		if (name->key)
			continue;
		name->key = key;
		compat_name(d->module, app->master_protocol, app->app_protocol, name->text,
			    sizeof(name->text));
		return name->text;
	}
	compat_name(d->module, app->master_protocol, app->app_protocol, d->overflow_name,
		    sizeof(d->overflow_name));
	return d->overflow_name;
}

const char *dissect_category_name(struct dissector *d, const struct app_info *app)
{
	const char *name = ndpi_category_get_name(d->module, app->category);

	return name ? name : "";
}

const char *dissect_confidence_name(struct dissector *d, const struct app_info *app)
{
	(void)d;
	return ndpi_confidence_get_name(app->confidence);
}

const char *dissect_risk_names(struct dissector *d, uint64_t risks, char *buf, size_t size)
{
	size_t used = 0;

	(void)d;
	buf[0] = '\0';
	for (int risk = 0; risk < 64 && used + 2 < size; risk++) {
		int n;

		if (!(risks >> risk & 1))
			continue;
		n = snprintf(buf + used, size - used, "%s%s", used ? "," : "", ndpi_risk2str(risk));
		used = n < 0 || (size_t)n >= size - used ? size : used + n;
	}
	return buf;
}
