/* SPDX-License-Identifier: BSD-2-Clause */
#include "output_ipfix.h"

#include <errno.h>
#include <string.h>

#include "clock.h"
#include "counters.h"
#include "log.h"
#include "wire.h"

/* Offsets in a message's header. */
#define LENGTH            2 /* of IPFIX, as the next one */
#define IPFIX_TIME        4
#define IPFIX_SEQUENCE    8
#define NETFLOW9_SEQUENCE 12

#define NS_PER_S 1000000000ull

static uint64_t now_ns(void)
{
	return clock_ns(CLOCK_REALTIME);
}

/* --- statistics ------------------------------------------------------------------------------- */

static void add_beside(struct ipfix_totals *to, const struct ipfix_exported *preamble,
		       uint64_t times)
{
	to->beside.messages = times * preamble->messages;
	to->beside.octets = times * preamble->octets;
}

static void tell_ship(const struct output_ipfix *o, struct ipfix_totals *out)
{
	struct ship_counts c;

	ship_counts(o->ship, &c);
	out->unsent_flows = c.dropped + c.failed;
	out->unsent_packets = c.unsent.packets;
	out->unsent_octets = c.unsent.octets;
	out->unsent.messages = c.unsent.messages;
	out->unsent.octets = c.unsent.bytes;
	out->unsent.records = c.unsent.data_records;
	/* who reads it is connected, if that is not counted yet */
	if (o->stream)
		add_beside(out, &o->preamble, c.connects ? c.connects : 1);
}

static void tell_totals(void *context, struct ipfix_totals *out)
{
	const struct output_ipfix *o = context;
	struct ledger l = { 0 };

	if (o->parts.account.read)
		l = o->parts.account.read(o->parts.account.context);
	*out = (struct ipfix_totals){
		.flows = l.value[COUNTER_FLOWS],
		.ignored_packets = l.value[COUNTER_FILTERED] + ledger_ignored(&l),
		.dropped_packets = ledger_lost(&l),
	};
	if (o->ship)
		tell_ship(o, out);
	else
		add_beside(out, &o->preamble, o->begun);
}

/* --- the preamble ----------------------------------------------------------------------------- */

struct preamble_text {
	struct text_buffer *text;
	uint64_t messages;
};

static int emit_to_text(void *context, const void *bytes, size_t length, uint32_t flows)
{
	struct preamble_text *to = context;

	(void)flows;
	text_bytes(to->text, bytes, length);
	to->messages++;
	return to->text->failed ? -ENOMEM : 0;
}

static int make_preamble(struct output_ipfix *o, struct text_buffer *text)
{
	struct preamble_text to = { .text = text };
	int err;

	text->length = 0;
	err = ipfix_encoder_preamble(o->encoder, now_ns(), emit_to_text, &to,
				     &o->preamble_sequence);
	o->preamble.messages = to.messages;
	o->preamble.octets = text->length;
	o->preamble_names = ipfix_encoder_names(o->encoder);
	return err;
}

/* Names that records had since it was made. */
static bool preamble_is_old(const struct output_ipfix *o)
{
	return ipfix_encoder_names(o->encoder) != o->preamble_names;
}

static int renew_ship_preamble(struct output_ipfix *o)
{
	struct text_buffer text = { 0 };
	int err = make_preamble(o, &text);
	const struct ship_preamble preamble = { text.data, text.length, o->preamble_sequence };

	if (!err)
		err = ship_set_preamble(o->ship, &preamble);
	text_free(&text);
	return err;
}

/* --- messages --------------------------------------------------------------------------------- */

static int emit_to_ship(void *context, const void *bytes, size_t length, uint32_t flows)
{
	struct output_ipfix *o = context;
	struct ipfix_load load = ipfix_encoder_load(o->encoder);
	const struct ship_load out = {
		.records = flows,
		.data_records = load.records,
		.packets = load.packets,
		.octets = load.octets,
	};

	/* without memory the old one stays, and names come later, with the refresh */
	if (o->stream && preamble_is_old(o))
		renew_ship_preamble(o);
	ship_put(o->ship, bytes, length, &out, o->parts.stop);
	return 0;
}

/*
 * In each file and on each connection sequence numbers count from its preamble on. Of messages that
 * were dropped in between the gap stays to be seen.
 */
static void count_from_preamble(struct output_ipfix *o, uint8_t *header)
{
	uint8_t *at = header + (o->parts.protocol == IPFIX ? IPFIX_SEQUENCE : NETFLOW9_SEQUENCE);
	uint32_t sequence = wire_get_u32(at);

	if (!o->based)
		o->base = sequence - o->after_preamble;
	o->based = true;
	wire_u32(at, sequence - o->base);
}

/* The next file begins with this message. */
static int begin_file(struct output_ipfix *o)
{
	int err = preamble_is_old(o) ? make_preamble(o, &o->file->header) : 0;

	o->based = false;
	o->after_preamble = o->preamble_sequence;
	o->begun++;
	return err;
}

