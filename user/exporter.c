/* SPDX-License-Identifier: BSD-2-Clause */
#include "exporter.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "anonymize.h"
#include "log.h"
#include "output.h"
#include "output_name.h"

struct exporters {
	struct exporters_parts parts;
	const struct columns *columns[OUTPUT_COLUMNS]; /* NULL: no output has these */
	struct anonymizer *anonymizers[OUTPUT_COLUMNS];
	struct output **outputs;
	bool *gone; /* its reader left; by output */
	size_t count, gone_count;
	bool begun;
	struct ship_counts counted; /* as the ledger knows them */
	struct ship_counts closed;  /* of outputs that are closed */
	uint64_t written;
};

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

static int refuse_twice(const char *text)
{
	char *name = output_name(text);
	const char *colon = name ? strchr(name, ':') : NULL;

	log_error("-o: two outputs go to \"%s\"; give each a place of its own",
		  colon ? colon + 1 : "-");
	free(name);
	return -EINVAL;
}

/* Before it is opened, which would empty it. */
static int check_target(const struct exporters *e, const char *text, const struct config *c)
{
	const char *colon = strchr(text, ':'), *target = colon ? colon + 1 : "-";

	for (size_t i = 0; i < e->count; i++)
		if (same_file(output_target(e->outputs[i]), target))
			return refuse_twice(text);
	if (c->summary && !strcmp(c->summary, target)) {
		log_error("--summary: \"%s\" is an output too; give it a place of its own", target);
		return -EINVAL;
	}
	return check_inputs(target, c);
}

static int check_rotation(const struct exporters *e, const struct config *c)
{
	if (!c->rotate.interval_ns && !c->rotate.bytes)
		return 0;
	for (size_t i = 0; i < e->count; i++)
		if (output_is_file(e->outputs[i]))
			return 0;
	log_error("--rotate: no output is a file; give -o FORMAT:FILE");
	return -EINVAL;
}

static int open_output(struct exporters *e, const char *text)
{
	enum output_columns wanted = output_columns_of(text);
	enum output_columns which = e->columns[wanted] ? wanted : OUTPUT_CHOSEN;
	const struct output_parts parts = {
		.config = e->parts.config,
		.columns = e->columns[which],
		.anonymizer = e->anonymizers[which],
		.account = e->parts.account,
		.stop = e->parts.stop,
	};
	int err = check_target(e, text, e->parts.config);

	if (!err)
		err = output_open(&e->outputs[e->count], text, &parts);
	e->count += !err;
	return err;
}

static int open_anonymizers(struct exporters *e)
{
	int err = 0;

	for (size_t i = 0; i < OUTPUT_COLUMNS && !err; i++)
		if (e->columns[i])
			err = anonymizer_new_like(&e->anonymizers[i], e->parts.config,
						  e->columns[i], e->anonymizers[OUTPUT_CHOSEN]);
	return err;
}

