/* SPDX-License-Identifier: BSD-2-Clause */
#include "output.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "community_id.h"
#include "format.h"
#include "http_api.h"
#include "kafka.h"
#include "log.h"
#include "outfile.h"
#include "output_ipfix.h"
#include "output_name.h"

/* A format is rows of text, or messages of a protocol. */
static const struct output_format {
	const char *name;
	const struct format *rows; /* NULL: protocol */
	enum ipfix_protocol protocol;
} formats[] = {
	{ "csv", &format_csv, 0 },     { "json", &format_json, 0 },
	{ "table", &format_table, 0 }, { "protobuf", &format_protobuf, 0 },
	{ "ipfix", NULL, IPFIX },      { "netflow9", NULL, NETFLOW9 },
};

#define FORMAT_COUNT (sizeof(formats) / sizeof(formats[0]))

/* Rows that go over a network together, unless the transport wants less. */
#define BATCH_BYTES 16384u

struct output {
	char *name; /* FORMAT[:TARGET] for messages */
	const char *target;
	struct output_parts parts;
	const struct output_format *format;

	char kind[24];       /* "ipfix:tcp"; "" of a file */
	struct outfile file; /* when the two others are NULL */
	struct ship *ship;
	struct kafka *kafka;
	struct output_ipfix ipfix; /* of a protocol, in front of file or ship */
	struct text_buffer batch;  /* whole rows on their way to the ship */
	uint32_t batch_records;
	size_t batch_bytes; /* at most */
	bool row_by_row;    /* no row waits for others */

	const struct http_api *api;      /* rows go in its shape; NULL: as they are */
	struct text_buffer object, body; /* of the api: one record; a message */
};

/* --- opening ---------------------------------------------------------------------------------- */

static const struct output_format *format_of(const char *text)
{
	size_t length = strcspn(text, ":");

	for (size_t i = 0; i < FORMAT_COUNT; i++)
		if (strlen(formats[i].name) == length && !memcmp(formats[i].name, text, length))
			return &formats[i];
	return NULL;
}

const char *output_format_name(size_t i)
{
	return i < FORMAT_COUNT ? formats[i].name : NULL;
}

enum output_columns output_columns_of(const char *text)
{
	const struct output_format *format = format_of(text);
	const char *colon = strchr(text, ':');

	if (format && !format->rows)
		return OUTPUT_ALL;
	return colon && kafka_address(colon + 1) ? OUTPUT_NAMED : OUTPUT_CHOSEN;
}

static int parse_output(struct output *o, const char *text)
{
	const char *colon = strchrnul(text, ':');

	o->format = format_of(text);
	o->target = *colon ? colon + 1 : "-";
	if (!o->format) {
		log_error("-o %s: unknown format \"%.*s\"; weir writes csv, json, table, "
			  "protobuf, ipfix and netflow9",
			  o->name, (int)(colon - text), text);
		return -EINVAL;
	}
	if (!*o->target) {
		log_error("-o %s: empty target; give a file name, or - for stdout", o->name);
		return -EINVAL;
	}
	return 0;
}

static int refuse_target(const struct output *o)
{
	const char *end = strstr(o->target, "://");

	log_error("-o %s: unknown target \"%.*s://\"; weir writes to files, stdout, udp://, "
		  "tcp://, http://, https://, kafka://, unix: and syslog:",
		  o->name, (int)(end - o->target), o->target);
	return -EINVAL;
}

/* Packets that come through a pipe may be live: no record should wait for the next ones. */
static bool reads_pipe(const struct config *c)
{
	struct stat st;

	for (size_t i = 0; i < c->read_files.count; i++)
		if (!strcmp(c->read_files.items[i], "-"))
			return fstat(STDIN_FILENO, &st) == 0 && !S_ISREG(st.st_mode);
	return false;
}

