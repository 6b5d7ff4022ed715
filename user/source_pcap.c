/* SPDX-License-Identifier: BSD-2-Clause */
#include "source_pcap.h"

#include <errno.h>
#include <inttypes.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "frame_reader.h"
#include "log.h"
#include "progress.h"

#define READ_BUFFER  (64 * 1024)
#define FILE_BATCH   4096 /* packets between looks at progress and requests */
#define STREAM_BATCH 64   /* a pipe may be slow */

struct reader {
	const struct config *config;
	struct flow_table *flows;
	struct ledger *ledger;
	const volatile bool *stop; /* a signal asks for it */
	const bool *stopped;       /* the flow table asks for it */
	void (*tick)(void *);
	void *tick_context;
	struct frame_reader frames;
	struct progress progress;
	uint64_t bytes_before; /* sizes of the files read so far */

	/* the open file */
	const char *name;
	pcap_t *pcap;
	int batch;
	uint64_t packets;
};

const char *source_pcap_version(void)
{
	return pcap_lib_version();
}

static void on_packet(u_char *user, const struct pcap_pkthdr *h, const u_char *bytes)
{
	struct reader *r = (struct reader *)user;

	r->packets++;
	frame_reader_packet(&r->frames, h, bytes);
	if (*r->stop || *r->stopped)
		pcap_breakloop(r->pcap);
}

static int64_t file_offset(const struct reader *r)
{
	return ftello(pcap_file(r->pcap));
}

/* Where reading stopped: what the file holds from there on is not a packet record. */
static int report_broken_file(const struct reader *r)
{
	int64_t offset = file_offset(r);
	char where[64] = "";

	if (offset >= 0)
		snprintf(where, sizeof(where), ", near byte %" PRId64, offset);
	log_error("%s: broken after packet %" PRIu64 "%s: %s; the flows up to there are exported",
		  r->name, r->packets, where, pcap_geterr(r->pcap));
	return -EIO;
}

static int read_packets(struct reader *r)
{
	for (;;) {
		int n = pcap_dispatch(r->pcap, r->batch, on_packet, (u_char *)r);
		int64_t offset;

		if (n == 0 || n == PCAP_ERROR_BREAK || *r->stop) /* a signal interrupts a read */
			return 0;
		if (n == PCAP_ERROR)
			return report_broken_file(r);
		offset = r->progress.shown ? file_offset(r) : -1;
		progress_update(&r->progress, r->ledger->value[COUNTER_SEEN],
				r->bytes_before + (offset > 0 ? offset : 0));
		r->tick(r->tick_context);
	}
}

static int refuse_file(const char *name, FILE *file, const char *why, const char *mend)
{
	log_error("%s: %s; %s", name, why, mend);
	if (file)
		fclose(file);
	return -EIO;
}

static FILE *open_stream(const char *name)
{
	return strcmp(name, "-") ? fopen(name, "rb") : fdopen(dup(STDIN_FILENO), "rb");
}

/* libpcap owns the stream once it accepted it. */
static int open_capture(struct reader *r, const char *name)
{
	char why[PCAP_ERRBUF_SIZE] = "";
	FILE *file = open_stream(name);
	struct stat st = { 0 };

	r->name = strcmp(name, "-") ? name : "stdin";
	if (!file)
		return refuse_file(r->name, NULL, strerror(errno),
				   "give -r a readable capture file");
	if (fstat(fileno(file), &st) == 0) {
		if (S_ISDIR(st.st_mode))
			return refuse_file(r->name, file, "is a directory",
					   "give -r a capture file");
		if (S_ISREG(st.st_mode) && !st.st_size)
			return refuse_file(r->name, file, "empty file",
					   "a capture has at least a file header");
	}
	r->batch = S_ISREG(st.st_mode) ? FILE_BATCH : STREAM_BATCH;
	setvbuf(file, NULL, _IOFBF, READ_BUFFER);
	__fsetlocking(file, FSETLOCKING_BYCALLER); /* one thread reads: no lock twice a packet */
	r->pcap = pcap_fopen_offline_with_tstamp_precision(file, PCAP_TSTAMP_PRECISION_NANO, why);
	if (!r->pcap)
		return refuse_file(r->name, file, why, "weir reads pcap and pcapng files");
	return 0;
}

/* Opens a file up to its first packet: format, link type, filter. */
static int begin_file(struct reader *r, const char *name)
{
	int err = open_capture(r, name);

	if (err)
		return err;
	r->packets = 0;
	err = frame_reader_begin(&r->frames, r->pcap, r->name, r->config->filter);
	if (err)
		pcap_close(r->pcap);
	return err;
}

static void end_file(struct reader *r)
{
	frame_reader_end(&r->frames);
	pcap_close(r->pcap);
}

static int read_file(struct reader *r, const char *name)
{
	int err = begin_file(r, name);

	if (err)
		return err;
	err = read_packets(r);
	end_file(r);
	return err;
}

int source_pcap_check(const struct config *config)
{
	struct reader r = { .config = config };
	const char *first = config->read_files.items[0];
	int err;

	if (!strcmp(first, "-")) /* can be read only once */
		return 0;
	err = begin_file(&r, first);
	if (!err)
		end_file(&r);
	return err;
}

static uint64_t file_size(const char *name)
{
	struct stat st;

	return strcmp(name, "-") && stat(name, &st) == 0 && S_ISREG(st.st_mode) ? st.st_size : 0;
}

int source_pcap_run(const struct config *config, const struct meter_config *meter_config,
		    struct host_meter *meter, struct flow_table *flows, struct ledger *ledger,
		    const volatile bool *stop, void (*tick)(void *), void *context)
{
	struct reader r = {
		.config = config,
		.flows = flows,
		.ledger = ledger,
		.stop = stop,
		.stopped = flow_table_stopped(flows),
		.tick = tick,
		.tick_context = context,
		.frames = { .meter_config = meter_config, .meter = meter, .ledger = ledger },
	};
	uint64_t total = 0;
	int err = 0;

	for (size_t i = 0; i < config->read_files.count; i++)
		total += file_size(config->read_files.items[i]);
	progress_init(&r.progress, config->quiet, total);
	for (size_t i = 0; i < config->read_files.count && !err; i++) {
		err = read_file(&r, config->read_files.items[i]);
		r.bytes_before += file_size(config->read_files.items[i]);
		if (*stop || flow_table_error(flows) || flow_table_done(flows))
			break;
	}
	progress_end(&r.progress);
	return err;
}
