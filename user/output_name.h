/* SPDX-License-Identifier: BSD-2-Clause */
/* An -o as messages name it, which may go to a journal that many read. */
#ifndef USER_OUTPUT_NAME_H
#define USER_OUTPUT_NAME_H

/*
 * The text with "***" for the password of its URL, and without the values behind "?", of which some
 * are secrets: Kafka's properties, parameters of a query. The caller's; NULL: no memory.
 */
char *output_name(const char *text);

#endif
