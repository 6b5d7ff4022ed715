/* SPDX-License-Identifier: BSD-2-Clause */
/* Texts from packets may be any bytes; formats that promise UTF-8 (RFC 3629) ask here. */
#ifndef USER_UTF8_H
#define USER_UTF8_H

#include <stddef.h>
#include <stdint.h>

/* Length of the valid sequence at s, which a zero ends; 0 if there is none. */
int utf8_length(const unsigned char *s);

/*
 * Copies a text without its end, as much as goes into room in whole sequences; bytes that are
 * not UTF-8 become the replacement character. Returns the bytes written; *rest is what did not
 * go in, "" if all did.
 */
size_t utf8_copy(uint8_t *to, size_t room, const char *text, const char **rest);

#endif
