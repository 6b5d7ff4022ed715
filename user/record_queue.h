/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Finished records between the flow table and a reader of the same thread. A record is copied with
 * all it points to, since its flow's memory is used again. Slots keep their memory.
 */
#ifndef USER_RECORD_QUEUE_H
#define USER_RECORD_QUEUE_H

#include "plugins.h"
#include "record_sink.h"

struct record_queue;

/* plugins may be NULL; borrowed. NULL: no memory. */
struct record_queue *record_queue_new(struct plugins *plugins);
void record_queue_free(struct record_queue *q);
struct record_sink record_queue_sink(struct record_queue *q);
/* The oldest record, valid until the next call for q; NULL: there is none. */
struct flow_record *record_queue_next(struct record_queue *q);
bool record_queue_is_empty(const struct record_queue *q);

#endif
