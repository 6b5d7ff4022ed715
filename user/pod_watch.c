/* SPDX-License-Identifier: BSD-2-Clause */
#include "pod_watch.h"

#include <curl/curl.h>
#include <errno.h>
#include <json-c/json.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "clock.h"
#include "flow_index.h"
#include "log.h"
#include "slab.h"
#include "utf8.h"

#define NS_PER_S    1000000000ull
#define WATCH_S     300L            /* then the server ends the request, and all is told anew */
#define ANSWER_S    (WATCH_S + 30L) /* then it is ended here */
#define CONNECT_S   10L
#define RETRY_FIRST (1 * NS_PER_S)
#define RETRY_MOST  (60 * NS_PER_S)
#define OBJECT_MOST (8u << 20) /* bytes of a change */
#define PODS_MOST   65536u
#define BYTES_MOST  (32u << 20) /* of the texts of all pods */
#define TOKEN_MOST  16384

/* A container's id and name, each with its end, one pair after the other; then an empty id. */
struct watched_pod {
	char *uid, *namespace, *name, *labels, *containers;
	uint32_t hash;
	uint32_t session; /* of the requests, in which it was told of last */
};

struct pod_watch {
	char *account, *url, *certificate;
	CURLM *multi;
	CURL *request; /* NULL: none is on its way */
	struct curl_slist *headers;
	struct json_tokener *parser;
	size_t object_bytes; /* of the change that is being read */
	uint64_t retry_at_ns, retry_ns;
	uint32_t session;
	bool told;      /* what is wrong was said */
	bool told_full; /* that not all pods are kept was, too */
	char wrong[96]; /* "" = nothing is */

	struct slab pods;
	size_t bytes;           /* of their texts */
	struct slab_list order; /* of sessions */
	struct flow_index index;
};

/* --- pods ------------------------------------------------------------------------------------- */

static struct watched_pod *pod_at(const struct pod_watch *w, uint32_t number)
{
	return slab_at(&w->pods, number);
}

static uint32_t hash_of(const char *uid)
{
	return (uint32_t)XXH3_64bits(uid, strlen(uid));
}

static uint32_t pod_find(const struct pod_watch *w, const char *uid)
{
	uint32_t hash = hash_of(uid);

	for (uint32_t at = hash & w->index.mask; w->index.buckets[at].number;
	     at = (at + 1) & w->index.mask) {
		uint32_t number = w->index.buckets[at].number;

		if (w->index.buckets[at].hash == hash && !strcmp(pod_at(w, number)->uid, uid))
			return number;
	}
	return 0;
}

static void pod_clear(struct watched_pod *p)
{
	free(p->uid);
	free(p->namespace);
	free(p->name);
	free(p->labels);
	free(p->containers);
	*p = (struct watched_pod){ 0 };
}

static bool pod_is_whole(const struct watched_pod *p)
{
	return p->uid && p->namespace && p->name && p->labels && p->containers;
}

static size_t pod_bytes(const struct watched_pod *p)
{
	return malloc_usable_size(p->uid) + malloc_usable_size(p->namespace) +
	       malloc_usable_size(p->name) + malloc_usable_size(p->labels) +
	       malloc_usable_size(p->containers);
}

/* False: said once. */
static bool has_room(struct pod_watch *w, const struct watched_pod *p)
{
	if (w->pods.used < PODS_MOST && w->bytes + pod_bytes(p) <= BYTES_MOST)
		return true;
	if (!w->told_full)
		log_warning("--attribute pod: the API server tells of more than %u pods or %u MiB "
			    "of names and labels; names of the others come from --pod-logs; with "
			    "NODE_NAME only the pods of this node are watched",
			    PODS_MOST, BYTES_MOST >> 20);
	w->told_full = true;
	return false;
}

static void pod_forget(struct pod_watch *w, uint32_t number)
{
	struct watched_pod *p = pod_at(w, number);

	w->bytes -= pod_bytes(p);
	flow_index_remove(&w->index, p->hash, number);
	slab_remove(&w->pods, &w->order, number);
	pod_clear(p);
	slab_release(&w->pods, number);
}

/* Takes the texts of pod. */
static void pod_put(struct pod_watch *w, struct watched_pod *pod)
{
	uint32_t number = pod_is_whole(pod) ? pod_find(w, pod->uid) : 0;

	if (number)
		pod_forget(w, number);
	number = pod_is_whole(pod) && has_room(w, pod) ? slab_alloc(&w->pods) : 0;
	pod->hash = number ? hash_of(pod->uid) : 0;
	pod->session = w->session;
	if (number && flow_index_add(&w->index, pod->hash, number)) {
		slab_release(&w->pods, number);
		number = 0;
	}
	if (!number) {
		pod_clear(pod);
		return;
	}
	*pod_at(w, number) = *pod;
	w->bytes += pod_bytes(pod);
	slab_append(&w->pods, &w->order, number);
}

