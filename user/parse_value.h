/* SPDX-License-Identifier: BSD-2-Clause */
/* Text of an option's value -> number. All return 0, or -EINVAL when the text is not one. */
#ifndef USER_PARSE_VALUE_H
#define USER_PARSE_VALUE_H

#include <stdint.h>

#include "config.h"

int parse_count(const char *text, uint64_t *out);
/* Seconds with a fraction; suffixes ms, s, m, h, d. */
int parse_duration(const char *text, uint64_t *out_ns);
/* "60s" and the like is a time, "100MB" a size (K, M, G: powers of 1000; Ki, Mi, Gi: of 1024). */
int parse_rotation(const char *text, struct rotation *out);
/* Tunnel names, comma separated, or "all" or "none" -> bit per enum tunnel_type. */
int parse_tunnels(const char *text, uint32_t *out);

#endif
