/* SPDX-License-Identifier: BSD-2-Clause */
#include "source_pcap.h"

#include <errno.h>
#include <fcntl.h>
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
#include "stream_file.h"

#define READ_BUFFER  (64 * 1024)
#define FILE_BATCH   4096 /* packets between looks at progress and requests */
#define STREAM_BATCH 64   /* a pipe may be slow */

struct source_pcap {
	const struct config *config;
	struct source_parts parts;
	struct frame_reader frames;
	const bool *stopped;   /* the flow table asks for a pause */
	size_t file;           /* of config->read_files, at hand or next */
	uint64_t total_bytes;  /* of all files */
	uint64_t bytes_before; /* sizes of the files before this one */

	/* the open file; pcap NULL: there is none */
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
	struct source_pcap *r = (struct source_pcap *)user;

	r->packets++;
	frame_reader_packet(&r->frames, h, bytes);
	if (*r->parts.stop || *r->stopped)
		pcap_breakloop(r->pcap);
}

static int64_t file_offset(const struct source_pcap *r)
{
	return ftello(pcap_file(r->pcap));
}

/* Where reading stopped: what the file holds from there on is not a packet record. */
static int report_broken_file(const struct source_pcap *r)
{
	int64_t offset = file_offset(r);
	char where[64] = "";

	if (offset >= 0)
		snprintf(where, sizeof(where), ", near byte %" PRId64, offset);
	log_error("%s: broken after packet %" PRIu64 "%s: %s; the flows up to there are exported",
		  r->name, r->packets, where, pcap_geterr(r->pcap));
	return -EIO;
}

static int refuse_file(const char *name, FILE *file, const char *why, const char *mend)
{
	log_error("%s: %s; %s", name, why, mend);
	if (file)
		fclose(file);
	return -EIO;
}

/*
 * Nothing has come for now, and between two packets all numbers agree: no record should wait for
 * the next ones.
 */
static void on_wait(void *context)
{
	const struct source_pcap *r = context;

	if (r->parts.flows)
		flow_table_flush(r->parts.flows);
	if (r->parts.waits)
		r->parts.waits(r->parts.waits_context);
}

static FILE *open_stream(struct source_pcap *r, const char *name, struct stat *st)
{
	int fd = strcmp(name, "-") ? open(name, O_RDONLY | O_CLOEXEC)
				   : fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);

	if (fd < 0)
		return NULL;
	if (fstat(fd, st) || S_ISREG(st->st_mode) || S_ISDIR(st->st_mode))
		return fdopen(fd, "rb");
	return stream_file_open(fd, on_wait, r);
}

static bool is_asked_to_stop(const struct source_pcap *r)
{
	return r->parts.stop && *r->parts.stop;
}

/*
 * libpcap owns the stream once it accepted it. 0 without an open capture: somebody asked for the
 * end before a pipe has said that it is one.
 */
static int open_capture(struct source_pcap *r, const char *name)
{
	char why[PCAP_ERRBUF_SIZE] = "";
	struct stat st = { 0 };
	FILE *file = open_stream(r, name, &st);

	r->name = strcmp(name, "-") ? name : "stdin";
	if (!file && is_asked_to_stop(r)) /* nobody has opened the other end */
		return 0;
	if (!file)
		return refuse_file(r->name, NULL, strerror(errno),
				   "give -r a readable capture file");
	if (S_ISDIR(st.st_mode))
		return refuse_file(r->name, file, "is a directory", "give -r a capture file");
	if (S_ISREG(st.st_mode) && !st.st_size)
		return refuse_file(r->name, file, "empty file",
				   "a capture has at least a file header");
	r->batch = S_ISREG(st.st_mode) ? FILE_BATCH : STREAM_BATCH;
	setvbuf(file, NULL, _IOFBF, READ_BUFFER);
	__fsetlocking(file, FSETLOCKING_BYCALLER); /* one thread reads: no lock twice a packet */
	r->pcap = pcap_fopen_offline_with_tstamp_precision(file, PCAP_TSTAMP_PRECISION_NANO, why);
	if (r->pcap)
		return 0;
	if (!is_asked_to_stop(r))
		return refuse_file(r->name, file, why, "weir reads pcap and pcapng files");
	fclose(file);
	return 0;
}

/* Opens a file up to its first packet: format, link type, filter. */
static int begin_file(struct source_pcap *r, const char *name)
{
	int err = open_capture(r, name);

	if (err || !r->pcap)
		return err;
	r->packets = 0;
	err = frame_reader_begin(&r->frames, r->pcap, r->name, r->config->filter);
	if (err) {
		pcap_close(r->pcap);
		r->pcap = NULL;
	}
	return err;
}

static uint64_t file_size(const char *name)
{
	struct stat st;

	return strcmp(name, "-") && stat(name, &st) == 0 && S_ISREG(st.st_mode) ? st.st_size : 0;
}

static void end_file(struct source_pcap *r)
{
	r->bytes_before += file_size(r->config->read_files.items[r->file]);
	frame_reader_end(&r->frames);
	pcap_close(r->pcap);
	r->pcap = NULL;
	r->file++;
}

static bool is_pipe(const char *name)
{
	struct stat st;

	return !strcmp(name, "-") || (stat(name, &st) == 0 && S_ISFIFO(st.st_mode));
}

int source_pcap_open(struct source_pcap **out, const struct config *config)
{
	struct source_pcap *r = calloc(1, sizeof(*r));
	const struct string_list *files = &config->read_files;
	int err = 0;

	*out = NULL;
	if (!r) {
		log_error("out of memory at the start; free some");
		return -ENOMEM;
	}
	r->config = config;
	for (size_t i = 0; i < files->count; i++)
		r->total_bytes += file_size(files->items[i]);
	if (!is_pipe(files->items[0])) /* whose header may be long in coming */
		err = begin_file(r, files->items[0]);
	if (err)
		source_pcap_close(r);
	else
		*out = r;
	return err;
}

int source_pcap_begin(struct source_pcap *r, const struct source_parts *parts)
{
	r->parts = *parts;
	r->stopped = flow_table_stopped(parts->flows);
	r->frames.meter_config = parts->meter_config;
	r->frames.meter = parts->meter;
	r->frames.ledger = parts->ledger;
	return 0;
}

int source_pcap_step(struct source_pcap *r)
{
	int n, err = 0;

	if (is_asked_to_stop(r) || r->file == r->config->read_files.count)
		return 0;
	if (!r->pcap)
		err = begin_file(r, r->config->read_files.items[r->file]);
	if (err || !r->pcap)
		return err;
	n = pcap_dispatch(r->pcap, r->batch, on_packet, (u_char *)r);
	if (is_asked_to_stop(r)) /* a signal interrupts a read, too */
		return 0;
	if (n == PCAP_ERROR)
		return report_broken_file(r);
	if (n == 0)
		end_file(r);
	return 1;
}

void source_pcap_close(struct source_pcap *r)
{
	if (!r)
		return;
	if (r->pcap)
		end_file(r);
	free(r);
}

void source_pcap_progress(const struct source_pcap *r, uint64_t *total, uint64_t *read)
{
	int64_t offset = r->pcap ? file_offset(r) : 0;

	*total = r->total_bytes;
	*read = r->bytes_before + (offset > 0 ? offset : 0);
}
