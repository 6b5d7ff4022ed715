/* SPDX-License-Identifier: BSD-2-Clause */
/* How the outputs over networks are doing, copied at one moment for the metrics. */
#ifndef USER_OUTPUT_STATUS_H
#define USER_OUTPUT_STATUS_H

#include <stddef.h>
#include <stdint.h>

#include "ship.h"

/* Outputs that are told apart; the last place is that of all others. */
#define OUTPUT_STATUSES    16
#define OUTPUT_STATUS_NAME 40

struct output_status {
	/* "2:ipfix:tcp": the place of its -o, format, scheme; no address: it may hold secrets */
	char name[OUTPUT_STATUS_NAME];
	struct ship_counts counts;
	uint64_t capacity_bytes; /* of the queue */
};

struct output_statuses {
	struct output_status item[OUTPUT_STATUSES];
	size_t count;
};

#endif
