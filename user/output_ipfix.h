/* SPDX-License-Identifier: BSD-2-Clause */
/* IPFIX and NetFlow v9 on their way: encoder to file, or to a ship with its preamble and stamps. */
#ifndef USER_OUTPUT_IPFIX_H
#define USER_OUTPUT_IPFIX_H

#include "counters.h"
#include "ipfix.h"
#include "outfile.h"
#include "ship.h"

/* One of the two is where messages go; both are the output's. */
struct output_ipfix {
	struct ipfix_encoder *encoder;
	struct outfile *file;
	struct ship *ship;
	const struct ledger *ledger;
	const atomic_bool *stop;
	enum ipfix_protocol protocol;
	uint64_t packet_ns; /* of the newest record */
	/* what sequence numbers count from; over a network this is the sending thread's */
	uint32_t base, preamble; /* data records in the preamble */
	bool based;
};

struct output_ipfix_parts {
	const struct config *config;
	const struct columns *columns;
	const struct anonymizer *anonymizer;
	const struct ledger *ledger;
	const atomic_bool *stop;
	enum ipfix_protocol protocol;
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
