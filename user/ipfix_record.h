/* SPDX-License-Identifier: BSD-2-Clause */
/* Data records: the values of a flow record, by a layout. */
#ifndef USER_IPFIX_RECORD_H
#define USER_IPFIX_RECORD_H

#include "ipfix_layout.h"
#include "ipfix_message.h"

/*
 * Writes a data record and returns its end, within IPFIX_RECORD_MAX bytes: texts and lists that
 * are too long are cut and counted in *cut. m is asked for the uptime. A list is that of a
 * basicList of elements of the enterprise pen.
 */
uint8_t *ipfix_record_put(uint8_t *to, const struct ipfix_layout *layout,
			  const struct flow_record *r, const struct ipfix_message *m, uint32_t pen,
			  uint64_t *cut);

/* A text of variable length in at most room bytes, 3 at least. */
uint8_t *ipfix_text_put(uint8_t *to, size_t room, const char *text, uint64_t *cut);

/* applicationId of RFC 6759: engine 6, user-defined, and nDPI's two numbers. */
uint32_t ipfix_application_id(const struct flow_record *r);

#endif
