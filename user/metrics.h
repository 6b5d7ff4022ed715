/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * --metrics: between the meter, which tells its numbers now and then, and the HTTP server's thread,
 * which reads them. Neither waits for the other.
 */
#ifndef USER_METRICS_H
#define USER_METRICS_H

#include "config.h"
#include "metrics_text.h"

struct metrics;

/* Serves config->metrics from here on. 0 or a negative errno after a message. */
int metrics_open(struct metrics **out, const struct config *config);
/* Names in the totals are borrowed until then. NULL is allowed. */
void metrics_free(struct metrics *m);

/* --- the meter's side --- */

void metrics_record(struct metrics *m, const struct flow_record *r, bool dissected);
/*
 * The meter has done a step, which /readyz asks for, perhaps the last one. True: its numbers should
 * be told again.
 */
bool metrics_stepped(struct metrics *m, bool ended);
/* To be filled but for the totals, then told. */
struct metrics_snapshot *metrics_begin(struct metrics *m);
void metrics_tell(struct metrics *m);

#endif
