/* SPDX-License-Identifier: BSD-2-Clause */
/* What the public API calls a record: values, and the columns they are read by. */
#ifndef USER_WEIR_RECORD_H
#define USER_WEIR_RECORD_H

#include "record.h"
#include "text_buffer.h"
#include "weir/weir.h"

struct weir_record {
	const struct flow_record *values;
	const struct columns *columns;
	struct text_buffer text; /* of the value at hand */
	int64_t *list;
	size_t list_room;
};

void weir_record_destroy(struct weir_record *r);
enum weir_type weir_type_of(enum field_type type);

#endif
