/* SPDX-License-Identifier: BSD-2-Clause */
#include "dissect.h"

#include <stdlib.h>
#include <string.h>

#include "ja4.h"
#include "meter/wire.h"
#include "ndpi_compat.h"
#include "tls_hello.h"

#define MAX_PACKET    65535 /* nDPI's lengths have 16 bits */
#define MAX_SPARE     4096  /* states kept for the next flows */
#define NAME_SLOTS    1024
#define NS_PER_MS     1000000u

/* nDPI's flow struct follows, zeroed. */
struct dissect_state {
	struct dissect_state *next_spare;
	struct tls_hello hello;
	char ja4[JA4_LENGTH + 1];
	bool hello_done;
	_Alignas(16) char ndpi[];
};

struct app_name {
	uint32_t key; /* master << 16 | app, plus 1; 0 = empty */
	char text[60];
};

struct dissector {
	struct dissect_config config;
	struct ndpi_detection_module_struct *module;
	struct dissect_state *spare;
	uint32_t spare_count;
	size_t ndpi_size;
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
	d->ndpi_size = ndpi_detection_get_sizeof_ndpi_flow_struct();
	d->module = compat_module_new();
	if (!d->module) {
		free(d);
		return NULL;
	}
	return d;
}

void dissector_free(struct dissector *d)
{
	if (!d)
		return;
	while (d->spare) {
		struct dissect_state *s = d->spare;

		d->spare = s->next_spare;
		free(s);
	}
	ndpi_exit_detection_module(d->module);
	free(d);
}

const char *dissector_version(void)
{
	return ndpi_revision();
}

static struct ndpi_flow_struct *ndpi_of(struct dissect_state *s)
{
	return (struct ndpi_flow_struct *)s->ndpi;
}

static struct dissect_state *state_new(struct dissector *d)
{
	struct dissect_state *s = d->spare;

	if (s) {
		d->spare = s->next_spare;
		d->spare_count--;
	} else {
		s = malloc(sizeof(*s) + d->ndpi_size);
	}
	if (s)
		memset(s, 0, sizeof(*s) + d->ndpi_size);
	return s;
}

static void state_free(struct dissector *d, struct dissect_state *s)
{
	tls_hello_free(&s->hello);
	ndpi_free_flow_data(ndpi_of(s));
	if (d->spare_count >= MAX_SPARE) {
		free(s);
		return;
	}
	s->next_spare = d->spare;
	d->spare = s;
	d->spare_count++;
}

static uint32_t packet_limit(const struct dissector *d, uint8_t protocol)
{
	return protocol == PROTO_TCP ? d->config.max_tcp :
	       protocol == PROTO_UDP ? d->config.max_udp :
				       d->config.max_other;
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

/* The ClientHello is the client's first data; segments of it arrive in order or JA4 stays empty. */
static void watch_hello(struct dissect_state *s, const struct packet *p, const uint8_t *ip,
			uint32_t captured)
{
	uint32_t start = p->payload_offset - p->ip_offset, end;

	if (s->hello_done || p->key.protocol != PROTO_TCP || !p->has_l4 ||
	    !p->size[ACCOUNT_PAYLOAD])
		return;
	end = start + p->size[ACCOUNT_PAYLOAD];
	if (end > captured)
		end = captured;
	if (start > end)
		return;
	switch (tls_hello_add(&s->hello, p->tcp_seq, ip + start, end - start)) {
	case TLS_HELLO_MORE:
		return;
	case TLS_HELLO_COMPLETE:
		if (!ja4_client(s->hello.bytes, s->hello.length, 't', s->ja4))
			s->ja4[0] = '\0';
		break;
	case TLS_HELLO_NONE:
		break;
	}
	s->hello_done = true;
	tls_hello_free(&s->hello);
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
	t->ja4 = s->ja4;
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

/* What a packet says may hold anything; what a record says is printable ASCII or UTF-8. */
static char *copy_clean(char *to, const char *from)
{
	for (; *from; from++)
		*to++ = (unsigned char)*from < ' ' || *from == 0x7f ? '?' : *from;
	*to++ = '\0';
	return to;
}

/* One block for the table of pointers and all texts; NULL when there is none. */
static struct app_text *text_copy(const struct app_text *from)
{
	enum { COUNT = sizeof(*from) / sizeof(char *) };
	const char *const *in = (const char *const *)from;
	const char **out;
	size_t length = 0;
	struct app_text *copy;
	char *to;

	for (size_t i = 0; i < COUNT; i++)
		length += in[i] && *in[i] ? strlen(in[i]) + 1 : 0;
	if (!length)
		return NULL;
	copy = malloc(sizeof(*copy) + length);
	if (!copy)
		return NULL;
	out = (const char **)copy;
	to = (char *)(copy + 1);
	for (size_t i = 0; i < COUNT; i++) {
		out[i] = "";
		if (!in[i] || !*in[i])
			continue;
		out[i] = to;
		to = copy_clean(to, in[i]);
	}
	return copy;
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
	struct ndpi_flow_struct *f = ndpi_of(*state);
	struct app_text text = { 0 };

#if NDPI_HAS_CONFIDENCE
	app->confidence = f->confidence;
#endif
	app->risks = f->risk;
	read_text(*state, f, app, &text);
	app->text = text_copy(&text);
	state_free(d, *state);
	*state = NULL;
}

static void give_up(struct dissector *d, struct dissect_state *state, struct app_info *app)
{
	bool guessed = false;
	ndpi_protocol p;

	if (app->app_protocol != NDPI_PROTOCOL_UNKNOWN)
		return;
	p = compat_giveup(d->module, ndpi_of(state), &guessed);
	set_protocol(app, &p);
	app->guessed = guessed;
}

bool dissect_packet(struct dissector *d, struct dissect_state **state, struct app_info *app,
		    const struct packet *p, const uint8_t *ip, uint32_t captured, bool from_client,
		    uint64_t number)
{
	uint32_t limit = packet_limit(d, p->key.protocol), length = captured;
	ndpi_protocol protocol;
	bool final = false;

	if (!limit)
		return true;
	if (!*state) {
		*state = state_new(d);
		if (!*state)
			return true;
	}
	if (p->fragment != FRAGMENT_LATER) {
		const uint8_t *shown = clamp(d, p, ip, &length);

		protocol = compat_process(d->module, ndpi_of(*state), shown, length,
					  p->time_ns / NS_PER_MS);
		set_protocol(app, &protocol);
		final = compat_is_final(d->module, ndpi_of(*state), &protocol);
		if (from_client)
			watch_hello(*state, p, ip, length);
	}
	if (!final && number < limit)
		return false;
	give_up(d, *state, app);
	conclude(d, state, app);
	return true;
}

void dissect_finish(struct dissector *d, struct dissect_state **state, struct app_info *app)
{
	if (!*state)
		return;
	give_up(d, *state, app);
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
