/* SPDX-License-Identifier: BSD-2-Clause */
#include "http_api.h"

#include <errno.h>
#include <json-c/json.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "format.h"
#include "json_scan.h"

#define ITEM_BYTES 65536 /* what an answer says of one record, at most */

/* JSON as a string in JSON: control characters are escaped already. */
static void put_quoted(struct text_buffer *out, const char *json, size_t length)
{
	text_char(out, '"');
	for (size_t i = 0; i < length; i++) {
		if (json[i] == '"' || json[i] == '\\')
			text_char(out, '\\');
		text_char(out, json[i]);
	}
	text_char(out, '"');
}

/* --- Loki ------------------------------------------------------------------------------------- */

/* Few labels: each combination of them is a stream that Loki keeps apart. */
static void loki_begin(struct text_buffer *out, const char *probe)
{
	text_string(out, "{\"streams\":[{\"stream\":{\"job\":\"weir\"");
	if (probe) {
		text_string(out, ",\"probe\":");
		json_text(out, probe);
	}
	text_string(out, "},\"values\":[");
}

/* The time of a line is that of the flow's last packet. */
static void loki_row(struct text_buffer *out, const struct flow_record *r, const char *json,
		     size_t length)
{
	text_string(out, "[\"");
	text_u64(out, r->side[SIDE_BOTH].last_ns);
	text_string(out, "\",");
	put_quoted(out, json, length);
	text_string(out, "],");
}

static void loki_end(struct text_buffer *out)
{
	out->length -= !out->failed; /* the comma */
	text_string(out, "]}]}");
}

/* --- the bulk API of Elasticsearch and OpenSearch --------------------------------------------- */

static void bulk_begin(struct text_buffer *out, const char *probe)
{
	(void)out;
	(void)probe;
}

/*
 * The document's name is the record's, so that a batch that is sent again makes no second one. A
 * data stream wants @timestamp, and a text of that form is taken for a date where nobody says what
 * the field is; a profile of names may have it.
 */
static void bulk_row(struct text_buffer *out, const struct flow_record *r, const char *json,
		     size_t length)
{
	static const char time_key[] = "\"@timestamp\":";

	text_string(out, "{\"create\":{\"_id\":\"");
	text_string(out, r->run_id);
	text_char(out, '-');
	text_u64(out, r->flow_id);
	text_string(out, "\"}}\n{");
	if (!memmem(json, length, time_key, strlen(time_key))) {
		text_string(out, time_key);
		text_char(out, '"');
		text_iso_time(out, r->side[SIDE_BOTH].last_ns);
		text_string(out, "\",");
	}
	text_bytes(out, json + 1, length - 1);
	text_char(out, '\n');
}

static void bulk_end(struct text_buffer *out)
{
	(void)out;
}

/* A status of an item: taken now or by an earlier delivery, for later, or never. */
static bool is_taken(int status)
{
	return (status >= 200 && status < 300) || status == 409;
}

static bool is_for_later(int status)
{
	return status == 429 || status >= 500;
}

/* What the only member of {"create": {...}} says; NULL: nothing. */
static struct json_object *outcome_of(struct json_object *item)
{
	struct json_object_iterator it, end;

	if (!json_object_is_type(item, json_type_object))
		return NULL;
	it = json_object_iter_begin(item);
	end = json_object_iter_end(item);
	return json_object_iter_equal(&it, &end) ? NULL : json_object_iter_peek_value(&it);
}

static void put_reason(struct json_object *outcome, int status, char why[TRANSPORT_WHY_SIZE])
{
	struct json_object *error = NULL, *reason = NULL;
	const char *text = "no reason given";
	int head = snprintf(why, TRANSPORT_WHY_SIZE, "status %d of a record: ", status);

	if (json_object_object_get_ex(outcome, "error", &error) &&
	    json_object_object_get_ex(error, "reason", &reason))
		text = json_object_get_string(reason);
	text = text ? text : "none";
	transport_words(why + head, TRANSPORT_WHY_SIZE - head, text, strlen(text));
}

static int judge_item(struct json_object *item, uint32_t *refused, int *later,
		      char why[TRANSPORT_WHY_SIZE])
{
	struct json_object *outcome = outcome_of(item), *value = NULL;
	int status;

	if (!json_object_object_get_ex(outcome, "status", &value))
		return -EBADMSG;
	status = json_object_get_int(value);
	if (is_taken(status))
		return 0;
	if (is_for_later(status))
		*later = status;
	else if (!(*refused)++)
		put_reason(outcome, status, why);
	return 0;
}

/* One by one: a tree of them all takes some hundred times the memory of the text. */
static int judge_items(struct json_span items, struct json_tokener *tokener, uint32_t *refused,
		       char why[TRANSPORT_WHY_SIZE])
{
	struct json_span span;
	int later = 0, err = 0;

	while (!err && json_element(&items, &span)) {
		struct json_object *item = NULL;

		json_tokener_reset(tokener);
		if (span.end - span.at <= ITEM_BYTES)
			item = json_tokener_parse_ex(tokener, span.at, (int)(span.end - span.at));
		err = judge_item(item, refused, &later, why);
		json_object_put(item);
	}
	if (!err && (items.at == items.end || *items.at != ']'))
		err = -EBADMSG;
	if (later && !err)
		snprintf(why, TRANSPORT_WHY_SIZE, "status %d of some records", later);
	return later && !err ? -EBUSY : err;
}

static int judge_answer(struct json_span answer, uint32_t *refused, char why[TRANSPORT_WHY_SIZE])
{
	struct json_tokener *tokener;
	struct json_span whole, errors, items;
	int err;

	if (!json_value_next(&answer, &whole) || !json_member(whole, "errors", &errors))
		return -EBADMSG;
	if (json_is(errors, "false"))
		return 0;
	if (!json_is(errors, "true") || !json_member(whole, "items", &items) || *items.at != '[')
		return -EBADMSG;
	tokener = json_tokener_new();
	if (!tokener) {
		snprintf(why, TRANSPORT_WHY_SIZE, "out of memory; free some");
		return -EBUSY;
	}
	err = judge_items(items, tokener, refused, why);
	json_tokener_free(tokener);
	return err;
}

static int bulk_judge(const char *body, size_t length, uint32_t *refused,
		      char why[TRANSPORT_WHY_SIZE])
{
	const struct json_span answer = { body, body + length };
	int err;

	*refused = 0;
	err = judge_answer(answer, refused, why);
	if (err == -EBADMSG)
		snprintf(why, TRANSPORT_WHY_SIZE, "the answer is none of a bulk API");
	return err;
}

/* --- which ------------------------------------------------------------------------------------ */

static const char *const loki_tells[] = { "last_seen", NULL };
static const char *const bulk_tells[] = { "last_seen", "run_id", "flow_id", NULL };

static const struct http_api apis[] = {
	{ .path = "/loki/api/v1/push",
	  .content_type = "application/json",
	  .tells = loki_tells,
	  .begin = loki_begin,
	  .row = loki_row,
	  .end = loki_end },
	{ .path = "/_bulk",
	  .content_type = "application/x-ndjson",
	  .tells = bulk_tells,
	  .begin = bulk_begin,
	  .row = bulk_row,
	  .end = bulk_end,
	  .judge = bulk_judge },
};

const struct http_api *http_api_of(const char *address)
{
	size_t length = strcspn(address, "?#");

	for (size_t i = 0; i < sizeof(apis) / sizeof(apis[0]); i++) {
		size_t end = strlen(apis[i].path);

		if (length > end && !memcmp(address + length - end, apis[i].path, end))
			return &apis[i];
	}
	return NULL;
}
