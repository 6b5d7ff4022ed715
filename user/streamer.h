/* SPDX-License-Identifier: BSD-2-Clause */
/* The parts of a streamer: source, meter, flow table, and where records go. */
#ifndef USER_STREAMER_H
#define USER_STREAMER_H

#include "config.h"
#include "counters.h"
#include "dissect.h"
#include "exporter.h"
#include "flow_table.h"
#include "host_meter.h"
#include "log.h"
#include "metrics.h"
#include "owners.h"
#include "plugins.h"
#include "record.h"
#include "record_queue.h"
#include "source_bpf.h"
#include "source_live.h"
#include "source_pcap.h"
#include "weir/weir.h"
#include "weir_record.h"

enum streamer_phase {
	PHASE_OPEN,    /* nothing was read; outputs may still be opened */
	PHASE_READ,    /* the source is read */
	PHASE_COLLECT, /* it has ended: what it holds itself */
	PHASE_FLOWS,   /* what is in flows */
	PHASE_END,     /* every record was handed on */
};

struct weir_streamer {
	struct config config;
	struct log_sink log;
	struct meter_config meter_config;
	struct plugins *plugins;
	struct columns columns;
	struct columns all_columns;   /* of outputs that export everything; none: the same */
	struct columns named_columns; /* of outputs with the record's name; none: no such output */
	struct weir_column *infos;    /* columns as the API tells them */
	struct dissector *dissector;
	struct owners *owners; /* NULL without --attribute */
	struct enricher *enricher;
	struct metrics *metrics;  /* NULL without --metrics */
	struct source_pcap *pcap; /* one of the three */
	struct source_live *live;
	struct source_bpf *bpf;
	struct record_queue *queue;
	struct exporters *exporters; /* of weir_streamer__write(), from its first call on */
	struct flow_table *flows;
	struct host_meter *meter;
	struct ledger ledger;

	atomic_bool stop;
	enum streamer_phase phase;
	int error; /* to be told after the last record; 0 = none */
	struct weir_record record;
	bool row_waits; /* record found no room in a buffer of rows */

	int ready_fd; /* eventfd: there is something to do */
	int poll_fd;  /* epoll of the two others; -1 until asked for */
	int timer_fd; /* a live source wants a step now and then */
};

/* streamer_open.c: everything up to the first packet; a negative errno after a message. */
int streamer_open_parts(struct weir_streamer *s, const struct weir_streamer_opts *opts);
void streamer_close_parts(struct weir_streamer *s);

/* The source begins to feed the meter; a negative errno after a message. */
int streamer_begin(struct weir_streamer *s);

/* One step of the phase at hand, at most timeout_ms long. */
void streamer_step(struct weir_streamer *s, int timeout_ms);
/* Tells metrics, which there are, the numbers of this moment. */
void streamer_tell_metrics(struct weir_streamer *s);
/* What happened so far, the kernel's part included. */
struct ledger streamer_ledger(const struct weir_streamer *s);

#endif
