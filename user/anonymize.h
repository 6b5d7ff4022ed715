/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Records that do not tell who: columns replaced by a keyed hash of their text, and addresses
 * replaced by ones that keep common prefixes (Crypto-PAn: Fan, Xu, Ammar, Moon 2004).
 */
#ifndef USER_ANONYMIZE_H
#define USER_ANONYMIZE_H

#include "config.h"
#include "record.h"
#include "text_buffer.h"

struct anonymizer;

/* *out is NULL when nothing is to be hidden. 0, or a negative errno after a message. */
int anonymizer_new(struct anonymizer **out, const struct config *config,
		   const struct columns *columns);
/* With the key of another one, so that other columns hide the same values alike; NULL: as above. */
int anonymizer_new_like(struct anonymizer **out, const struct config *config,
			const struct columns *columns, const struct anonymizer *like);
void anonymizer_free(struct anonymizer *a);

/*
 * Whether the column at this place is replaced by its hash: it was named, or tells one that was, as
 * another form of it, its number, or a hash of the flow's key.
 */
bool anonymizer_hides(const struct anonymizer *a, size_t column);
/* Whether a column of the value at this place of a record is hidden; a may be NULL. */
bool anonymizer_hides_value(const struct anonymizer *a, const struct columns *columns,
			    size_t offset);
/*
 * Replaces what stands in b since start by 32 hex digits: BLAKE2b-512 of it under the run's key,
 * cut to 128 bits.
 */
void anonymizer_replace(struct anonymizer *a, struct text_buffer *b, size_t start);
/* Whether a column of the flow's key is hidden, and a hash of it must not be told; NULL: no. */
bool anonymizer_hides_key(const struct anonymizer *a);
bool anonymizer_changes_addresses(const struct anonymizer *a);
/* Addresses, if asked for, and what is derived from them. */
void anonymizer_addresses(struct anonymizer *a, struct flow_record *r, uint32_t need);
/* One address in place; 4 or 16 bytes. For tests against the published vectors. */
void anonymizer_prefix(struct anonymizer *a, uint8_t *addr, size_t length);

#endif
