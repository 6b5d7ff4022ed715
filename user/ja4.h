/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * JA4 fingerprint of a TLS ClientHello: github.com/FoxIO-LLC/ja4, technical_details/JA4.md (the
 * client method is BSD-licensed). nDPI 4.2 has none.
 */
#ifndef USER_JA4_H
#define USER_JA4_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define JA4_LENGTH 36 /* without the zero */

/* Once, before threads. */
void ja4_prepare(void);

/*
 * hello: from the handshake header (type 1, 24-bit length) on, complete. transport: 't' for TCP,
 * 'd' for DTLS, whose hello has a cookie. False when it is not a well-formed ClientHello.
 */
bool ja4_client(const uint8_t *hello, size_t length, char transport, char out[JA4_LENGTH + 1]);

#endif
