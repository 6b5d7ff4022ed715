/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Lines of JSON in compressed batches, one POST each: ClickHouse (INSERT ... FORMAT JSONEachRow),
 * Vector, Logstash, Fluent Bit and whatever else takes newline-delimited JSON; and APIs that want
 * them in another shape, see http_api.h.
 */
#include <curl/curl.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "http_api.h"
#include "transport.h"

#define HTTP_BATCH_BYTES 262144u
#define API_ANSWER_BYTES 8388608u /* a bulk API tells of each of some thousand records */
#define WORDS_BYTES      120u
#define CONNECT_S        10L
#define REQUEST_S        30L
#define GZIP_WINDOW      (15 + 16) /* zlib's way to ask for a gzip header */
#define SPEED            1         /* JSON shrinks to a tenth at any level */

struct transport {
	char *url;
	CURL *curl;
	struct curl_slist *headers;
	unsigned char *packed;
	size_t room;
	const atomic_bool *ending;  /* of the call at hand */
	const struct http_api *api; /* NULL: lines */
	char *answer;               /* of the last request, as much as fits */
	size_t answer_length;
	uint32_t refused; /* of the last message, by its answer */
};

static pthread_once_t once = PTHREAD_ONCE_INIT;

static void start_curl(void)
{
	curl_global_init(CURL_GLOBAL_DEFAULT);
}

static void http_close(struct transport *t)
{
	curl_slist_free_all(t->headers);
	if (t->curl)
		curl_easy_cleanup(t->curl);
	free(t->packed);
	free(t->answer);
	free(t->url);
	free(t);
}

/* An answer tells what became of each record, or in its first words why none was taken. */
static size_t answer_room(const struct transport *t)
{
	return t->api && t->api->judge ? API_ANSWER_BYTES : WORDS_BYTES;
}

/* The rest is read and dropped. */
static size_t keep_answer(char *bytes, size_t size, size_t count, void *context)
{
	struct transport *t = context;
	size_t room = answer_room(t) - t->answer_length, more = size * count;
	size_t kept = more < room ? more : room;
	char *grown = kept ? realloc(t->answer, t->answer_length + kept) : NULL;

	if (grown) {
		memcpy(grown + t->answer_length, bytes, kept);
		t->answer = grown;
		t->answer_length += kept;
	}
	return more;
}

/* Not 0: the request ends. */
static int should_end(void *context, curl_off_t a, curl_off_t b, curl_off_t c, curl_off_t d)
{
	const struct transport *t = context;

	(void)a;
	(void)b;
	(void)c;
	(void)d;
	return t->ending && *t->ending;
}

static bool set_options(struct transport *t)
{
	char type[64];
	const char *const lines[] = { type, "Content-Encoding: gzip", "Expect:" };

	snprintf(type, sizeof(type), "Content-Type: %s",
		 t->api ? t->api->content_type : "application/x-ndjson");
	for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
		struct curl_slist *longer = curl_slist_append(t->headers, lines[i]);

		if (!longer)
			return false;
		t->headers = longer;
	}
	return !curl_easy_setopt(t->curl, CURLOPT_URL, t->url) &&
	       !curl_easy_setopt(t->curl, CURLOPT_PROTOCOLS_STR, "http,https") &&
	       !curl_easy_setopt(t->curl, CURLOPT_HTTPHEADER, t->headers) &&
	       !curl_easy_setopt(t->curl, CURLOPT_USERAGENT, "weir/" WEIR_VERSION) &&
	       !curl_easy_setopt(t->curl, CURLOPT_POST, 1L) &&
	       !curl_easy_setopt(t->curl, CURLOPT_NOSIGNAL, 1L) &&
	       !curl_easy_setopt(t->curl, CURLOPT_CONNECTTIMEOUT, CONNECT_S) &&
	       !curl_easy_setopt(t->curl, CURLOPT_TIMEOUT, REQUEST_S) &&
	       !curl_easy_setopt(t->curl, CURLOPT_WRITEFUNCTION, keep_answer) &&
	       !curl_easy_setopt(t->curl, CURLOPT_WRITEDATA, t) &&
	       !curl_easy_setopt(t->curl, CURLOPT_XFERINFOFUNCTION, should_end) &&
	       !curl_easy_setopt(t->curl, CURLOPT_XFERINFODATA, t) &&
	       !curl_easy_setopt(t->curl, CURLOPT_NOPROGRESS, 0L);
}

/* curl's parser decides what an URL is. */
static bool is_url(const char *text)
{
	CURLU *url = curl_url();
	char *host = NULL;
	bool good = url && !curl_url_set(url, CURLUPART_URL, text, 0) &&
		    !curl_url_get(url, CURLUPART_HOST, &host, 0);

	curl_free(host);
	curl_url_cleanup(url);
	return good;
}

