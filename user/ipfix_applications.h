/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The names of applications by number (RFC 6759): each is told before the first record that has
 * it, and all of them again with the templates.
 */
#ifndef USER_IPFIX_APPLICATIONS_H
#define USER_IPFIX_APPLICATIONS_H

#include "ipfix_template.h"

#define IPFIX_APPLICATIONS      4096 /* more keep their numbers and are not told */
#define IPFIX_APPLICATION_SLOTS (2 * IPFIX_APPLICATIONS)
#define IPFIX_APPLICATION_NAME  64 /* bytes */

struct ipfix_applications {
	struct ipfix_application {
		uint32_t id;
		char name[IPFIX_APPLICATION_NAME];
	} * known; /* in order of appearance */
	size_t count, room;
	size_t told;
	uint16_t slots[IPFIX_APPLICATION_SLOTS]; /* of known, plus one; 0 = empty */
};

extern const struct ipfix_option ipfix_applications_option, ipfix_applications_option_v9;

void ipfix_applications_free(struct ipfix_applications *a);

/* Learns the application of the record, if there is memory. */
void ipfix_applications_learn(struct ipfix_applications *a, const struct flow_record *r);
/* Adds what is not told yet. */
int ipfix_applications_tell(struct ipfix_applications *a, struct ipfix_message *m);
/* Adds all of them, whatever was told. */
int ipfix_applications_tell_all(const struct ipfix_applications *a, struct ipfix_message *m);
/* Nothing is told yet. */
void ipfix_applications_forget(struct ipfix_applications *a);

#endif
