/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One -o: a format and where it goes, a file or a peer over the network. The set of them is
 * exporter.h's.
 */
#ifndef USER_OUTPUT_H
#define USER_OUTPUT_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "anonymize.h"
#include "config.h"
#include "counters.h"
#include "record.h"
#include "ship.h"

struct output;

/* What an output works with; borrowed. */
struct output_parts {
	const struct config *config;
	const struct columns *columns;
	struct anonymizer *anonymizer; /* of columns; NULL = none */
	struct ledger_source account;  /* for statistics that are exported; may be empty */
	const atomic_bool *stop;       /* an output that would wait for a peer does so no longer */
};

/* Which columns an output has. */
enum output_columns {
	OUTPUT_CHOSEN, /* those of --fields or --profile */
	OUTPUT_ALL,    /* every column, unless one of the two says which: IPFIX, NetFlow v9 */
	OUTPUT_NAMED,  /* the chosen ones and the record's name in a fleet: Kafka */
	OUTPUT_COLUMNS,
};

enum output_columns output_columns_of(const char *text);

/*
 * text is "FORMAT[:TARGET]", borrowed. 0, or -EINVAL, -ENOMEM, or what the system said, after a
 * message.
 */
int output_open(struct output **out, const char *text, const struct output_parts *parts);
/* Once the run is going to happen: before the first record. Errors as by output_open(). */
int output_begin(struct output *o);
/* One record. 0, or a negative errno after a message; -EPIPE without one. */
int output_write(struct output *o, const struct flow_record *r, uint64_t now_ns);
/* Hands on what is collected. Errors as above. */
int output_flush(struct output *o);
/* After output_flush(): a file that was moved away is followed by one of its name. */
int output_reopen(struct output *o);
/* Whether rows wait in a buffer that only output_flush() or more rows empty. */
bool output_pending(const struct output *o);
/*
 * Flushes, or with discard drops what is collected for a file, and closes. *counts: records that
 * left by a network, zeroes for files.
 */
int output_close(struct output *o, bool discard, struct ship_counts *counts);

/* Names of formats by number, in the order they are told; NULL beyond the last. */
const char *output_format_name(size_t i);
/* What stands behind "FORMAT:". */
const char *output_target(const struct output *o);
bool output_is_file(const struct output *o);
/* All zeroes for files. */
void output_counts(struct output *o, struct ship_counts *counts);
/* "ipfix:tcp": format and scheme; NULL for files. */
const char *output_kind(const struct output *o);

#endif