static int open_url(struct transport **out, const char *scheme, const char *address,
		    char why[TRANSPORT_WHY_SIZE])
{
	struct transport *t = calloc(1, sizeof(*t));

	*out = NULL;
	pthread_once(&once, start_curl);
	if (!t || asprintf(&t->url, "%s://%s", scheme, address) < 0) {
		free(t);
		return -ENOMEM;
	}
	if (!is_url(t->url)) {
		snprintf(why, TRANSPORT_WHY_SIZE, "is no URL; give http://host[:port]/path?query");
		http_close(t);
		return -EINVAL;
	}
	t->api = http_api_of(address);
	t->curl = curl_easy_init();
	if (!t->curl || !set_options(t)) {
		http_close(t);
		return -ENOMEM;
	}
	*out = t;
	return 0;
}

static int http_open(struct transport **out, const char *address, char why[TRANSPORT_WHY_SIZE])
{
	return open_url(out, "http", address, why);
}

static int https_open(struct transport **out, const char *address, char why[TRANSPORT_WHY_SIZE])
{
	return open_url(out, "https", address, why);
}

/* curl connects when it sends, and keeps the connection. */
static int http_connect(struct transport *t, const atomic_bool *ending,
			char why[TRANSPORT_WHY_SIZE])
{
	(void)t;
	(void)ending;
	(void)why;
	return 0;
}

static void http_disconnect(struct transport *t)
{
	(void)t;
}

/* Into t->packed; its length, or 0 when memory is short. */
static size_t pack(struct transport *t, const void *bytes, size_t length)
{
	z_stream z = { .next_in = (unsigned char *)bytes, .avail_in = (uInt)length };
	size_t room, packed = 0;

	if (deflateInit2(&z, SPEED, Z_DEFLATED, GZIP_WINDOW, 8, Z_DEFAULT_STRATEGY) != Z_OK)
		return 0;
	room = deflateBound(&z, (uLong)length);
	if (room > t->room) {
		unsigned char *grown = realloc(t->packed, room);

		t->packed = grown ? grown : t->packed;
		t->room = grown ? room : t->room;
	}
	if (room <= t->room) {
		z.next_out = t->packed;
		z.avail_out = (uInt)t->room;
		packed = deflate(&z, Z_FINISH) == Z_STREAM_END ? z.total_out : 0;
	}
	deflateEnd(&z);
	return packed;
}

/* Too busy, or asked too much: later it may be taken. Other refusals are for good. */
static int judge(struct transport *t, long status, char why[TRANSPORT_WHY_SIZE])
{
	char words[WORDS_BYTES + 1];

	if (status >= 200 && status < 300)
		return t->api && t->api->judge ? t->api->judge(t->answer ? t->answer : "",
							       t->answer_length, &t->refused, why)
					       : 0;
	transport_words(words, sizeof(words), t->answer, t->answer_length);
	snprintf(why, TRANSPORT_WHY_SIZE, "HTTP status %ld%s%s", status, *words ? ": " : "", words);
	return status >= 500 || status == 408 || status == 429 ? -EBUSY : -EBADMSG;
}

static int http_send(struct transport *t, const void *bytes, size_t length,
		     const atomic_bool *ending, char why[TRANSPORT_WHY_SIZE])
{
	size_t packed = pack(t, bytes, length);
	CURLcode code;
	long status = 0;

	if (!packed) {
		snprintf(why, TRANSPORT_WHY_SIZE, "out of memory");
		return -ENOMEM;
	}
	t->ending = ending;
	t->answer_length = 0;
	t->refused = 0;
	curl_easy_setopt(t->curl, CURLOPT_POSTFIELDS, t->packed);
	curl_easy_setopt(t->curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)packed);
	code = curl_easy_perform(t->curl);
	if (code != CURLE_OK) {
		snprintf(why, TRANSPORT_WHY_SIZE, "%s", curl_easy_strerror(code));
		return -EIO;
	}
	curl_easy_getinfo(t->curl, CURLINFO_RESPONSE_CODE, &status);
	return judge(t, status, why);
}

static uint32_t http_refused(const struct transport *t)
{
	return t->refused;
}

const struct transport_ops transport_http = {
	.scheme = "http",
	.lines = true,
	.batch_bytes = HTTP_BATCH_BYTES,
	.open = http_open,
	.connect = http_connect,
	.send = http_send,
	.refused = http_refused,
	.disconnect = http_disconnect,
	.close = http_close,
};

const struct transport_ops transport_https = {
	.scheme = "https",
	.lines = true,
	.batch_bytes = HTTP_BATCH_BYTES,
	.open = https_open,
	.connect = http_connect,
	.send = http_send,
	.refused = http_refused,
	.disconnect = http_disconnect,
	.close = http_close,
};
