/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Flows of captures as IPFIX or NetFlow v9, and beside them as CSV, for other programs to read and
 * to compare. Each capture is an observation domain of its own, by its place from 1 on, and the
 * first column of the CSV is that domain.
 * usage: ipfix_write ipfix|netflow9 file|pcap OUT CSV [OPTION OF WEIR...] -- CAPTURE...
 *   file: one message behind the other; pcap: as they are sent by UDP, in frames to port 2055
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "datagrams.h"
#include "format.h"
#include "ipfix.h"
#include "streamer.h"
#include "weir_record.h"

#define MAX_WORDS 64
#define EXPORT_NS 1900000000000000000ull

enum container { BARE, PCAP };

struct writer {
	FILE *out, *csv;
	enum container container;
	struct ipfix_options options;
	uint64_t flows; /* handed over in messages */
};

static int emit(void *context, const void *bytes, size_t length, uint32_t flows)
{
	struct writer *w = context;

	if (w->container == PCAP)
		pcap_frame(w->out, bytes, length);
	else
		write_all(w->out, bytes, length);
	w->flows += flows;
	return 0;
}

static void totals(void *context, struct ipfix_totals *out)
{
	(void)context;
	*out = (struct ipfix_totals){ .flows = 1,
				      .ignored_packets = 2,
				      .dropped_packets = 3,
				      .unsent_flows = 4,
				      .unsent_packets = 5,
				      .unsent_octets = 6 };
}

static void check(int err, const char *what)
{
	if (err) {
		errno = -err;
		die(what);
	}
}

static void write_row(FILE *to, const struct columns *columns, const struct flow_record *r,
		      uint64_t domain)
{
	struct text_buffer row = { 0 };

	format_csv.row(&row, columns, r, NULL);
	fprintf(to, "%llu,", (unsigned long long)domain);
	write_all(to, row.data, row.length);
	text_free(&row);
}

static void write_header(FILE *to, const struct columns *columns)
{
	struct text_buffer row = { 0 };

	format_csv.header(&row, columns);
	fputs("domain,", to);
	write_all(to, row.data, row.length);
	text_free(&row);
}

/* The captures were recorded long ago; a few are crafted as of later. */
static uint64_t export_time(const struct flow_record *r)
{
	uint64_t last_ns = r->side[SIDE_BOTH].last_ns;

	return last_ns > EXPORT_NS ? last_ns : EXPORT_NS;
}

static void write_flows(struct writer *w, struct weir_streamer *s, struct ipfix_encoder *e)
{
	const struct weir_record *record;
	uint64_t now_ns = EXPORT_NS;

	while (weir_streamer__next(s, &record, -1) == 1) {
		now_ns = export_time(record->values);
		check(ipfix_encoder_encode(e, record->values, now_ns), "encode");
		write_row(w->csv, record->columns, record->values, s->config.ipfix_domain);
	}
	check(ipfix_encoder_finish(e, now_ns), "finish");
	if (ipfix_encoder_cut(e))
		fprintf(stderr, "ipfix_write: %llu values were cut\n",
			(unsigned long long)ipfix_encoder_cut(e));
}

static void write_capture(struct writer *w, char **words, int count, const char *capture,
			  int domain)
{
	char text[16], *argv[MAX_WORDS];
	struct weir_streamer_opts opts = { .sz = sizeof(opts), .argc = count + 5, .argv = argv };
	struct weir_streamer *s;
	struct ipfix_encoder *e;

	snprintf(text, sizeof(text), "%d", domain);
	memcpy(argv, words, count * sizeof(*argv));
	argv[count] = "-r";
	argv[count + 1] = (char *)capture;
	argv[count + 2] = "--ipfix-domain";
	argv[count + 3] = text;
	argv[count + 4] = "-q";
	if (weir_streamer__open(&s, &opts))
		return; /* no capture that weir reads */
	if (domain == 1)
		write_header(w->csv, &s->columns);
	check(ipfix_encoder_new(&e, &s->config, &s->columns, &w->options), "new");
	if (!w->options.datagrams)
		check(ipfix_encoder_preamble(e, 0, emit, w, NULL), "preamble");
	write_flows(w, s, e);
	ipfix_encoder_free(e);
	weir_streamer__free(s);
}

static FILE *create(const char *path)
{
	FILE *file = fopen(path, "w");

	if (!file)
		die(path);
	return file;
}

int main(int argc, char **argv)
{
	struct writer w = { .options = { .emit = emit, .context = &w, .totals = totals } };
	int words = 1;

	while (4 + words < argc && strcmp(argv[4 + words], "--"))
		words++;
	if (argc < 6 || 4 + words >= argc || words + 5 > MAX_WORDS) {
		fputs("usage: see the source\n", stderr);
		return 2;
	}
	w.options.protocol = strcmp(argv[1], "ipfix") ? NETFLOW9 : IPFIX;
	w.container = strcmp(argv[2], "pcap") ? BARE : PCAP;
	w.options.datagrams = w.container == PCAP;
	w.out = create(argv[3]);
	w.csv = create(argv[4]);
	if (w.container == PCAP)
		pcap_begin(w.out);
	/* argv[4] stands for the program's name */
	for (int i = 5 + words; i < argc; i++)
		write_capture(&w, argv + 4, words, argv[i], i - words - 4);
	printf("%llu\n", (unsigned long long)w.flows);
	return fclose(w.out) || fclose(w.csv) ? 1 : 0;
}
