/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Link layers of capture files: where the shared parser starts in a frame, and what it meets
 * there. Ethernet itself is the parser's.
 */
#ifndef USER_LINK_H
#define USER_LINK_H

#include <stdint.h>

#include "counters.h"
#include "meter/parse.h"

struct link_start {
	enum parse_status next; /* PARSE_REFUSED and above: the frame is ignored */
	enum counter ignored;   /* for a refused frame */
	uint32_t offset;        /* of the parser's window */
	uint16_t type;          /* EtherType, with PARSE_TYPE */
	uint8_t outgoing;       /* the header says that this host sent it */
	const uint8_t *mac;     /* destination, then source; NULL = none */
	uint8_t mac_pair[12];   /* where mac points when the frame has them otherwise ordered */
};

typedef void (*link_reader)(const uint8_t *frame, uint32_t captured, struct link_start *out);

/* NULL: the DLT is not known. */
link_reader link_reader_of(int dlt);
/* "EN10MB, RAW, ..." for messages. */
const char *link_names(void);

#endif
