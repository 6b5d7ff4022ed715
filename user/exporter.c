/* SPDX-License-Identifier: BSD-2-Clause */
#include "exporter.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "anonymize.h"
#include "format.h"
#include "log.h"
#include "outfile.h"

static const struct format *const formats[] = { &format_csv, &format_json, &format_table };

#define FORMAT_COUNT (sizeof(formats) / sizeof(formats[0]))

struct output {
	const struct format *format;
	const char *target; /* borrowed from the config */
	struct outfile file;
	bool gone; /* its reader left */
};

struct exporters {
	const struct columns *columns;
	struct anonymizer *anonymizer;
	struct output *outputs;
	size_t count;
	size_t gone;
	uint64_t written;
};

static const struct format *format_by_name(const char *name, size_t length)
{
	for (size_t i = 0; i < FORMAT_COUNT; i++)
		if (strlen(formats[i]->name) == length && !memcmp(formats[i]->name, name, length))
			return formats[i];
	return NULL;
}

/* "FORMAT[:TARGET]" */
static int parse_output(struct output *o, const char *text)
{
	const char *colon = strchrnul(text, ':');
	const char *scheme;

	o->format = format_by_name(text, colon - text);
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
	scheme = strstr(o->target, "://");
	if (scheme) {
		log_error("-o %s: unknown target \"%.*s://\"; weir writes to files and stdout",
			  text, (int)(scheme - o->target), o->target);
		return -EINVAL;
	}
	return 0;
}

static bool same_file(const char *a, const char *b)
{
	struct stat x, y;

	if (!strcmp(a, b))
		return true;
	return stat(a, &x) == 0 && stat(b, &y) == 0 && S_ISREG(x.st_mode) && x.st_dev == y.st_dev &&
	       x.st_ino == y.st_ino;
}

static int check_inputs(const char *target, const struct config *c)
{
	for (size_t i = 0; i < c->read_files.count; i++) {
		if (strcmp(target, "-") && same_file(c->read_files.items[i], target)) {
			log_error("-o: \"%s\" is read by -r; give another place", target);
			return -EINVAL;
		}
	}
	return 0;
}

static int check_target(const struct exporters *e, const struct output *o, const struct config *c)
{
	for (size_t i = 0; i < e->count; i++) {
		if (same_file(e->outputs[i].target, o->target)) {
			log_error("-o: two outputs go to \"%s\"; give each a place of its own",
				  o->target);
			return -EINVAL;
		}
	}
	if (c->summary && !strcmp(c->summary, o->target)) {
		log_error("--summary: \"%s\" is an output too; give it a place of its own",
			  o->target);
		return -EINVAL;
	}
	return check_inputs(o->target, c);
}

static int check_rotation(const struct exporters *e, const struct config *c)
{
	if (!c->rotate.interval_ns && !c->rotate.bytes)
		return 0;
	for (size_t i = 0; i < e->count; i++)
		if (strcmp(e->outputs[i].target, "-"))
			return 0;
	log_error("--rotate: no output is a file; give -o FORMAT:FILE");
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

static int open_output(struct exporters *e, const char *text, const struct config *config)
{
	struct output *o = &e->outputs[e->count];
	int err = parse_output(o, text);

	if (!err)
		err = check_target(e, o, config);
	if (!err)
		err = outfile_open(&o->file, o->target, &config->rotate);
	if (err)
		return err;
	e->count++;
	o->file.line_buffered |= reads_pipe(config);
	if (!o->format->header)
		return 0;
	o->format->header(&o->file.header, e->columns);
	if (o->file.fd >= 0)
		text_bytes(&o->file.rows, o->file.header.data, o->file.header.length);
	return 0;
}

int exporters_open(struct exporters **out, const struct config *config,
		   const struct columns *columns)
{
	size_t count = config->outputs.count ? config->outputs.count : 1;
	struct exporters *e = calloc(1, sizeof(*e));
	int err = -ENOMEM;

	*out = NULL;
	if (e)
		e->outputs = calloc(count, sizeof(*e->outputs));
	if (!e || !e->outputs)
		goto out;
	e->columns = columns;
	err = anonymizer_new(&e->anonymizer, config, columns);
	for (size_t i = 0; i < count && !err; i++)
		err = open_output(e, config->outputs.count ? config->outputs.items[i] : "csv",
				  config);
	if (!err)
		err = check_rotation(e, config);
	if (!err) {
		*out = e;
		return 0;
	}
out:
	if (err == -ENOMEM)
		log_error("out of memory at the start; free some");
	if (e)
		exporters_discard(e);
	return err;
}

/* A reader that left (EPIPE) ends its own output; the error remains when nobody is left. */
static int output_failed(struct exporters *e, struct output *o, int err)
{
	if (err != -EPIPE)
		return err;
	o->gone = true;
	e->gone++;
	return e->gone == e->count ? -EPIPE : 0;
}

static int output_write(struct exporters *e, struct output *o, const struct flow_record *r,
			uint64_t now_ns)
{
	int err = outfile_begin_row(&o->file, now_ns);

	if (!err) {
		o->format->row(&o->file.rows, e->columns, r, e->anonymizer);
		err = outfile_end_row(&o->file);
	}
	if (err)
		return output_failed(e, o, err);
	e->written++;
	return 0;
}

int exporters_write(struct exporters *e, const struct flow_record *r, uint64_t now_ns)
{
	struct flow_record hidden;
	int err = 0;

	if (anonymizer_changes_addresses(e->anonymizer)) {
		hidden = *r;
		anonymizer_addresses(e->anonymizer, &hidden, e->columns->need);
		r = &hidden;
	}
	for (size_t i = 0; i < e->count && !err; i++)
		if (!e->outputs[i].gone)
			err = output_write(e, &e->outputs[i], r, now_ns);
	return err;
}

int exporters_flush(struct exporters *e)
{
	int err = 0;

	for (size_t i = 0; i < e->count && !err; i++) {
		struct output *o = &e->outputs[i];

		if (!o->gone)
			err = outfile_flush(&o->file);
		if (err)
			err = output_failed(e, o, err);
	}
	return err;
}

bool exporters_pending(const struct exporters *e)
{
	for (size_t i = 0; i < e->count; i++)
		if (!e->outputs[i].gone && e->outputs[i].file.rows.length)
			return true;
	return false;
}

static int sink_write(void *context, struct flow_record *r, uint64_t now_ns)
{
	return exporters_write(context, r, now_ns);
}

static int sink_flush(void *context)
{
	return exporters_flush(context);
}

static bool sink_pending(const void *context)
{
	return exporters_pending(context);
}

static bool sink_full(const void *context)
{
	(void)context;
	return false; /* a write waits */
}

struct record_sink exporters_sink(struct exporters *e)
{
	return (struct record_sink){
		.context = e,
		.write = sink_write,
		.flush = sink_flush,
		.pending = sink_pending,
		.full = sink_full,
	};
}

static int close_all(struct exporters *e, bool discard)
{
	int err = 0;

	for (size_t i = 0; i < e->count; i++) {
		struct output *o = &e->outputs[i];
		int closed;

		if (discard || o->gone)
			outfile_drop(&o->file);
		closed = outfile_close(&o->file);
		if (closed)
			closed = output_failed(e, o, closed);
		if (!err)
			err = closed;
	}
	anonymizer_free(e->anonymizer);
	free(e->outputs);
	free(e);
	return err;
}

int exporters_close(struct exporters *e)
{
	return close_all(e, false);
}

void exporters_discard(struct exporters *e)
{
	close_all(e, true);
}

uint64_t exporters_written(const struct exporters *e)
{
	return e->written;
}
