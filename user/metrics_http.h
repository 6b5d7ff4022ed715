/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A small HTTP server in a thread of its own, which takes no signals: GET and HEAD of a few pages,
 * made anew for each request. What clients can take from it is bounded: their number, the length
 * of a request, and the time from connecting to the end of the answer.
 */
#ifndef USER_METRICS_HTTP_H
#define USER_METRICS_HTTP_H

#include <stddef.h>

#include "text_buffer.h"

struct metrics_page {
	const char *path; /* "/metrics" */
	const char *type; /* Content-Type */
	/* Makes the page, in the server's thread; returns its status: 200 and the like. */
	unsigned int (*make)(void *context, struct text_buffer *out);
};

struct metrics_http;

/*
 * Listens at address, which metrics_address_parse() takes, and serves the pages, up to one without
 * a path; they are borrowed. 0, or a negative errno other than -EINVAL after a message.
 */
int metrics_http_start(struct metrics_http **out, const char *address,
		       const struct metrics_page *pages, void *context);
/* Why the system did not let a client in since this was asked last, an errno; 0: it let all in. */
int metrics_http_refused(struct metrics_http *h);
/* What to do about an errno of this server. */
const char *metrics_http_mend(int error);
/* Returns when the thread has ended; no page is made any more. NULL is allowed. */
void metrics_http_stop(struct metrics_http *h);

const char *metrics_http_version(void);

#endif