static struct output_ipfix_parts ipfix_parts(const struct output *o)
{
	return (struct output_ipfix_parts){
		.config = o->parts.config,
		.columns = o->parts.columns,
		.anonymizer = o->parts.anonymizer,
		.account = o->parts.account,
		.stop = o->parts.stop,
		.protocol = o->format->protocol,
	};
}

static int open_file(struct output *o)
{
	const struct config *config = o->parts.config;
	const struct output_ipfix_parts ipfix = ipfix_parts(o);
	int err;

	if (strstr(o->target, "://"))
		return refuse_target(o);
	err = outfile_open(&o->file, o->target, &config->rotate, config->append);
	if (err)
		return err;
	if (!o->format->rows)
		return output_ipfix_open_file(&o->ipfix, &ipfix, &o->file);
	o->file.line_buffered |= reads_pipe(config);
	if (!o->format->rows->header)
		return 0;
	o->format->rows->header(&o->file.header, o->parts.columns);
	if (outfile_wants_header(&o->file))
		text_bytes(&o->file.rows, o->file.header.data, o->file.header.length);
	return 0;
}

/* Files can wait for a peer; a wire cannot. */
static struct ship_limits limits_of(const struct config *c)
{
	bool block = c->queue_policy == QUEUE_AUTO ? !c->interfaces.count
						   : c->queue_policy == QUEUE_BLOCK;

	return (struct ship_limits){
		.policy = block ? SHIP_BLOCK : SHIP_DROP_OLDEST,
		.queue_bytes = c->queue_bytes,
		.end_timeout_ns = c->flush_timeout_ns,
	};
}

static int refuse_hidden(const struct output *o)
{
	for (const char *const *name = o->api->tells; *name; name++) {
		size_t offset = record_field_by_name(*name)->offset;

		if (!anonymizer_hides_value(o->parts.anonymizer, o->parts.columns, offset))
			continue;
		log_error("-o %s: %s tells %s, which --anonymize hides; give another target",
			  o->name, o->api->path, *name);
		return -EINVAL;
	}
	return 0;
}

/* Some paths of URLs are APIs. */
static int choose_api(struct output *o, const struct transport_ops *transport, const char *address)
{
	if (transport != &transport_http && transport != &transport_https)
		return 0;
	o->api = http_api_of(address);
	if (!o->api)
		return 0;
	if (o->format->rows == &format_json)
		return refuse_hidden(o);
	log_error("-o %s: %s takes json; give json:%s", o->name, o->api->path,
		  strchr(o->name, ':') + 1);
	return -EINVAL;
}

/* The header line is the preamble of a stream; each datagram of CSV stands alone. */
static int open_ship(struct output *o, const struct transport_ops *transport, const char *address)
{
	const struct config *config = o->parts.config;
	const struct output_ipfix_parts ipfix = ipfix_parts(o);
	struct text_buffer header = { 0 };
	struct ship_options options = {
		.name = o->name,
		.transport = transport,
		.address = address,
		.limits = limits_of(config),
	};
	int err = 0;

	options.limits.pace = transport == &transport_udp ? config->pace : 0;
	if (!o->format->rows && transport != &transport_udp && transport != &transport_tcp) {
		log_error("-o %s: %s goes to udp://host:port, tcp://host:port or a file", o->name,
			  o->format->name);
		return -EINVAL;
	}
	if (o->format->rows && o->format->rows->binary && transport->lines) {
		log_error("-o %s: %s takes lines; give csv or json, or another target", o->name,
			  transport->scheme);
		return -EINVAL;
	}
	if (!o->format->rows) {
		err = output_ipfix_open_ship(&o->ipfix, &ipfix, &options);
		o->ship = o->ipfix.ship;
		return err;
	}
	err = choose_api(o, transport, address);
	if (err)
		return err;
	if (o->format->rows->header && transport->stream)
		o->format->rows->header(&header, o->parts.columns);
	options.preamble.bytes = header.data;
	options.preamble.length = header.length;
	o->row_by_row = transport->row_by_row;
	o->batch_bytes = transport->batch_bytes   ? transport->batch_bytes
			 : transport->max_message ? transport->max_message
						  : BATCH_BYTES;
	err = header.failed ? -ENOMEM : ship_open(&o->ship, &options);
	text_free(&header);
	return err;
}

