/* SPDX-License-Identifier: BSD-2-Clause */
/* Community ID flow hashing, version 1, seed 0: github.com/corelight/community-id-spec. */
#ifndef USER_COMMUNITY_ID_H
#define USER_COMMUNITY_ID_H

#include "record.h"

/* out: "1:" and 28 characters of base64. */
void community_id(const struct flow_record *r, char out[40]);

#endif
