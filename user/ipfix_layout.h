/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the columns of a run are in a data record: the elements of a template, in order, and where
 * in a flow record the value of each comes from.
 */
#ifndef USER_IPFIX_LAYOUT_H
#define USER_IPFIX_LAYOUT_H

#include "ipfix.h"

#define IPFIX_VARIABLE 0xffff

/* Of an element's number: that of an enterprise follows (RFC 7011 section 3.2). */
#define IPFIX_ENTERPRISE_BIT 0x8000
/* Bytes in front of a value of variable length, at most (RFC 7011 section 7). */
#define IPFIX_LENGTH_PREFIX 3
/* Bytes of the head of a basicList of our own elements (RFC 6313 section 4.5.1). */
#define IPFIX_LIST_HEAD 9

/* How a value is written. */
enum ipfix_form {
	FORM_U8,
	FORM_U16,
	FORM_U32,
	FORM_U64,
	FORM_MS,     /* u64 ns in ms, 64 bits */
	FORM_MS_32,  /* the same in 32 bits; what is longer is 2^32 - 1 */
	FORM_NTP,    /* u64 ns since 1970 as dateTimeNanoseconds: s since 1900, 2^-32 s */
	FORM_UPTIME, /* u64 ns since 1970 in ms of NetFlow v9's uptime, 32 bits */
	FORM_KNOWN,  /* u64; all ones if it is not known */
	FORM_ADDR4,
	FORM_ADDR6,
	FORM_MAC,
	FORM_OUI,
	FORM_TEXT,  /* const char * */
	FORM_CHARS, /* char[] */
	FORM_SPLT_DIRECTION,
	FORM_SPLT_SIZE,
	FORM_SPLT_GAP,
	FORM_APPLICATION, /* applicationId of RFC 6759, 4 bytes */
	FORM_ICMP,        /* type and code in one */
	FORM_CONSTANT_8,
	FORM_CONSTANT_32,
};

struct ipfix_item {
	uint32_t enterprise; /* 0 = IANA */
	uint16_t id;
	uint16_t length; /* bytes, or IPFIX_VARIABLE */
	enum ipfix_form form;
	bool in_state;
	uint32_t offset; /* of the value in the flow record, or in its plugins' state */
	uint32_t constant;
	const struct field *field; /* the column, or NULL */
	size_t behind;             /* bytes that the items behind it have at least */
};

struct ipfix_layout {
	uint16_t id; /* of the template */
	struct ipfix_item *items;
	size_t count;
	size_t least; /* bytes of a record at least */
};

/* A variant has a template; ICMP flows have one of their own if columns tell of ICMP. */
enum ipfix_variant { VARIANT_IPV4, VARIANT_IPV6, VARIANT_ICMP, VARIANT_ICMPV6, VARIANTS };

/* The first number that templates may have; those of options follow the variants. */
#define IPFIX_FIRST_TEMPLATE 256

struct ipfix_layouts {
	/* By variant; for NetFlow v9 also of what the destination sent. */
	struct ipfix_layout forward[VARIANTS], reverse[VARIANTS];
	size_t variants;   /* VARIANT_ICMP without columns of ICMP, else VARIANTS */
	bool applications; /* they have an applicationId */
};

/* 0; -ENOMEM, or -EINVAL if no column or too many can be exported; without a message. */
int ipfix_layouts_build(struct ipfix_layouts *out, const struct config *config,
			const struct columns *columns, const struct ipfix_options *options);
void ipfix_layouts_free(struct ipfix_layouts *layouts);

enum ipfix_variant ipfix_variant_of(const struct ipfix_layouts *layouts,
				    const struct flow_record *r);

#endif