static int open_kafka(struct output *o, const char *address)
{
	const struct config *config = o->parts.config;
	const struct kafka_options options = {
		.name = o->name,
		.address = address,
		.limits = limits_of(config),
	};

	if (!o->format->rows || !o->format->rows->message) {
		log_error("-o %s: Kafka takes json or protobuf; give json:kafka://...", o->name);
		return -EINVAL;
	}
	return kafka_open(&o->kafka, &options);
}

static int open_target(struct output *o)
{
	const char *kafka = kafka_address(o->target), *address;
	const struct transport_ops *transport = transport_of(o->target, &address);

	if (!kafka && !transport)
		return open_file(o);
	snprintf(o->kind, sizeof(o->kind), "%s:%s", o->format->name,
		 kafka ? "kafka" : transport->scheme);
	return kafka ? open_kafka(o, kafka) : open_ship(o, transport, address);
}

static void output_free(struct output *o)
{
	output_ipfix_free(&o->ipfix);
	text_free(&o->batch);
	text_free(&o->object);
	text_free(&o->body);
	free(o->name);
	free(o);
}

int output_open(struct output **out, const char *text, const struct output_parts *parts)
{
	struct output *o = calloc(1, sizeof(*o));
	int err;

	*out = NULL;
	if (!o)
		return -ENOMEM;
	o->name = output_name(text);
	if (!o->name) {
		free(o);
		return -ENOMEM;
	}
	o->parts = *parts;
	o->file.fd = -1;
	err = parse_output(o, text);
	if (!err)
		err = open_target(o);
	if (!err) {
		*out = o;
		return 0;
	}
	if (!o->ship)
		outfile_close(&o->file);
	output_free(o);
	return err;
}

int output_begin(struct output *o)
{
	return o->ship || o->kafka ? 0 : outfile_begin(&o->file);
}

const char *output_target(const struct output *o)
{
	return o->target;
}

const char *output_kind(const struct output *o)
{
	return *o->kind ? o->kind : NULL;
}

bool output_is_file(const struct output *o)
{
	return !o->ship && !o->kafka && strcmp(o->target, "-");
}

/* --- rows ------------------------------------------------------------------------------------- */

/* NULL: it is hidden. */
static const char *probe_label(const struct output *o)
{
	int place = columns_id(o->parts.columns, "probe");

	return place >= 0 && anonymizer_hides(o->parts.anonymizer, (size_t)place)
		       ? NULL
		       : o->parts.config->probe_name;
}

/* A message of the first bytes of the batch. */
static const struct text_buffer *wrap_rows(struct output *o, size_t length)
{
	o->body.length = 0;
	o->api->begin(&o->body, probe_label(o));
	text_bytes(&o->body, o->batch.data, length);
	o->api->end(&o->body);
	return &o->body;
}

/* The first bytes of the batch, which are so many records. */
static void put_rows(struct output *o, size_t length, uint32_t records)
{
	const struct ship_load load = { .records = records };
	const struct text_buffer *from = o->api ? wrap_rows(o, length) : &o->batch;

	if (from->failed)
		return; /* who writes the next row says so */
	ship_put(o->ship, from->data, o->api ? from->length : length, &load, o->parts.stop);
}

/* Into the batch. */
static void make_row(struct output *o, const struct flow_record *r)
{
	const struct format *format = o->format->rows;

	if (!o->api) {
		format->row(&o->batch, o->parts.columns, r, o->parts.anonymizer);
		return;
	}
	o->object.length = 0;
	format->message(&o->object, o->parts.columns, r, o->parts.anonymizer);
	if (!o->object.failed)
		o->api->row(&o->batch, r, o->object.data, o->object.length);
}

