/* SPDX-License-Identifier: BSD-2-Clause */
/* IPFIX and NetFlow v9 on their way: encoder to file, or to a ship with its preamble and stamps. */
#ifndef USER_OUTPUT_IPFIX_H
#define USER_OUTPUT_IPFIX_H

#include "counters.h"
#include "ipfix.h"
#include "outfile.h"
#include "ship.h"

struct output_ipfix_parts {
	const struct config *config;
	const struct columns *columns;
	const struct anonymizer *anonymizer;
	struct ledger_source account; /* may be empty */
	const atomic_bool *stop;
	enum ipfix_protocol protocol;
};

/* One of file and ship is where messages go; both are the output's. */
struct output_ipfix {
	struct output_ipfix_parts parts;
	struct ipfix_encoder *encoder;
	struct outfile *file;
	struct ship *ship;
	bool stream;
	uint64_t packet_ns; /* of the newest record */
	/* what each file or connection begins with */
	struct ipfix_exported preamble;
	uint32_t preamble_sequence; /* of what follows it */
	size_t preamble_names;
	uint64_t begun; /* files, or connections that were seen */
	/* what sequence numbers count from; over a network this is the sending thread's */
	uint32_t base, after_preamble;
	bool based;
};

/* 0, or a negative errno after a message; output_ipfix_free() either way. */
int output_ipfix_open_file(struct output_ipfix *o, const struct output_ipfix_parts *parts,
			   struct outfile *file);
int output_ipfix_open_ship(struct output_ipfix *o, const struct output_ipfix_parts *parts,
			   struct ship_options *options);
/* packet_ns is what rotation goes by. */
int output_ipfix_write(struct output_ipfix *o, const struct flow_record *r, uint64_t packet_ns);
int output_ipfix_flush(struct output_ipfix *o);
int output_ipfix_finish(struct output_ipfix *o);
void output_ipfix_free(struct output_ipfix *o);

#endif
