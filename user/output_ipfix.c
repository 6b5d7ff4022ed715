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

/*
 * In each file and on each connection sequence numbers count from its preamble on. Of messages that
 * were dropped in between the gap stays to be seen.
 */
static void count_from_preamble(struct output_ipfix *o, uint8_t *header)
{
	uint32_t sequence = wire_get_u32(header + IPFIX_SEQUENCE);

	if (!o->based)
		o->base = sequence - o->preamble;
	o->based = true;
	wire_u32(header + IPFIX_SEQUENCE, sequence - o->base);
}

static int emit_to_file(void *context, const void *bytes, size_t length, uint32_t flows)
{
	struct output_ipfix *o = context;
	struct text_buffer *rows = &o->file->rows;
	uint64_t time_ns = o->packet_ns ? o->packet_ns : now_ns();
	bool next = outfile_is_due(o->file, time_ns);
	int err = outfile_begin_row(o->file, time_ns);

	(void)flows;
	if (err)
		return err;
	if (next)
		o->based = false;
	text_bytes(rows, bytes, length);
	if (!rows->failed && o->protocol == IPFIX)
		count_from_preamble(o, (uint8_t *)rows->data + rows->length - length);
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
	int err;

	o->ledger = parts->ledger;
	o->stop = parts->stop;
	o->protocol = parts->protocol;
	err = ipfix_encoder_new(&o->encoder, parts->config, parts->columns, &options);
	if (!err)
		o->preamble = ipfix_encoder_sequence(o->encoder);
	return err;
}

int output_ipfix_open_file(struct output_ipfix *o, const struct output_ipfix_parts *parts,
			   struct outfile *file)
{
	int err = open_encoder(o, parts, emit_to_file, false);

	o->file = file;
	file->header_always = true;
	if (!err)
		err = ipfix_encoder_preamble(o->encoder, now_ns(), emit_to_text, &file->header);
	if (!err && file->fd >= 0)
		text_bytes(&file->rows, file->header.data, file->header.length);
	return err;
}

/* RFC 7011, 3.1 and 10.4.4: the time is that of sending, and a connection begins with 0. */
static void stamp(void *context, void *bytes, size_t length, uint32_t records, bool first)
{
	struct output_ipfix *o = context;
	uint8_t *header = bytes;

	(void)length;
	(void)records;
	if (first)
		o->based = false;
	if (o->protocol != IPFIX)
		return;
	wire_u32(header + IPFIX_TIME, (uint32_t)(now_ns() / NS_PER_S));
	if (!first)
		count_from_preamble(o, header);
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

int output_ipfix_write(struct output_ipfix *o, const struct flow_record *r, uint64_t packet_ns)
{
	int err = 0;

	/* what is before a new file's time goes into the old one */
	if (o->file && outfile_is_due(o->file, packet_ns))
		err = ipfix_encoder_flush(o->encoder, now_ns());
	if (packet_ns > o->packet_ns)
		o->packet_ns = packet_ns;
	return err ? err : ipfix_encoder_encode(o->encoder, r, now_ns());
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
