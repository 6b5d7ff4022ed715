/* SPDX-License-Identifier: BSD-2-Clause */
/* Where the flow table's records go: exporters, or a queue that somebody reads. */
#ifndef USER_RECORD_SINK_H
#define USER_RECORD_SINK_H

#include <stdbool.h>
#include <stdint.h>

#include "record.h"

struct record_sink {
	void *context;
	/*
	 * Takes a record at packet time now_ns; what it points to is borrowed for the call, but for
	 * r->state, which the sink may keep (a copy of) by setting it to NULL. An error is final.
	 */
	int (*write)(void *context, struct flow_record *r, uint64_t now_ns);
	/* Brings out what is held back, as far as that is the sink's to do. */
	int (*flush)(void *context);
	/* Whether records are held back. */
	bool (*pending)(const void *context);
	/* Whether the source should pause, since somebody has to take records first. */
	bool (*full)(const void *context);
};

#endif
