/* SPDX-License-Identifier: BSD-2-Clause */
#include <ctype.h>
#include <pthread.h>

#include "protobuf.h"

/*
 * Numbers: our own elements as they are (1 to 1023, plugins from 16384 on), then IANA's, then those
 * of the other direction. 19000 to 19999 are Protocol Buffers' own.
 */
#define FIRST_IANA     2048u
#define FIRST_REVERSE  4096u
#define NEXT_NAME      8192u
#define RESERVED_BEGIN 19000u
#define RESERVED_COUNT 1000u

static uint32_t number_of_element(uint32_t ipfix)
{
	uint32_t id = IPFIX_ID(ipfix);

	if (IPFIX_IS_OWN(ipfix))
		return id < RESERVED_BEGIN ? id : id + RESERVED_COUNT;
	return id + (IPFIX_ENTERPRISE(ipfix) ? FIRST_REVERSE : FIRST_IANA);
}

/* Whether a row before has the element: this one is another name or form of its value. */
static bool is_next_name(const struct field *f)
{
	for (const struct field *before = record_fields; before < f; before++)
		if (before->ipfix == f->ipfix)
			return true;
	return false;
}

/* By place in the table: records are written by the million. */
#define MOST_COLUMNS 1024u
static uint16_t numbers[MOST_COLUMNS];
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void number_columns(void)
{
	for (size_t i = 0; i < record_field_count && i < MOST_COLUMNS; i++) {
		const struct field *f = &record_fields[i];

		numbers[i] = number_of_element(f->ipfix) + (is_next_name(f) ? NEXT_NAME : 0);
	}
}

uint32_t protobuf_number(const struct field *f)
{
	if (f->need & NEED_STATE)
		return number_of_element(f->ipfix);
	pthread_once(&once, number_columns);
	return numbers[f - record_fields];
}

static const char *type_of(enum field_type type)
{
	switch (type) {
	case FIELD_U8:
	case FIELD_U16:
	case FIELD_U32: return "uint32";
	case FIELD_U64:
	case FIELD_NS_AS_MS: return "uint64";
	case FIELD_US_KNOWN: return "optional uint64";
	case FIELD_I32: return "sint32";
	case FIELD_I64: return "sint64";
	case FIELD_F64: return "double";
	case FIELD_SPLT_DIRECTION:
	case FIELD_SPLT_SIZE:
	case FIELD_SPLT_GAP_MS: return "repeated sint64";
	default: return "string";
	}
}

/* Plugins' columns may have a dot in their names, and any words. */
static void print_name(FILE *to, const char *name)
{
	for (; *name; name++)
		fputc(isalnum((unsigned char)*name) ? *name : '_', to);
}

static void print_words(FILE *to, const char *words)
{
	for (; *words; words++)
		fputc((unsigned char)*words < ' ' ? ' ' : *words, to);
}

static void print_field(FILE *to, const struct field *f)
{
	fputs("\n  // ", to);
	print_words(to, f->help);
	if (*f->unit)
		fputs(" (", to);
	print_words(to, f->unit);
	fprintf(to, "%s\n  %s ", *f->unit ? ")" : "", type_of(f->type));
	print_name(to, f->name);
	fprintf(to, " = %u;\n", protobuf_number(f));
}

void protobuf_print_schema(FILE *to, const struct field *added, size_t added_count)
{
	fputs("// Flow records of weir " WEIR_VERSION ", one message each. In files, on the\n"
	      "// standard output and on connections each has its length in front, as a varint; a\n"
	      "// message of Kafka is one record alone. A column that a run does not have, or\n"
	      "// --anonymize hides and that is no string, is not there. Numbers never change.\n"
	      "syntax = \"proto3\";\n\n"
	      "package weir;\n\n"
	      "message Flow {",
	      to);
	for (size_t i = 0; i < record_field_count; i++)
		print_field(to, &record_fields[i]);
	for (size_t i = 0; i < added_count; i++)
		print_field(to, &added[i]);
	fputs("}\n", to);
}
