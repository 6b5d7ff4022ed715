/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * HTTP APIs that take records of JSON in a shape of their own, known by the end of the URL's path:
 * Loki's /loki/api/v1/push, and /_bulk of Elasticsearch and OpenSearch.
 */
#ifndef USER_HTTP_API_H
#define USER_HTTP_API_H

#include <stddef.h>
#include <stdint.h>

#include "record.h"
#include "text_buffer.h"
#include "transport.h"

struct http_api {
	const char *path; /* how the URL's path ends */
	const char *content_type;
	const char *const *tells; /* columns that a body tells whatever is chosen, up to NULL */
	/* What starts a body; probe may be NULL, then it is not told. */
	void (*begin)(struct text_buffer *out, const char *probe);
	/* One record: its object in JSON, of this length, without a line end. */
	void (*row)(struct text_buffer *out, const struct flow_record *r, const char *json,
		    size_t length);
	/* What ends a body that has at least one record. */
	void (*end)(struct text_buffer *out);
	/*
	 * What an answer of status 2xx says. 0, with *refused records that will never be taken
	 * and the first one's cause in why; -EBUSY: some may be taken later, and none twice;
	 * -EBADMSG: it is no answer of this API. NULL: the status says it all.
	 */
	int (*judge)(const char *body, size_t length, uint32_t *refused,
		     char why[TRANSPORT_WHY_SIZE]);
};

/* Of "host[:port]/path[?query]"; NULL: rows go as they are. */
const struct http_api *http_api_of(const char *address);

#endif
