/* SPDX-License-Identifier: BSD-2-Clause */
/* The kernel's attribution programs, loaded: they tell struct owners who uses which socket. */
#ifndef USER_ATTRIBUTION_H
#define USER_ATTRIBUTION_H

#include "config.h"
#include "counters.h"
#include "owners.h"

struct attribution;

/* Loads and attaches. 0, or a negative errno with a bpf_reason_text(), as bpf_probe_open(). */
int attribution_open(struct attribution **out, const struct config *config);
/* NULL is allowed, here and below. */
void attribution_close(struct attribution *a);

/* Lists who holds sockets already; from here on owners, which is borrowed, is told. */
int attribution_begin(struct attribution *a, struct owners *owners);
/* Hands on what has happened. ledger: where messages that were lost are counted. */
void attribution_read(struct attribution *a, struct ledger *ledger);

#endif
