/* SPDX-License-Identifier: BSD-2-Clause */
/* What libpcap says of a packet; apart, because its headers clash with the kernel's. */
#ifndef TESTS_BPF_REFERENCE_H
#define TESTS_BPF_REFERENCE_H

#include "classic.h"

bool reference_matches(const struct classic_program *program, const uint8_t *bytes,
		       uint32_t captured, uint32_t wire_len);

/*
 * Whether no M[] is read before it is written. libpcap makes programs that do, of what follows a
 * failed "geneve 5 or", and then reads whatever is on its stack.
 */
bool reference_is_defined(const struct classic_program *program);

#endif