int exporters_open(struct exporters **out, const struct exporters_parts *parts)
{
	const struct config *config = parts->config;
	size_t count = config->outputs.count ? config->outputs.count : 1;
	struct exporters *e = calloc(1, sizeof(*e));
	int err = -ENOMEM;

	*out = NULL;
	if (e) {
		e->parts = *parts;
		e->columns[OUTPUT_CHOSEN] = parts->columns;
		e->columns[OUTPUT_ALL] = parts->all_columns;
		e->columns[OUTPUT_NAMED] = parts->named_columns;
		e->outputs = calloc(count, sizeof(*e->outputs));
		e->gone = calloc(count, sizeof(*e->gone));
	}
	if (!e || !e->outputs || !e->gone)
		goto out;
	err = open_anonymizers(e);
	for (size_t i = 0; i < count && !err; i++)
		err = open_output(e, config->outputs.count ? config->outputs.items[i] : "csv");
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

int exporters_begin(struct exporters *e)
{
	int err = 0;

	for (size_t i = 0; i < e->count && !err; i++)
		err = output_begin(e->outputs[i]);
	e->begun = !err;
	return err;
}

/* A reader that left (EPIPE) ends its own output; the error remains when nobody is left. */
static int output_failed(struct exporters *e, size_t i, int err)
{
	if (err != -EPIPE)
		return err;
	e->gone[i] = true;
	e->gone_count++;
	return e->gone_count == e->count ? -EPIPE : 0;
}

/* --- what left by networks -------------------------------------------------------------------- */

static void add_counts(struct ship_counts *to, const struct ship_counts *more)
{
	to->sent += more->sent;
	to->dropped += more->dropped;
	to->failed += more->failed;
	to->retried += more->retried;
	to->queued += more->queued;
	to->queued_bytes += more->queued_bytes;
}

/* The next place, or the last one again. */
static struct output_status *status_of(struct output_statuses *all, size_t number, const char *kind)
{
	struct output_status *status;

	if (all->count < OUTPUT_STATUSES)
		all->count++;
	status = &all->item[all->count - 1];
	if (*status->name)
		snprintf(status->name, sizeof(status->name), "other");
	else
		snprintf(status->name, sizeof(status->name), "%zu:%s", number, kind);
	return status;
}

void exporters_status(const struct exporters *e, struct output_statuses *out)
{
	*out = (struct output_statuses){ 0 };
	for (size_t i = 0; i < e->count; i++) {
		const char *kind = output_kind(e->outputs[i]);
		struct output_status *status;
		struct ship_counts counts;

		if (!kind)
			continue;
		status = status_of(out, i + 1, kind);
		output_counts(e->outputs[i], &counts);
		add_counts(&status->counts, &counts);
		status->capacity_bytes += e->parts.config->queue_bytes;
	}
}

/* What these sums have grown by since the last time. */
static void tell_ledger(struct exporters *e)
{
	struct ship_counts all = e->closed, one;

	for (size_t i = 0; i < e->count; i++) {
		if (!e->outputs[i])
			continue;
		output_counts(e->outputs[i], &one);
		add_counts(&all, &one);
	}
	ledger_add(e->parts.ledger, COUNTER_EXPORT_SENT, all.sent - e->counted.sent);
	ledger_add(e->parts.ledger, COUNTER_EXPORT_DROPPED, all.dropped - e->counted.dropped);
	ledger_add(e->parts.ledger, COUNTER_EXPORT_FAILED, all.failed - e->counted.failed);
	ledger_add(e->parts.ledger, COUNTER_EXPORT_RETRIED, all.retried - e->counted.retried);
	e->counted = all;
}

/* --- records ---------------------------------------------------------------------------------- */

static uint32_t needs(const struct exporters *e)
{
	uint32_t need = 0;

	for (size_t i = 0; i < OUTPUT_COLUMNS; i++)
		if (e->columns[i])
			need |= e->columns[i]->need;
	return need;
}

int exporters_write(struct exporters *e, const struct flow_record *r, uint64_t now_ns)
{
	struct flow_record hidden;
	int err = e->begun ? 0 : exporters_begin(e);

	if (anonymizer_changes_addresses(e->anonymizers[OUTPUT_CHOSEN])) {
		hidden = *r;
		anonymizer_addresses(e->anonymizers[OUTPUT_CHOSEN], &hidden, needs(e));
		r = &hidden;
	}
	for (size_t i = 0; i < e->count && !err; i++) {
		if (e->gone[i])
			continue;
		err = output_write(e->outputs[i], r, now_ns);
		e->written += !err;
		if (err)
			err = output_failed(e, i, err);
	}
	return err;
}

static int for_outputs(struct exporters *e, int (*call)(struct output *o))
{
	int err = 0;

	for (size_t i = 0; i < e->count && !err; i++) {
		if (!e->gone[i])
			err = call(e->outputs[i]);
		if (err)
			err = output_failed(e, i, err);
	}
	return err;
}

int exporters_flush(struct exporters *e)
{
	int err = for_outputs(e, output_flush);

	tell_ledger(e);
	return err;
}

int exporters_reopen(struct exporters *e)
{
	return for_outputs(e, output_reopen);
}

bool exporters_pending(const struct exporters *e)
{
	for (size_t i = 0; i < e->count; i++)
		if (!e->gone[i] && output_pending(e->outputs[i]))
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
		struct ship_counts counts;
		int closed = output_close(e->outputs[i], discard || e->gone[i], &counts);

		e->outputs[i] = NULL;
		add_counts(&e->closed, &counts);
		if (closed)
			closed = output_failed(e, i, closed);
		if (!err)
			err = closed;
	}
	tell_ledger(e);
	for (size_t i = 0; i < OUTPUT_COLUMNS; i++)
		anonymizer_free(e->anonymizers[i]);
	free(e->outputs);
	free(e->gone);
	free(e);
	return err;
}

int exporters_close(struct exporters *e)
{
	return close_all(e, !e->begun);
}

void exporters_discard(struct exporters *e)
{
	close_all(e, true);
}

uint64_t exporters_written(const struct exporters *e)
{
	return e->written;
}
