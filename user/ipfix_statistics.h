/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What was exported, ignored and lost (RFC 7011 sections 4.1 to 4.3), as options of the
 * observation domain and, where it is told, the observation point; with the templates and at the
 * end.
 */
#ifndef USER_IPFIX_STATISTICS_H
#define USER_IPFIX_STATISTICS_H

#include "ipfix_template.h"

struct ipfix_statistics {
	uint32_t point; /* 0 = not told */
	/* There are totals; without them, as in NetFlow v9, there is only what was exported. */
	bool totals;
};

const struct ipfix_option *ipfix_statistics_option(enum ipfix_protocol protocol,
						   const struct ipfix_statistics *s);
/* totals are zeroes without s->totals. */
int ipfix_statistics_add(struct ipfix_message *m, const struct ipfix_statistics *s,
			 const struct ipfix_totals *totals);

#endif
