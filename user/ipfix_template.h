/* SPDX-License-Identifier: BSD-2-Clause */
/* Template records of data (RFC 7011 section 3.4.1, RFC 3954 section 5.2) and of options. */
#ifndef USER_IPFIX_TEMPLATE_H
#define USER_IPFIX_TEMPLATE_H

#include "ipfix_layout.h"
#include "ipfix_message.h"

struct ipfix_option_field {
	uint16_t id, length; /* IANA; NetFlow v9's scopes have numbers of their own */
};

/* What an options template tells, after its scopes. */
struct ipfix_option {
	uint16_t template;
	uint16_t scopes, fields; /* how many of items */
	const struct ipfix_option_field *items;
};

/* Both add to the message. Errors are emit's. */
int ipfix_template_add(struct ipfix_message *m, const struct ipfix_layout *layout);
int ipfix_option_template_add(struct ipfix_message *m, const struct ipfix_option *option);

#endif
