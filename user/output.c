/* SPDX-License-Identifier: BSD-2-Clause */
#include "output.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "community_id.h"
#include "format.h"
#include "kafka.h"
#include "log.h"
#include "outfile.h"

static const struct format *const formats[] = { &format_csv, &format_json, &format_table };

#define FORMAT_COUNT (sizeof(formats) / sizeof(formats[0]))

/* Rows that go over a network together, unless the transport wants less. */
#define BATCH_BYTES 16384u

struct output {
	const char *text; /* borrowed: FORMAT[:TARGET] */
	const char *target;
	const struct columns *columns;
	const struct format *format;

	struct outfile file; /* when the two others are NULL */
	struct ship *ship;
	struct kafka *kafka;
	const atomic_bool *stop;
	struct text_buffer batch; /* whole rows on their way to the ship */
	uint32_t batch_records;
	size_t batch_bytes; /* at most */
	bool row_by_row;    /* no row waits for others */
};

/* --- opening ---------------------------------------------------------------------------------- */

static const struct format *format_by_name(const char *name, size_t length)
{
	for (size_t i = 0; i < FORMAT_COUNT; i++)
		if (strlen(formats[i]->name) == length && !memcmp(formats[i]->name, name, length))
			return formats[i];
	return NULL;
}

static int parse_output(struct output *o, const char *text)
{
	const char *colon = strchrnul(text, ':');

	o->format = format_by_name(text, colon - text);
	o->text = text;
	o->target = *colon ? colon + 1 : "-";
	if (!o->format) {
		log_error("-o %s: unknown format \"%.*s\"; weir writes csv, json and table", text,
			  (int)(colon - text), text);
		return -EINVAL;
	}
	if (!*o->target) {
		log_error("-o %s: empty target; give a file name, or - for stdout", text);
		return -EINVAL;
	}
	return 0;
}

