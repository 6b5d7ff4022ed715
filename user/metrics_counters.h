/* SPDX-License-Identifier: BSD-2-Clause */
/* The counter table as metrics. */
#ifndef USER_METRICS_COUNTERS_H
#define USER_METRICS_COUNTERS_H

#include "counters.h"
#include "text_buffer.h"

/*
 * Every counter of the table: one at the top level is a metric of its own, those of a group are a
 * metric with a label.
 */
void metrics_counters(struct text_buffer *b, const struct ledger *l);

#endif
