/* SPDX-License-Identifier: BSD-2-Clause */
/* What no packet tells about a flow's ends and others know: looked up once a record. */
#ifndef USER_ENRICH_H
#define USER_ENRICH_H

#include "config.h"
#include "counters.h"
#include "record.h"

struct enricher;

/* Opens what the columns need; *out is NULL if that is nothing. 0, or negative after a message. */
int enricher_open(struct enricher **out, const struct config *config, uint32_t need,
		  struct ledger *ledger);
/* NULL is allowed, here and below. */
void enricher_free(struct enricher *e);

/* Fills its columns of a record; texts live as long as e. */
void enricher_fill(struct enricher *e, struct flow_record *r);

#endif
