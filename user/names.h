/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * --names: JSON under the field names of the Elastic Common Schema 8.11 or of OCSF 1.4 (Network
 * Activity), as nested objects. One table says which column has which path there; what has none is
 * under "weir" or "unmapped" by its own name.
 */
#ifndef USER_NAMES_H
#define USER_NAMES_H

#include <stdio.h>

#include "anonymize.h"
#include "record.h"
#include "text_buffer.h"

enum names { NAMES_PLAIN, NAMES_ECS, NAMES_OCSF };

/* What a value becomes. What is absent or empty is not written. */
enum name_as {
	AS_VALUE,       /* as in plain JSON, numbers always as such */
	AS_STRING,      /* a number as text, for keywords */
	AS_TAG,         /* the same, 0 is absent */
	AS_NONZERO,     /* a number, 0 is absent */
	AS_ISO_TIME,    /* ns since the epoch, as "2023-11-14T22:13:20.000000000Z" */
	AS_NS,          /* */
	AS_MS,          /* from ns */
	AS_ADDRESS,     /* text */
	AS_MAC,         /* RFC 7042: 00-00-5E-00-53-01 */
	AS_TRANSPORT,   /* IANA's keyword of a protocol, lower case */
	AS_IP_TYPE,     /* ipv4, ipv6 */
	AS_PROTOCOL,    /* TLS.Google: tls */
	AS_APPLICATION, /* TLS.Google: google */
	AS_END,         /* why a flow ended, in words */
	AS_SNI,         /* a server name, if it is of TLS */
	AS_TLS_SNI,     /* the same, if the version is known too */
	AS_TLS_VERSION, /* TLSv1.2: 1.2 */
	AS_TLS_NAME,    /* TLSv1.2: tls */
	AS_TLS_MD5,     /* a fingerprint object of OCSF, if the version is known too */
	AS_JA4,         /* a list of one such */
	AS_TCP_FLAGS,   /* of both directions */
	AS_RECORD_ID,   /* run_id-flow_id */
	AS_EVENT_TYPE,  /* ECS event.type */
	AS_LITERAL,     /* JSON that is the same in each record */
	AS_REST,        /* AS_VALUE, under the rest */
	AS_REST_STRING, /* AS_STRING, under the rest */
	AS_HIDDEN,      /* under the rest, only if the anonymizer hides it */
};

struct name_item {
	char *path; /* "source.ip" */
	enum name_as as;
	const struct field *field; /* NULL: of no column */
	size_t column;             /* its place, or NAME_FIXED */
	const char *literal;
};

#define NAME_FIXED SIZE_MAX /* in every document */

/* What a document has, ordered by path. */
struct name_plan {
	size_t count;
	struct name_item items[];
};

/* Sets columns->names as names says. 0 or -ENOMEM after a message. */
int names_plan(struct columns *columns, enum names names);
void names_free(struct name_plan *plan);

/* `weir schema ecs`: paths, and the column or the JSON that each has. 0 or -ENOMEM. */
int names_print(FILE *to, enum names names, const struct field *added, size_t added_count);

/* One document of columns that have a plan, without a line end. */
void names_write(struct text_buffer *out, const struct columns *columns,
		 const struct flow_record *r, struct anonymizer *anonymizer);

#endif