static bool session_has_pods(const struct pod_watch *w)
{
	return w->order.tail && pod_at(w, w->order.tail)->session == w->session;
}

/* Flows of a pod that is gone still end: it is kept until a whole session has not told of it. */
static void forget_old(struct pod_watch *w)
{
	while (pod_at(w, w->order.head)->session + 1 < w->session)
		pod_forget(w, w->order.head);
}

/* --- changes ---------------------------------------------------------------------------------- */

static struct json_object *member(struct json_object *o, const char *name)
{
	struct json_object *found = NULL;

	return json_object_is_type(o, json_type_object) &&
			       json_object_object_get_ex(o, name, &found)
		       ? found
		       : NULL;
}

/* "" for what is no text; never NULL. */
static const char *text_at(struct json_object *o, const char *name)
{
	struct json_object *text = member(o, name);

	return json_object_is_type(text, json_type_string) ? json_object_get_string(text) : "";
}

/* "app=cart,tier=front" */
static char *labels_of(struct json_object *metadata)
{
	struct json_object *labels = member(metadata, "labels");
	size_t size;
	char *text = NULL;
	FILE *to = open_memstream(&text, &size);

	if (!to)
		return NULL;
	if (json_object_is_type(labels, json_type_object)) {
		json_object_object_foreach(labels, name, value)
			fprintf(to, "%s%s=%s", ftell(to) ? "," : "", name,
				json_object_is_type(value, json_type_string)
					? json_object_get_string(value)
					: "");
	}
	fclose(to);
	if (text)
		utf8_clean(text);
	return text;
}

/* "containerd://ID" of each in a list of statuses. */
static void write_containers(FILE *to, struct json_object *status, const char *list)
{
	struct json_object *items = member(status, list);
	size_t count =
		json_object_is_type(items, json_type_array) ? json_object_array_length(items) : 0;

	for (size_t i = 0; i < count; i++) {
		struct json_object *item = json_object_array_get_idx(items, i);
		const char *id = strstr(text_at(item, "containerID"), "://");

		if (id && id[3])
			fprintf(to, "%s%c%s%c", id + 3, '\0', text_at(item, "name"), '\0');
	}
}

static char *containers_of(struct json_object *status)
{
	size_t size;
	char *text = NULL;
	FILE *to = open_memstream(&text, &size);

	if (!to)
		return NULL;
	write_containers(to, status, "containerStatuses");
	write_containers(to, status, "initContainerStatuses");
	write_containers(to, status, "ephemeralContainerStatuses");
	fputc('\0', to);
	fclose(to);
	for (char *at = text; at && at < text + size; at += strlen(at) + 1)
		utf8_clean(at);
	return text;
}

static void on_change(struct pod_watch *w, struct json_object *change)
{
	const char *type = text_at(change, "type");
	struct json_object *pod = member(change, "object"), *metadata = member(pod, "metadata");
	struct watched_pod found;

	if (!strcmp(type, "ERROR")) {
		snprintf(w->wrong, sizeof(w->wrong), "%s", text_at(pod, "message"));
		utf8_clean(w->wrong);
		return;
	}
	if (strcmp(type, "ADDED") != 0 && strcmp(type, "MODIFIED") != 0 &&
	    strcmp(type, "DELETED") != 0)
		return;
	if (!*text_at(metadata, "uid"))
		return;
	found = (struct watched_pod){
		.uid = utf8_clean_copy(text_at(metadata, "uid")),
		.namespace = utf8_clean_copy(text_at(metadata, "namespace")),
		.name = utf8_clean_copy(text_at(metadata, "name")),
		.labels = labels_of(metadata),
		.containers = containers_of(member(pod, "status")),
	};
	pod_put(w, &found);
	w->told = false;
}

static bool refuse_stream(struct pod_watch *w, const char *what)
{
	snprintf(w->wrong, sizeof(w->wrong), "%s", what);
	return false;
}

