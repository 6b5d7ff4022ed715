/* SPDX-License-Identifier: BSD-2-Clause */
#include "dissect.h"

#include <stdlib.h>
#include <string.h>

#include "app_text.h"
#include "handshake.h"
#include "ja4.h"
#include "meter/wire.h"
#include "name_cache.h"
#include "ndpi_compat.h"
#include "sparse.h"

#define MAX_PACKET 65535 /* nDPI's lengths have 16 bits */
#define NAME_SIZE  64
#define NS_PER_MS  1000000u

/*
 * A flow between two packets: nDPI's flow struct (688 bytes in 4.2) without its words that are
 * zero, which are most: with a million flows that is what memory goes to. While a flow is worked
 * on, it stands in the dissector, and nothing in nDPI's struct points into itself.
 */
struct dissect_state {
	struct handshake *handshake;
	uint32_t room;     /* words */
	uint64_t packed[]; /* see sparse.h */
};

struct dissector {
	struct dissect_config config;
	struct ndpi_detection_module_struct *module;
	struct ndpi_flow_struct *flow; /* the one that is worked on */
	struct handshake *handshake;   /* of that flow */
	uint64_t *packed;              /* where it is packed */
	uint32_t flow_words;
	struct name_cache names; /* by master << 16 | app */
	uint8_t packet[MAX_PACKET];
	uint64_t clock_offset_ns; /* packet time + this = time since the epoch */
};

static bool dissector_alloc(struct dissector *d)
{
	d->flow_words = (ndpi_detection_get_sizeof_ndpi_flow_struct() + 7) / 8;
	d->flow = calloc(d->flow_words, sizeof(uint64_t));
	d->packed = calloc(sparse_bitmap_words(d->flow_words) + d->flow_words, sizeof(uint64_t));
	if (!d->flow || !d->packed)
		return false;
	d->module = compat_module_new();
	return d->module;
}

struct dissector *dissector_new(const struct dissect_config *config)
{
	struct dissector *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->config = *config;
	ja4_prepare();
	if (!dissector_alloc(d)) {
		dissector_free(d);
		return NULL;
	}
	return d;
}

void dissector_free(struct dissector *d)
{
	if (!d)
		return;
	if (d->module)
		ndpi_exit_detection_module(d->module);
	name_cache_free(&d->names);
	free(d->packed);
	free(d->flow);
	free(d);
}

const char *dissector_version(void)
{
	return ndpi_revision();
}

/* s may be NULL: a flow that begins. */
static void flow_load(struct dissector *d, const struct dissect_state *s)
{
	d->handshake = s ? s->handshake : NULL;
	if (s)
		sparse_unpack((uint64_t *)d->flow, d->flow_words, s->packed);
	else
		memset(d->flow, 0, d->flow_words * sizeof(uint64_t));
}

/* False when memory is short: the flow is still in the dissector. */
static bool flow_save(struct dissector *d, struct dissect_state **state)
{
	uint32_t count = sparse_pack((const uint64_t *)d->flow, d->flow_words, d->packed);
	struct dissect_state *s = *state;

	if (!s || s->room < count) {
		s = realloc(*state, sizeof(*s) + count * sizeof(s->packed[0]));
		if (!s)
			return false;
		s->room = count;
		*state = s;
	}
	s->handshake = d->handshake;
	memcpy(s->packed, d->packed, count * sizeof(s->packed[0]));
	return true;
}