static int emit_to_file(void *context, const void *bytes, size_t length, uint32_t flows)
{
	struct output_ipfix *o = context;
	struct text_buffer *rows = &o->file->rows;
	uint64_t time_ns = o->packet_ns ? o->packet_ns : now_ns();
	int err = outfile_is_due(o->file, time_ns) ? begin_file(o) : 0;

	(void)flows;
	if (!err)
		err = outfile_begin_row(o->file, time_ns);
	if (err)
		return err;
	text_bytes(rows, bytes, length);
	if (!rows->failed)
		count_from_preamble(o, (uint8_t *)rows->data + rows->length - length);
	return outfile_end_row(o->file);
}

/* --- opening ---------------------------------------------------------------------------------- */

static int open_encoder(struct output_ipfix *o, const struct output_ipfix_parts *parts,
			ipfix_emit *emit, bool datagrams)
{
	const struct ipfix_options options = {
		.protocol = parts->protocol,
		.datagrams = datagrams,
		.emit = emit,
		.context = o,
		.anonymizer = parts->anonymizer,
		.totals = tell_totals,
	};

	o->parts = *parts;
	return ipfix_encoder_new(&o->encoder, parts->config, parts->columns, &options);
}

int output_ipfix_open_file(struct output_ipfix *o, const struct output_ipfix_parts *parts,
			   struct outfile *file)
{
	int err = open_encoder(o, parts, emit_to_file, false);

	o->file = file;
	file->header_always = true;
	if (!err)
		err = make_preamble(o, &file->header);
	if (!err && file->fd >= 0) {
		err = begin_file(o);
		text_bytes(&file->rows, file->header.data, file->header.length);
	}
	return err;
}

/* RFC 7011, 3.1: the time is that of sending. */
static void stamp_time(const struct output_ipfix *o, uint8_t *header)
{
	if (o->parts.protocol == IPFIX)
		wire_u32(header + IPFIX_TIME, (uint32_t)(now_ns() / NS_PER_S));
}

/* RFC 7011, 10.4.4: a connection begins with 0. The preamble is counted so already. */
static void stamp_preamble(struct output_ipfix *o, uint8_t *bytes,
			   const struct ship_preamble *preamble)
{
	o->based = false;
	o->after_preamble = preamble->sequence;
	if (o->parts.protocol != IPFIX)
		return;
	for (size_t at = 0; at < preamble->length; at += wire_get_u16(bytes + at + LENGTH))
		stamp_time(o, bytes + at);
}

static void stamp(void *context, void *bytes, const struct ship_preamble *preamble)
{
	struct output_ipfix *o = context;

	if (preamble) {
		stamp_preamble(o, bytes, preamble);
		return;
	}
	stamp_time(o, bytes);
	if (o->stream)
		count_from_preamble(o, bytes);
}

int output_ipfix_open_ship(struct output_ipfix *o, const struct output_ipfix_parts *parts,
			   struct ship_options *options)
{
	bool stream = options->transport->stream;
	struct text_buffer preamble = { 0 };
	int err = open_encoder(o, parts, emit_to_ship, !stream);

	o->stream = stream;
	if (!err && stream)
		err = make_preamble(o, &preamble);
	if (stream) {
		options->preamble.bytes = preamble.data;
		options->preamble.length = preamble.length;
		options->preamble.sequence = o->preamble_sequence;
	}
	options->stamp = stamp;
	options->stamp_context = o;
	if (!err)
		err = ship_open(&o->ship, options);
	text_free(&preamble);
	return err;
}

/* --- records ---------------------------------------------------------------------------------- */

/* What is before a new file's time goes into the old one. */
static int end_file(struct output_ipfix *o)
{
	int err = ipfix_encoder_flush(o->encoder, now_ns());

	ipfix_encoder_restart(o->encoder);
	return err;
}

int output_ipfix_write(struct output_ipfix *o, const struct flow_record *r, uint64_t packet_ns)
{
	int err = 0;

	if (o->file && outfile_is_due(o->file, packet_ns))
		err = end_file(o);
	if (packet_ns > o->packet_ns)
		o->packet_ns = packet_ns;
	return err ? err : ipfix_encoder_encode(o->encoder, r, now_ns());
}

/* Who was not there when they were told gets statistics, too. */
static void look_for_connections(struct output_ipfix *o)
{
	struct ship_counts c;

	ship_counts(o->ship, &c);
	if (c.connects != o->begun && (c.connects > 1 || c.dropped))
		ipfix_encoder_restart(o->encoder);
	o->begun = c.connects;
}

int output_ipfix_flush(struct output_ipfix *o)
{
	int err;

	if (o->stream)
		look_for_connections(o);
	err = ipfix_encoder_templates(o->encoder, now_ns());
	return err ? err : ipfix_encoder_flush(o->encoder, now_ns());
}

int output_ipfix_finish(struct output_ipfix *o)
{
	return ipfix_encoder_finish(o->encoder, now_ns());
}

void output_ipfix_free(struct output_ipfix *o)
{
	if (o->encoder && ipfix_encoder_cut(o->encoder))
		log_warning("ipfix: %llu texts or lists were cut, as a message has %d bytes; lower "
			    "--splt or choose fewer columns with --fields",
			    (unsigned long long)ipfix_encoder_cut(o->encoder), IPFIX_MESSAGE_MAX);
	ipfix_encoder_free(o->encoder);
	o->encoder = NULL;
}