static int refuse_target(const struct output *o)
{
	const char *end = strstr(o->target, "://");

	log_error("-o %s: unknown target \"%.*s://\"; weir writes to files, stdout, udp://, "
		  "tcp://, http://, https://, kafka://, unix: and syslog:",
		  o->text, (int)(end - o->target), o->target);
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

static int open_file(struct output *o, const struct config *config)
{
	int err;

	if (strstr(o->target, "://"))
		return refuse_target(o);
	err = outfile_open(&o->file, o->target, &config->rotate);
	if (err)
		return err;
	o->file.line_buffered |= reads_pipe(config);
	if (!o->format->header)
		return 0;
	o->format->header(&o->file.header, o->columns);
	if (o->file.fd >= 0)
		text_bytes(&o->file.rows, o->file.header.data, o->file.header.length);
	return 0;
}

/* Files can wait for a peer; a wire cannot. */
static enum ship_policy policy_of(const struct config *c)
{
	if (c->queue_policy == QUEUE_AUTO)
		return c->interfaces.count ? SHIP_DROP_OLDEST : SHIP_BLOCK;
	return c->queue_policy == QUEUE_BLOCK ? SHIP_BLOCK : SHIP_DROP_OLDEST;
}

/* The header line is the preamble of a stream; each datagram of CSV stands alone. */
static int open_ship(struct output *o, const struct transport_ops *transport, const char *address,
		     const struct config *config)
{
	struct text_buffer header = { 0 };
	struct ship_options options = {
		.name = o->text,
		.transport = transport,
		.address = address,
		.policy = policy_of(config),
		.queue_bytes = config->queue_bytes,
		.end_timeout_ns = config->flush_timeout_ns,
	};
	int err;

	if (o->format->header && transport->stream)
		o->format->header(&header, o->columns);
	options.preamble = header.data;
	options.preamble_length = header.length;
	o->row_by_row = transport->row_by_row || reads_pipe(config);
	o->batch_bytes = transport->batch_bytes   ? transport->batch_bytes
			 : transport->max_message ? transport->max_message
						  : BATCH_BYTES;
	err = header.failed ? -ENOMEM : ship_open(&o->ship, &options);
	text_free(&header);
	return err;
}

static int open_kafka(struct output *o, const char *address, const struct config *config)
{
	const struct kafka_options options = {
		.name = o->text,
		.address = address,
		.policy = policy_of(config),
		.queue_bytes = config->queue_bytes,
		.end_timeout_ns = config->flush_timeout_ns,
	};

	if (o->format != &format_json) {
		log_error("-o %s: Kafka takes json; give json:kafka://...", o->text);
		return -EINVAL;
	}
	return kafka_open(&o->kafka, &options);
}

static int open_target(struct output *o, const struct config *config)
{
	const char *kafka = kafka_address(o->target), *address;
	const struct transport_ops *transport = transport_of(o->target, &address);

	if (kafka)
		return open_kafka(o, kafka, config);
	return transport ? open_ship(o, transport, address, config) : open_file(o, config);
}

int output_open(struct output **out, const char *text, const struct config *config,
		const struct columns *columns, const atomic_bool *stop)
{
	struct output *o = calloc(1, sizeof(*o));
	int err;

	*out = NULL;
	if (!o)
		return -ENOMEM;
	o->columns = columns;
	o->stop = stop;
	o->file.fd = -1;
	err = parse_output(o, text);
	if (!err)
		err = open_target(o, config);
	if (err)
		free(o);
	else
		*out = o;
	return err;
}

const char *output_target(const struct output *o)
{
	return o->target;
}

bool output_is_file(const struct output *o)
{
	return !o->ship && !o->kafka && strcmp(o->target, "-");
}

/* --- rows ------------------------------------------------------------------------------------- */

static void put_batch(struct output *o)
{
	if (o->batch.length)
		ship_put(o->ship, o->batch.data, o->batch.length, o->batch_records, o->stop);
	o->batch.length = 0;
	o->batch_records = 0;
}

static int out_of_memory(const struct output *o)
{
	log_error("-o %s: out of memory; free some", o->text);
	return -ENOMEM;
}

/* Whole rows together, as many as fit. */
static int ship_row(struct output *o, const struct flow_record *r, struct anonymizer *anonymizer)
{
	size_t before = o->batch.length, row;

	o->format->row(&o->batch, o->columns, r, anonymizer);
	if (o->batch.failed)
		return out_of_memory(o);
	o->batch_records++;
	if (o->row_by_row)
		put_batch(o);
	if (o->batch.length <= o->batch_bytes)
		return 0;
	row = o->batch.length - before;
	if (before) {
		ship_put(o->ship, o->batch.data, before, o->batch_records - 1, o->stop);
		memmove(o->batch.data, o->batch.data + before, row);
	}
	o->batch.length = row;
	o->batch_records = 1;
	if (row > o->batch_bytes)
		put_batch(o);
	return 0;
}

/* Both directions of a connection, seen anywhere, have one key. */
static int kafka_row(struct output *o, const struct flow_record *r, struct anonymizer *anonymizer)
{
	char key[sizeof(r->community_id)] = "";

	if (!anonymizer_hides_addresses(anonymizer))
		community_id(r, key);
	o->batch.length = 0;
	o->format->row(&o->batch, o->columns, r, anonymizer);
	if (o->batch.failed)
		return out_of_memory(o);
	kafka_put(o->kafka, key, o->batch.data, o->batch.length - 1, o->stop);
	o->batch.length = 0;
	return 0;
}

int output_write(struct output *o, const struct flow_record *r, struct anonymizer *anonymizer,
		 uint64_t now_ns)
{
	int err;

	if (o->kafka)
		return kafka_row(o, r, anonymizer);
	if (o->ship)
		return ship_row(o, r, anonymizer);
	err = outfile_begin_row(&o->file, now_ns);
	if (err)
		return err;
	o->format->row(&o->file.rows, o->columns, r, anonymizer);
	return outfile_end_row(&o->file);
}

int output_flush(struct output *o)
{
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

bool output_pending(const struct output *o)
{
	return o->ship || o->kafka ? o->batch.length : o->file.rows.length;
}

void output_counts(struct output *o, struct ship_counts *counts)
{
	*counts = (struct ship_counts){ 0 };
	if (o->ship)
		ship_counts(o->ship, counts);
	if (o->kafka)
		kafka_counts(o->kafka, counts);
}

int output_close(struct output *o, bool discard, struct ship_counts *counts)
{
	int err = 0;

	*counts = (struct ship_counts){ 0 };
	if (o->ship) {
		if (!discard)
			put_batch(o);
		ship_close(o->ship, counts);
	} else if (o->kafka) {
		kafka_close(o->kafka, counts);
	} else {
		if (discard)
			outfile_drop(&o->file);
		err = outfile_close(&o->file);
	}
	text_free(&o->batch);
	free(o);
	return err;
}
