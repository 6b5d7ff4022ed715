/* SPDX-License-Identifier: BSD-2-Clause */
#include "handshake.h"

#include <stddef.h>
#include <stdlib.h>

#include "ja4.h"
#include "meter/wire.h"
#include "tls_hello.h"
#include "tls_read.h"

#define DTLS_RECORD_HEADER    13
#define DTLS_HANDSHAKE_HEADER 12

struct handshake {
	struct tls_hello hello; /* while it is incomplete */
	char ja4[JA4_LENGTH + 1];
	uint16_t version;
	bool hello_open, hello_done;
	bool hello_from_client; /* the side that sends it */
};

/* What a transport carries, as far as it was captured. */
struct payload {
	const uint8_t *bytes;
	uint32_t length;
	bool dtls;
};

const char *handshake_ja4(const struct handshake *h)
{
	return h ? h->ja4 : "";
}

uint16_t handshake_version(const struct handshake *h)
{
	return h ? h->version : 0;
}

void handshake_free(struct handshake *h)
{
	if (h)
		tls_hello_free(&h->hello);
	free(h);
}

static struct payload payload_of(const struct packet *p, const uint8_t *ip, uint32_t captured)
{
	uint32_t start = p->payload_offset - p->ip_offset, end = captured;

	if (p->segments == 1 && captured > start + p->size[ACCOUNT_PAYLOAD])
		end = start + p->size[ACCOUNT_PAYLOAD];
	if (!p->has_l4 || (p->key.protocol != PROTO_TCP && p->key.protocol != PROTO_UDP) ||
	    start >= end)
		return (struct payload){ NULL, 0, false };
	return (struct payload){ ip + start, end - start, p->key.protocol == PROTO_UDP };
}

/* The data starts with a handshake record. */
static bool is_handshake(const struct payload *data)
{
	return data->length > TLS_RECORD_HEADER && data->bytes[0] == TLS_HANDSHAKE &&
	       data->bytes[1] == (data->dtls ? 0xfe : 3);
}

/* Type of the handshake message that the data starts with; 0 = none. */
static uint8_t message_of(const struct payload *data)
{
	uint32_t at = data->dtls ? DTLS_RECORD_HEADER : TLS_RECORD_HEADER;

	return is_handshake(data) && data->length > at ? data->bytes[at] : 0;
}

static bool is_open(const struct handshake *h, bool from_client)
{
	return h && h->hello_open && h->hello_from_client == from_client;
}

static void close_hello(struct handshake *h)
{
	tls_hello_free(&h->hello);
	h->hello_open = false;
	h->hello_done = true;
}

static void add_hello(struct handshake *h, const struct packet *p, const struct payload *data)
{
	enum tls_hello_result result =
		data->dtls ? tls_hello_add_dtls(&h->hello, data->bytes, data->length)
			   : tls_hello_add(&h->hello, p->tcp_seq, data->bytes, data->length);

	if (result == TLS_HELLO_MORE)
		return;
	if (result == TLS_HELLO_COMPLETE &&
	    !ja4_client(h->hello.bytes, h->hello.length, data->dtls ? 'd' : 't', h->ja4))
		h->ja4[0] = '\0';
	close_hello(h);
}

/* The server's choice out of supported_versions, the only one that counts if it is there. */
static uint16_t chosen_version(struct tls_cursor extensions)
{
	while (extensions.at < extensions.end) {
		uint16_t type = tls_number(&extensions, 2);
		struct tls_cursor body = tls_vector(&extensions, 2);

		if (type == TLS_EXT_VERSIONS && !body.broken)
			return tls_number(&body, 2);
		if (extensions.broken)
			break;
	}
	return 0;
}

/* RFC 8446 section 4.1.3. 0 when the message is not whole: its end could say otherwise. */
static uint16_t server_version(const struct payload *data)
{
	struct tls_cursor c = { data->bytes, data->bytes + data->length, false }, body;
	uint16_t version, chosen;

	tls_skip(&c, data->dtls ? DTLS_RECORD_HEADER : TLS_RECORD_HEADER);
	tls_skip(&c, 1);
	if (data->dtls) /* the fragment's length is the last field of the header */
		tls_skip(&c, DTLS_HANDSHAKE_HEADER - 1 - 3);
	body = tls_vector(&c, 3);
	version = tls_number(&body, 2);
	tls_skip(&body, TLS_RANDOM);
	tls_vector(&body, 1);   /* session id */
	tls_skip(&body, 2 + 1); /* cipher suite, compression method */
	if (body.broken)
		return 0;
	chosen = chosen_version(tls_vector(&body, 2));
	return chosen ? chosen : version;
}

static struct handshake *begin(struct handshake **h)
{
	if (!*h)
		*h = calloc(1, sizeof(**h));
	return *h;
}

void handshake_packet(struct handshake **h, const struct packet *p, const uint8_t *ip,
		      uint32_t captured, bool from_client)
{
	struct payload data = payload_of(p, ip, captured);
	uint8_t message;

	if (!data.length)
		return;
	message = message_of(&data);
	if (message == TLS_CLIENT_HELLO && (!*h || (!(*h)->hello_open && !(*h)->hello_done)) &&
	    begin(h)) {
		(*h)->hello_open = true;
		(*h)->hello_from_client = from_client;
	}
	if (is_open(*h, from_client))
		add_hello(*h, p, &data);
	else if (message == TLS_SERVER_HELLO && begin(h) && !(*h)->version)
		(*h)->version = server_version(&data);
}
