/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Naming the application of a flow. dissect.c is the only file that includes nDPI's headers.
 * A dissector is not thread safe and a flow stays with one dissector (ntop/nDPI#1344).
 */
#ifndef USER_DISSECT_H
#define USER_DISSECT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "meter/types.h"

struct dissector;
struct dissect_state; /* of one flow while it is being dissected */

/* What was read out of the packets. Absent texts are "", never NULL. */
struct app_text {
	const char *host;               /* SNI, HTTP Host, DNS name ...: nDPI's host_server_name */
	const char *client_fingerprint; /* JA3, HASSH or DHCP fingerprint, as NFStream */
	const char *server_fingerprint; /* JA3S, HASSH server */
	const char *client_info;        /* seed: SNI, SSH client signature, HTTP host ... */
	const char *server_info;        /* seed: certificate name, SSH server signature ... */
	const char *ja3_client, *ja3_server, *hassh_client, *hassh_server, *ja4;
	const char *user_agent, *content_type, *url, *tls_version, *alpn;
};

/* The texts of a flow in one compact heap block; free() it. NULL = all are absent. */
struct packed_text;
/* Pointers into the block. */
void packed_text_open(const struct packed_text *packed, struct app_text *out);
/* Of the block, in bytes; of NULL 0. */
size_t packed_text_size(const struct packed_text *packed);

/* The verdict on a flow. */
struct app_info {
	uint16_t master_protocol, app_protocol; /* nDPI ids; differ between its versions */
	uint16_t category;
	uint8_t guessed;    /* from ports or addresses, not from packets */
	uint8_t confidence; /* nDPI's ndpi_confidence_t value */
	uint64_t risks;     /* bit per nDPI risk number */
	struct packed_text *text;
};

struct dissect_config {
	uint32_t max_tcp, max_udp, max_other; /* packets of a flow that are looked at */
};

/* NULL when memory is short or nDPI refuses. */
struct dissector *dissector_new(const struct dissect_config *config);

/* What makes packet times times since the epoch, which certificates are judged by. */
void dissector_set_clock(struct dissector *d, uint64_t offset_ns);
void dissector_free(struct dissector *d);

/* "4.2.0" and the like. */
const char *dissector_version(void);

/*
 * Shows the next packet of a flow. *state is NULL before the first one and again once the verdict
 * in *app is final; then true is returned. ip points at the innermost IP header and has captured
 * bytes; p is what the parser found there (p->size[ACCOUNT_IP] is the length on the wire; a
 * super-packet is shown whole, with segments > 1). from_client: sent by the flow's source.
 * number: packets of the flow up to this one.
 */
bool dissect_packet(struct dissector *d, struct dissect_state **state, struct app_info *app,
		    const struct packet *p, const uint8_t *ip, uint32_t captured, bool from_client,
		    uint64_t number);

/* No more packets: the verdict becomes final, by ports if need be. *state may be NULL. */
void dissect_finish(struct dissector *d, struct dissect_state **state, struct app_info *app);

/* Names live as long as the dissector. */
const char *dissect_app_name(struct dissector *d, const struct app_info *app); /* "TLS.Google" */
const char *dissect_category_name(struct dissector *d, const struct app_info *app);
const char *dissect_confidence_name(struct dissector *d, const struct app_info *app);
/* Names of the risks, comma separated, into buf; returns buf. */
const char *dissect_risk_names(struct dissector *d, uint64_t risks, char *buf, size_t size);

#endif
