/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * nDPI 4.2 to 5.x under one set of names; ndpi_features.h is made by tools/ndpi-features. Included
 * by dissect.c only.
 */
#ifndef USER_NDPI_COMPAT_H
#define USER_NDPI_COMPAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <ndpi_api.h>

#include "ndpi_features.h"

static inline struct ndpi_detection_module_struct *compat_module_new(void)
{
#if NDPI_HAS_INIT_PREFS
	struct ndpi_detection_module_struct *m = ndpi_init_detection_module(ndpi_no_prefs);
#else
	struct ndpi_detection_module_struct *m = ndpi_init_detection_module(NULL);
#endif
#if NDPI_HAS_BITMASK2
	NDPI_PROTOCOL_BITMASK all;

	if (!m)
		return NULL;
	NDPI_BITMASK_SET_ALL(all);
	ndpi_set_protocol_detection_bitmask2(m, &all);
#endif
	if (m)
		ndpi_finalize_initialization(m);
	return m;
}

static inline ndpi_protocol compat_process(struct ndpi_detection_module_struct *m,
					   struct ndpi_flow_struct *f, const uint8_t *ip,
					   uint16_t length, uint64_t time_ms)
{
#if NDPI_HAS_INPUT_INFO
	return ndpi_detection_process_packet(m, f, ip, length, time_ms, NULL);
#else
	return ndpi_detection_process_packet(m, f, ip, length, time_ms);
#endif
}

static inline uint16_t compat_master(const ndpi_protocol *p)
{
#if NDPI_HAS_PROTO_MEMBER
	return p->proto.master_protocol;
#else
	return p->master_protocol;
#endif
}

static inline uint16_t compat_app(const ndpi_protocol *p)
{
#if NDPI_HAS_PROTO_MEMBER
	return p->proto.app_protocol;
#else
	return p->app_protocol;
#endif
}

/* *guessed: nDPI says so, which it does of everything that it names here for the first time. */
static inline ndpi_protocol compat_giveup(struct ndpi_detection_module_struct *m,
					  struct ndpi_flow_struct *f, bool *guessed)
{
	u_int8_t flag = 0;
	ndpi_protocol p;

#if NDPI_GIVEUP_GUESS
	p = ndpi_detection_giveup(m, f, 1, &flag);
#elif NDPI_GIVEUP_FLAG
	p = ndpi_detection_giveup(m, f, &flag);
#else
	p = ndpi_detection_giveup(m, f);
#if NDPI_HAS_WAS_GUESSED
	flag = f->protocol_was_guessed;
#else
	flag = f->confidence == NDPI_CONFIDENCE_MATCH_BY_PORT ||
	       f->confidence == NDPI_CONFIDENCE_MATCH_BY_IP;
#endif
#endif
	*guessed = flag;
	return p;
}

/* Whether giving up may still change a verdict that names an application. */
static inline bool compat_giveup_refines(void)
{
	return NDPI_HAS_STATE; /* a partial one; before 5.0 it is returned as it is */
}

/* Nothing more is to be learnt from further packets. */
static inline bool compat_is_final(struct ndpi_detection_module_struct *m,
				   struct ndpi_flow_struct *f, const ndpi_protocol *p)
{
#if NDPI_HAS_STATE
	(void)m;
	return p->state == NDPI_STATE_MONITORING ||
	       (p->state == NDPI_STATE_CLASSIFIED && !f->extra_packets_func);
#else
	return compat_app(p) != NDPI_PROTOCOL_UNKNOWN && !ndpi_extra_dissection_possible(m, f);
#endif
}

static inline void compat_name(struct ndpi_detection_module_struct *m, uint16_t master,
			       uint16_t app, char *out, size_t size)
{
	ndpi_protocol p = { 0 };

#if NDPI_HAS_PROTO_MEMBER
	p.proto.master_protocol = master;
	p.proto.app_protocol = app;
#else
	p.master_protocol = master;
	p.app_protocol = app;
#endif
#if NDPI_NAME_OF_PROTO
	ndpi_protocol2name(m, p.proto, out, size);
#else
	ndpi_protocol2name(m, p, out, size);
#endif
}

/* Gone in 4.14. */
static inline const char *compat_ja3_client(const struct ndpi_flow_struct *f)
{
#if NDPI_HAS_JA3_CLIENT
	return f->protos.tls_quic.ja3_client;
#else
	(void)f;
	return "";
#endif
}

/* Since 4.10, and of QUIC too. */
static inline const char *compat_ja4_client(const struct ndpi_flow_struct *f)
{
#if NDPI_HAS_JA4_CLIENT
	return f->protos.tls_quic.ja4_client;
#else
	(void)f;
	return "";
#endif
}

static inline const char *compat_alpn(const struct ndpi_flow_struct *f)
{
#if NDPI_HAS_ALPN
	return f->protos.tls_quic.alpn;
#else
	return f->protos.tls_quic.advertised_alpns;
#endif
}

#endif