static void flow_drop(struct dissector *d, struct dissect_state **state)
{
	ndpi_free_flow_data(d->flow);
	handshake_free(d->handshake);
	d->handshake = NULL;
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

/* Of the datagram, as its header says. */
static uint32_t header_length(const struct packet *p, const uint8_t *ip)
{
	if (p->key.ip_version == 4)
		return ip[2] << 8 | ip[3];
	return (ip[4] << 8 | ip[5]) + sizeof(struct ipv6_header);
}

/*
 * nDPI 4.2 refuses a packet whose header says more than there is, or nothing (a super-packet,
 * RFC 2675): it gets a copy then, whose lengths are what was captured.
 */
static const uint8_t *clamp(struct dissector *d, const struct packet *p, const uint8_t *ip,
			    uint32_t *length)
{
	uint32_t l4 = p->l4_offset - p->ip_offset;

	if (p->segments == 1 && *length > p->size[ACCOUNT_IP])
		*length = p->size[ACCOUNT_IP]; /* Ethernet padding; a super-packet has none */
	if (*length > MAX_PACKET)
		*length = MAX_PACKET;
	if (*length == header_length(p, ip))
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

/* nDPI's word: of TLS 1.3 what the server chose, else what the client named; QUIC has no other. */
static uint16_t ndpi_tls_version(const struct ndpi_flow_struct *f, const struct app_info *app)
{
	if (speaks(app, NDPI_PROTOCOL_QUIC) || f->protos.tls_quic.ja3_server[0])
		return f->protos.tls_quic.ssl_version;
	return 0;
}

/* The common name out of "C=US, O=..., CN=...", made in buf, or all of it. */
static const char *common_name(const char *subject, char *buf, size_t size)
{
	const char *name = strstr(subject, "CN=");

	if (!name)
		return subject;
	name += strlen("CN=");
	snprintf(buf, size, "%.*s", (int)strcspn(name, ","), name);
	return buf;
}

static void read_tls(const struct ndpi_flow_struct *f, const struct app_info *app,
		     struct app_text *t, char *buf, size_t size)
{
	t->ja3_client = t->client_fingerprint = compat_ja3_client(f);
	t->ja3_server = t->server_fingerprint = f->protos.tls_quic.ja3_server;
	t->server_info = f->protos.tls_quic.server_names;
	if (!t->server_info && f->protos.tls_quic.subjectDN)
		t->server_info = common_name(f->protos.tls_quic.subjectDN, buf, size);
	t->alpn = compat_alpn(f);
	if (!*t->tls_version)
		t->tls_version = tls_version_name(ndpi_tls_version(f, app));
	if (!*t->ja4)
		t->ja4 = compat_ja4_client(f);
}

/*
 * Points into nDPI's flow, and into buf for what has to be made. nDPI's protos is a union, so only
 * the protocol's own member is read.
 */
static void read_text(const struct dissector *d, const struct app_info *app, struct app_text *t,
		      char *buf, size_t size)
{
	const struct ndpi_flow_struct *f = d->flow;

	t->host = t->client_info = (const char *)f->host_server_name;
	t->user_agent = f->http.user_agent;
	t->content_type = f->http.content_type;
	t->url = f->http.url;
	t->ja4 = handshake_ja4(d->handshake);
	t->tls_version = tls_version_name(handshake_version(d->handshake));
	if (speaks_tls(app)) {
		read_tls(f, app, t, buf, size);
	} else if (speaks(app, NDPI_PROTOCOL_SSH)) {
		t->hassh_client = t->client_fingerprint = f->protos.ssh.hassh_client;
		t->hassh_server = t->server_fingerprint = f->protos.ssh.hassh_server;
		t->client_info = f->protos.ssh.client_signature;
		t->server_info = f->protos.ssh.server_signature;
	} else if (speaks(app, NDPI_PROTOCOL_DHCP)) {
		t->client_fingerprint = (const char *)f->protos.dhcp.fingerprint;
	}
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
	struct app_text text = { 0 };
	char buf[256];

	app->confidence = d->flow->confidence;
	app->risks = d->flow->risk;
	read_text(d, app, &text, buf, sizeof(buf));
	app->text = app_text_pack(&text);
	flow_drop(d, state);
}

static void give_up(struct dissector *d, struct app_info *app)
{
	bool guessed = false;
	ndpi_protocol p;

	if (app->app_protocol != NDPI_PROTOCOL_UNKNOWN && !compat_giveup_refines())
		return;
	p = compat_giveup(d->module, d->flow, &guessed);
	set_protocol(app, &p);
	app->guessed = guessed;
}

void dissector_set_clock(struct dissector *d, uint64_t offset_ns)
{
	d->clock_offset_ns = offset_ns;
}

/* True when nDPI has learnt all it can. */
static bool show(struct dissector *d, struct app_info *app, const struct packet *p,
		 const uint8_t *ip, uint32_t captured)
{
	uint32_t length = captured;
	const uint8_t *shown = clamp(d, p, ip, &length);
	uint64_t time_ms = (p->time_ns + d->clock_offset_ns) / NS_PER_MS;
	ndpi_protocol protocol = compat_process(d->module, d->flow, shown, length, time_ms);

	set_protocol(app, &protocol);
	return compat_is_final(d->module, d->flow, &protocol);
}

bool dissect_packet(struct dissector *d, struct dissect_state **state, struct app_info *app,
		    const struct packet *p, const uint8_t *ip, uint32_t captured, bool from_client,
		    uint64_t number)
{
	uint32_t limit = packet_limit(d, p->key.protocol);
	bool final = false;

	if (!limit)
		return true;
	flow_load(d, *state);
	if (p->fragment != FRAGMENT_LATER) {
		final = show(d, app, p, ip, captured);
		handshake_packet(&d->handshake, p, ip, captured, from_client);
	}
	if (!final && number < limit && flow_save(d, state))
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
	flow_load(d, *state);
	give_up(d, app);
	conclude(d, state, app);
}

const char *dissect_app_name(struct dissector *d, const struct app_info *app)
{
	uint32_t key = (uint32_t)app->master_protocol << 16 | app->app_protocol;
	const char *cached = name_cache_find(&d->names, key);
	char name[NAME_SIZE];

	if (cached)
		return cached;
	compat_name(d->module, app->master_protocol, app->app_protocol, name, sizeof(name));
	return name_cache_add(&d->names, key, name);
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
	for (; risks; risks &= risks - 1) {
		int n = snprintf(buf + used, size - used, "%s%s", used ? "," : "",
				 ndpi_risk2str(__builtin_ctzll(risks)));

		if (n < 0 || (size_t)n >= size - used) {
			buf[used] = '\0'; /* no half names */
			break;
		}
		used += n;
	}
	return buf;
}