/* Whole changes out of what has come. False: it is none. */
static bool take_bytes(struct pod_watch *w, const char *bytes, size_t length)
{
	for (size_t at = 0; at < length && !w->wrong[0];) {
		struct json_object *change =
			json_tokener_parse_ex(w->parser, bytes + at, (int)(length - at));
		enum json_tokener_error error = json_tokener_get_error(w->parser);
		size_t used = json_tokener_get_parse_end(w->parser);

		w->object_bytes += used;
		at += used;
		if (change) {
			on_change(w, change);
			json_object_put(change);
			w->object_bytes = 0;
		} else if (error != json_tokener_continue) {
			return refuse_stream(w, "the answer is no JSON");
		} else if (w->object_bytes > OBJECT_MOST) {
			return refuse_stream(w, "a pod is described by more than 8 MiB");
		}
	}
	return !w->wrong[0];
}

/* --- the request ------------------------------------------------------------------------------ */

static long status_of(const struct pod_watch *w)
{
	long status = 0;

	curl_easy_getinfo(w->request, CURLINFO_RESPONSE_CODE, &status);
	return status;
}

static size_t on_bytes(char *bytes, size_t one, size_t length, void *context)
{
	struct pod_watch *w = context;

	(void)one;
	if (status_of(w) != 200) /* its body says no more than the status, and may have no end */
		return 0;
	return take_bytes(w, bytes, length) ? length : 0;
}

/* The token changes from time to time. */
static struct curl_slist *make_headers(const struct pod_watch *w)
{
	char path[4096], token[TOKEN_MOST], header[TOKEN_MOST + 32];
	size_t n;
	FILE *file;

	snprintf(path, sizeof(path), "%s/token", w->account);
	file = fopen(path, "re");
	if (!file)
		return NULL;
	n = fread(token, 1, sizeof(token) - 1, file);
	fclose(file);
	token[n] = '\0';
	token[strcspn(token, "\r\n")] = '\0';
	snprintf(header, sizeof(header), "Authorization: Bearer %s", token);
	explicit_bzero(token, sizeof(token));
	return curl_slist_append(NULL, header);
}

static void end_request(struct pod_watch *w)
{
	if (w->request) {
		curl_multi_remove_handle(w->multi, w->request);
		curl_easy_cleanup(w->request);
	}
	curl_slist_free_all(w->headers);
	w->request = NULL;
	w->headers = NULL;
}

static bool set_up(struct pod_watch *w)
{
	CURL *c = w->request;

	/* The certificate changes, too; where libcurl keeps none, it refuses this. */
	(void)curl_easy_setopt(c, CURLOPT_CA_CACHE_TIMEOUT, 0L);
	return !curl_easy_setopt(c, CURLOPT_URL, w->url) &&
	       !curl_easy_setopt(c, CURLOPT_PROTOCOLS_STR, "https") &&
	       !curl_easy_setopt(c, CURLOPT_CAINFO, w->certificate) &&
	       !curl_easy_setopt(c, CURLOPT_CAPATH, NULL) && /* none of the system's */
	       !curl_easy_setopt(c, CURLOPT_HTTPHEADER, w->headers) &&
	       !curl_easy_setopt(c, CURLOPT_USERAGENT, "weir/" WEIR_VERSION) &&
	       !curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L) &&
	       !curl_easy_setopt(c, CURLOPT_NOPROXY, "*") &&
	       !curl_easy_setopt(c, CURLOPT_TCP_KEEPALIVE, 1L) &&
	       !curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT, CONNECT_S) &&
	       !curl_easy_setopt(c, CURLOPT_TIMEOUT, ANSWER_S) &&
	       !curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, on_bytes) &&
	       !curl_easy_setopt(c, CURLOPT_WRITEDATA, w) && !curl_multi_add_handle(w->multi, c);
}

static void begin_request(struct pod_watch *w)
{
	w->retry_at_ns = monotonic_ns() + w->retry_ns;
	w->retry_ns = w->retry_ns * 2 < RETRY_MOST ? w->retry_ns * 2 : RETRY_MOST;
	w->wrong[0] = '\0';
	w->object_bytes = 0;
	json_tokener_reset(w->parser);
	w->headers = make_headers(w);
	w->request = w->headers ? curl_easy_init() : NULL;
	if (w->request && set_up(w)) {
		w->session++;
		return;
	}
	snprintf(w->wrong, sizeof(w->wrong), "%s",
		 w->headers ? "out of memory" : "the token cannot be read");
	end_request(w);
}

static void tell_wrong(struct pod_watch *w)
{
	if (!w->wrong[0] || w->told)
		return;
	w->told = true;
	log_warning("--attribute pod: the API server: %s; names come from --pod-logs meanwhile",
		    w->wrong);
}

