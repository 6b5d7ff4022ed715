/* SPDX-License-Identifier: BSD-2-Clause */
#include "output_ipfix.h"

#include <errno.h>
#include <string.h>

#include "clock.h"
#include "counters.h"
#include "log.h"
#include "wire.h"

/* Offsets in a message's header. */
#define IPFIX_TIME     4
#define IPFIX_SEQUENCE 8

#define NS_PER_S 1000000000ull

static uint64_t now_ns(void)
{
	return clock_ns(CLOCK_REALTIME);
}

static void tell_totals(void *context, struct ipfix_totals *out)
{
	const struct output_ipfix *o = context;
	const struct ledger *l = o->ledger;

	*out = (struct ipfix_totals){
		.flows = l->value[COUNTER_FLOWS],
		.ignored_packets = l->value[COUNTER_FILTERED] + ledger_ignored(l),
		.dropped_packets = ledger_lost(l),
		.unsent_flows = l->value[COUNTER_EXPORT_DROPPED] + l->value[COUNTER_EXPORT_FAILED],
		.unsent_packets = l->value[COUNTER_UNEXPORTED],
	};
}

static int emit_to_ship(void *context, const void *bytes, size_t length, uint32_t flows)
{
	struct output_ipfix *o = context;

	ship_put(o->ship, bytes, length, flows, o->stop);
	return 0;
}

static int emit_to_file(void *context, const void *bytes, size_t length, uint32_t flows)
{
	struct output_ipfix *o = context;
	int err = outfile_begin_row(o->file, now_ns());

	(void)flows;
	if (err)
		return err;
	text_bytes(&o->file->rows, bytes, length);
	return outfile_end_row(o->file);
}

static int emit_to_text(void *context, const void *bytes, size_t length, uint32_t flows)
{
	struct text_buffer *text = context;

	(void)flows;
	text_bytes(text, bytes, length);
	return text->failed ? -ENOMEM : 0;
}

static int open_encoder(struct output_ipfix *o, const struct output_ipfix_parts *parts,
			ipfix_emit *emit, bool datagrams)
{
	const struct ipfix_options options = {
		.protocol = parts->protocol,
		.datagrams = datagrams,
		.emit = emit,
		.context = o,
		.anonymizer = parts->anonymizer,
		.totals = parts->ledger ? tell_totals : NULL,
	};

	o->ledger = parts->ledger;
	o->stop = parts->stop;
	o->protocol = parts->protocol;
	return ipfix_encoder_new(&o->encoder, parts->config, parts->columns, &options);
}

int output_ipfix_open_file(struct output_ipfix *o, const struct output_ipfix_parts *parts,
			   struct outfile *file)
{
	int err = open_encoder(o, parts, emit_to_file, false);

	o->file = file;
	if (!err)
		err = ipfix_encoder_preamble(o->encoder, now_ns(), emit_to_text, &file->header);
	if (!err && file->fd >= 0)
		text_bytes(&file->rows, file->header.data, file->header.length);
	return err;
}

/*
 * RFC 7011, 3.1 and 10.4.4: on each connection sequence numbers count from 0, and the time is that
 * of sending. Of messages that were dropped in between the gap stays to be seen.
 */
static void stamp(void *context, void *bytes, size_t length, uint32_t records, bool first)
{
	struct output_ipfix *o = context;
	uint8_t *header = bytes;
	uint32_t sequence;

	(void)length;
	(void)records;
	if (first)
		o->based = false;
	if (o->protocol != IPFIX)
		return;
	wire_u32(header + IPFIX_TIME, (uint32_t)(now_ns() / NS_PER_S));
	if (first) {
		wire_u32(header + IPFIX_SEQUENCE, 0);
		return;
	}
	sequence = wire_get_u32(header + IPFIX_SEQUENCE);
	if (!o->based)
		o->base = sequence;
	o->based = true;
	wire_u32(header + IPFIX_SEQUENCE, sequence - o->base);
}

int output_ipfix_open_ship(struct output_ipfix *o, const struct output_ipfix_parts *parts,
			   struct ship_options *options)
{
	bool stream = options->transport->stream;
	struct text_buffer preamble = { 0 };
	int err = open_encoder(o, parts, emit_to_ship, !stream);

	if (!err && stream)
		err = ipfix_encoder_preamble(o->encoder, now_ns(), emit_to_text, &preamble);
	if (stream) {
		options->preamble = preamble.data;
		options->preamble_length = preamble.length;
		options->stamp = stamp;
		options->stamp_context = o;
	}
	if (!err)
		err = ship_open(&o->ship, options);
	text_free(&preamble);
	return err;
}

int output_ipfix_write(struct output_ipfix *o, const struct flow_record *r)
{
	return ipfix_encoder_encode(o->encoder, r, now_ns());
}

int output_ipfix_flush(struct output_ipfix *o)
{
	int err = ipfix_encoder_templates(o->encoder, now_ns());

	return err ? err : ipfix_encoder_flush(o->encoder, now_ns());
}

int output_ipfix_finish(struct output_ipfix *o)
{
	return ipfix_encoder_finish(o->encoder, now_ns());
}

void output_ipfix_free(struct output_ipfix *o)
{
	if (o->encoder && ipfix_encoder_cut(o->encoder))
		log_warning("ipfix: %llu texts or lists were cut to fit a message; raise "
			    "--ipfix-mtu or lower --splt",
			    (unsigned long long)ipfix_encoder_cut(o->encoder));
	ipfix_encoder_free(o->encoder);
	o->encoder = NULL;
}
