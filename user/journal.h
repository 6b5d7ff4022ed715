/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * systemd's journal by its native protocol (systemd.io/JOURNAL_NATIVE_PROTOCOL): a datagram is a
 * message with its fields.
 */
#ifndef USER_JOURNAL_H
#define USER_JOURNAL_H

#include <stdbool.h>

/* Whether stderr is a stream of the journal, as for a service. */
bool journal_is_stderr(void);
/*
 * A line of text with its priority (of syslog(3)); fields: further ones, "NAME=value\n" each, or
 * NULL. false: the journal has not taken it.
 */
bool journal_send(int priority, const char *text, const char *fields);

#endif