static void put_batch(struct output *o)
{
	if (o->batch.length)
		put_rows(o, o->batch.length, o->batch_records);
	o->batch.length = 0;
	o->batch_records = 0;
}

static int out_of_memory(const struct output *o)
{
	log_error("-o %s: out of memory; free some", o->name);
	return -ENOMEM;
}

/* Whole rows together, as many as fit. */
static int ship_row(struct output *o, const struct flow_record *r)
{
	size_t before = o->batch.length, row;

	make_row(o, r);
	if (o->batch.failed || o->object.failed || o->body.failed)
		return out_of_memory(o);
	o->batch_records++;
	if (o->row_by_row)
		put_batch(o);
	if (o->batch.length <= o->batch_bytes)
		return 0;
	row = o->batch.length - before;
	if (before) {
		put_rows(o, before, o->batch_records - 1);
		memmove(o->batch.data, o->batch.data + before, row);
	}
	o->batch.length = row;
	o->batch_records = 1;
	if (row > o->batch_bytes)
		put_batch(o);
	return 0;
}

/* Both directions of a connection, seen anywhere, have one key. */
static int kafka_row(struct output *o, const struct flow_record *r)
{
	char key[sizeof(r->community_id)] = "";

	if (!anonymizer_hides_key(o->parts.anonymizer))
		community_id(r, key);
	o->batch.length = 0;
	o->format->rows->message(&o->batch, o->parts.columns, r, o->parts.anonymizer);
	if (o->batch.failed)
		return out_of_memory(o);
	kafka_put(o->kafka, key, o->batch.data, o->batch.length, o->parts.stop);
	o->batch.length = 0;
	return 0;
}

int output_write(struct output *o, const struct flow_record *r, uint64_t now_ns)
{
	int err;

	if (!o->format->rows)
		return output_ipfix_write(&o->ipfix, r, now_ns);
	if (o->kafka)
		return kafka_row(o, r);
	if (o->ship)
		return ship_row(o, r);
	err = outfile_begin_row(&o->file, now_ns);
	if (err)
		return err;
	o->format->rows->row(&o->file.rows, o->parts.columns, r, o->parts.anonymizer);
	return outfile_end_row(&o->file);
}

int output_flush(struct output *o)
{
	int err = o->format->rows ? 0 : output_ipfix_flush(&o->ipfix);

	if (err)
		return err;
	if (o->kafka)
		kafka_report(o->kafka);
	if (o->kafka)
		return 0;
	if (!o->ship)
		return outfile_flush(&o->file);
	put_batch(o);
	ship_report(o->ship);
	return 0;
}

int output_reopen(struct output *o)
{
	return o->ship || o->kafka ? 0 : outfile_reopen(&o->file);
}

bool output_pending(const struct output *o)
{
	if (!o->format->rows && ipfix_encoder_held(o->ipfix.encoder))
		return true;
	return o->ship || o->kafka ? o->batch.length : o->file.rows.length;
}

void output_counts(struct output *o, struct ship_counts *counts)
{
	*counts = (struct ship_counts){ 0 };
	if (o->ship)
		ship_counts(o->ship, counts);
	if (o->kafka)
		kafka_counts(o->kafka, counts);
	if (o->ship)
		counts->queued +=
			o->format->rows ? o->batch_records : ipfix_encoder_held(o->ipfix.encoder);
}

int output_close(struct output *o, bool discard, struct ship_counts *counts)
{
	int err = 0, closed = 0;

	*counts = (struct ship_counts){ 0 };
	if (o->ship && output_pending(o))
		discard = false; /* counted as on their way, as those before them */
	if (!o->format->rows && !discard)
		err = output_ipfix_finish(&o->ipfix);
	if (o->ship) {
		if (!discard)
			put_batch(o);
		ship_close(o->ship, counts);
	} else if (o->kafka) {
		kafka_close(o->kafka, counts);
	} else {
		if (discard)
			outfile_drop(&o->file);
		closed = outfile_close(&o->file);
	}
	output_free(o);
	return err ? err : closed;
}
