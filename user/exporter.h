/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where records go: a table of formats, each opened once per -o. A record is written when its flow
 * ends. Exporters are called from one thread.
 */
#ifndef USER_EXPORTER_H
#define USER_EXPORTER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "config.h"
#include "counters.h"
#include "output_status.h"
#include "record.h"
#include "record_sink.h"

struct exporters; /* all outputs of this run */

/* What they work with; borrowed. */
struct exporters_parts {
	const struct config *config;
	const struct columns *columns;
	const struct columns *all_columns;   /* of IPFIX and NetFlow v9; NULL = the same */
	const struct columns *named_columns; /* of Kafka; NULL = the same */
	struct ledger *ledger;               /* counts what leaves by networks */
	struct ledger_source account;        /* for statistics that are exported; may be empty */
	const atomic_bool *stop;             /* nobody waits for a peer any longer; or NULL */
};

/*
 * Opens every output of the config. On error a message was printed and a negative errno is
 * returned: -EINVAL for an unknown format or column, else what the system said.
 */
int exporters_open(struct exporters **out, const struct exporters_parts *parts);
/*
 * Once the run is going to happen: files from before are emptied now. The first record does so,
 * too; without either they stay as they were. Errors as by exporters_open().
 */
int exporters_begin(struct exporters *e);
/*
 * now_ns is packet time, which rotation by time goes by. -EPIPE: the reader of stdout is gone
 * (no message: not an error); other errors are printed once.
 */
int exporters_write(struct exporters *e, const struct flow_record *r, uint64_t now_ns);
/* Writes the rows that are collected. Errors as by exporters_write(). */
int exporters_flush(struct exporters *e);
/* After exporters_flush(): files that were moved away are followed by new ones of their names. */
int exporters_reopen(struct exporters *e);
/* Whether rows wait in a buffer. */
bool exporters_pending(const struct exporters *e);
/* The last three for the flow table. */
struct record_sink exporters_sink(struct exporters *e);
/* Flushes and closes. The first error of a buffered write is reported here. */
int exporters_close(struct exporters *e);
/*
 * Closes after an error, without writing what is buffered for files and without messages about
 * them; what is on its way to a network is sent.
 */
void exporters_discard(struct exporters *e);
/* Of the outputs over networks, in the order of their -o. */
void exporters_status(const struct exporters *e, struct output_statuses *out);
/* Records written, summed over outputs, for the summary. */
uint64_t exporters_written(const struct exporters *e);

#endif
