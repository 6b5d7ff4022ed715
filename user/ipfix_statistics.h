/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What was exported, ignored and lost (RFC 7011 sections 4.1 to 4.3), as options of the
 * observation domain; with the templates and at the end.
 */
#ifndef USER_IPFIX_STATISTICS_H
#define USER_IPFIX_STATISTICS_H

#include "ipfix_template.h"

/* Without totals there is only what the message knows of itself, as in NetFlow v9. */
const struct ipfix_option *ipfix_statistics_option(enum ipfix_protocol protocol, bool totals);
/* totals may be NULL. */
int ipfix_statistics_add(struct ipfix_message *m, const struct ipfix_totals *totals);

#endif
