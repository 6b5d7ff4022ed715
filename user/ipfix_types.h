/* SPDX-License-Identifier: BSD-2-Clause */
/* What our own elements are (RFC 5610), so that collectors need no list of them. IPFIX only. */
#ifndef USER_IPFIX_TYPES_H
#define USER_IPFIX_TYPES_H

#include "ipfix_template.h"

extern const struct ipfix_option ipfix_types_option;

/* Adds the own elements among the layout's, each once. Errors are emit's. */
int ipfix_types_add(struct ipfix_message *m, const struct ipfix_layout *layout, uint32_t pen);
/* How many of them there are. */
size_t ipfix_types_count(const struct ipfix_layout *layout);

#endif
