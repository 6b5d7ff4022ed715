/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Columns as fields of a Protocol Buffers message (proto3). A column's number follows from its
 * IPFIX element, which never changes, so one schema is that of every run, whatever its columns.
 */
#ifndef USER_PROTOBUF_H
#define USER_PROTOBUF_H

#include <stdint.h>
#include <stdio.h>

#include "record.h"

/* What stands in front of a value. */
enum protobuf_wire { PROTOBUF_VARINT = 0, PROTOBUF_FIXED64 = 1, PROTOBUF_LENGTH = 2 };

/* The number of a column's field; other names of a value have numbers of their own. */
uint32_t protobuf_number(const struct field *f);

/* `weir schema protobuf`: a .proto file of every column, and those that plugins add. */
void protobuf_print_schema(FILE *to, const struct field *added, size_t added_count);

#endif
