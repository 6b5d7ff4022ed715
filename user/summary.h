/* SPDX-License-Identifier: BSD-2-Clause */
/* The accounting of a run: one line for people, JSON for programs, both from the counter table. */
#ifndef USER_SUMMARY_H
#define USER_SUMMARY_H

#include <stdio.h>

#include "counters.h"

/* On stderr: what is not 0. */
void summary_print(const struct ledger *l);
/* The same without its beginning "weir:". */
void summary_print_to(const struct ledger *l, FILE *to);
/* To a file, "-" = stdout. 0, or a negative errno after a message. */
int summary_write(const struct ledger *l, const char *path);

#endif