/*
 * The request is over: why, unless that was said. A whole one that has ended is as it should be;
 * what comes before an error again and again is asked for ever more seldom.
 */
static void note_end(struct pod_watch *w, CURLcode result)
{
	long status = status_of(w);

	if (w->wrong[0])
		return;
	if (status == 401 || status == 403) {
		snprintf(w->wrong, sizeof(w->wrong),
			 "HTTP status %ld: the service account may not list and watch pods",
			 status);
	} else if (status && status != 200) {
		snprintf(w->wrong, sizeof(w->wrong), "HTTP status %ld", status);
	} else if (result != CURLE_OK) {
		snprintf(w->wrong, sizeof(w->wrong), "%s", curl_easy_strerror(result));
	} else if (session_has_pods(w)) {
		w->retry_ns = RETRY_FIRST;
		forget_old(w);
	}
}

void pod_watch_poll(struct pod_watch *w)
{
	int running, left;
	CURLMsg *message;

	if (!w)
		return;
	if (!w->request && monotonic_ns() >= w->retry_at_ns)
		begin_request(w);
	curl_multi_perform(w->multi, &running);
	while ((message = curl_multi_info_read(w->multi, &left))) {
		if (message->msg != CURLMSG_DONE)
			continue;
		note_end(w, message->data.result);
		end_request(w);
		break;
	}
	tell_wrong(w);
}

bool pod_watch_find(const struct pod_watch *w, const char *uid, const char *container,
		    struct pod_names *out)
{
	uint32_t number = w ? pod_find(w, uid) : 0;
	const struct watched_pod *p;

	if (!number)
		return false;
	p = pod_at(w, number);
	out->namespace = p->namespace;
	out->name = p->name;
	out->labels = p->labels;
	for (const char *id = p->containers, *name; *id; id = name + strlen(name) + 1) {
		name = id + strlen(id) + 1;
		if (!strcmp(id, container))
			out->container = name;
	}
	return *out->container || !*container;
}

/* --- life ------------------------------------------------------------------------------------- */

/* NULL: no memory. */
static char *make_url(const char *host, const char *port, const char *node)
{
	const char *form = strchr(host, ':') ? "https://[%s]:%s%s" : "https://%s:%s%s";
	char *path = NULL, *escaped = node ? curl_easy_escape(NULL, node, 0) : NULL, *url = NULL;
	int made =
		asprintf(&path, "/api/v1/pods?watch=1&timeoutSeconds=%ld%s%s", WATCH_S,
			 escaped ? "&fieldSelector=spec.nodeName%3D" : "", escaped ? escaped : "");

	curl_free(escaped);
	if (made < 0)
		return NULL;
	if (asprintf(&url, form, host, port, path) < 0)
		url = NULL;
	free(path);
	return url;
}

static bool make_parts(struct pod_watch *w, const char *account, const char *host, const char *port)
{
	w->account = strdup(account);
	if (asprintf(&w->certificate, "%s/ca.crt", account) < 0)
		w->certificate = NULL;
	w->url = make_url(host, port, getenv("NODE_NAME"));
	w->multi = curl_multi_init();
	w->parser = json_tokener_new();
	return w->account && w->certificate && w->url && w->multi && w->parser &&
	       !flow_index_init(&w->index);
}

int pod_watch_new(struct pod_watch **out, const char *account)
{
	const char *host = getenv("KUBERNETES_SERVICE_HOST");
	const char *port = getenv("KUBERNETES_SERVICE_PORT");
	char token[4096];
	struct pod_watch *w;
	FILE *file;

	*out = NULL;
	snprintf(token, sizeof(token), "%s/token", account);
	file = host && port ? fopen(token, "re") : NULL;
	if (!file)
		return 0;
	fclose(file);
	curl_global_init(CURL_GLOBAL_DEFAULT);
	w = calloc(1, sizeof(*w));
	if (w) {
		slab_init(&w->pods, sizeof(struct watched_pod));
		w->retry_ns = RETRY_FIRST;
	}
	if (!w || !make_parts(w, account, host, port)) {
		pod_watch_free(w);
		return -ENOMEM;
	}
	*out = w;
	return 0;
}

void pod_watch_free(struct pod_watch *w)
{
	if (!w)
		return;
	end_request(w);
	while (w->order.head)
		pod_forget(w, w->order.head);
	flow_index_destroy(&w->index);
	slab_destroy(&w->pods);
	curl_multi_cleanup(w->multi);
	if (w->parser)
		json_tokener_free(w->parser);
	free(w->account);
	free(w->certificate);
	free(w->url);
	free(w);
}
