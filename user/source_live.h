/* SPDX-License-Identifier: BSD-2-Clause */
/* Packets from interfaces, through libpcap (TPACKET_V3 on Linux). */
#ifndef USER_SOURCE_LIVE_H
#define USER_SOURCE_LIVE_H

#include <stdbool.h>

#include "source.h"

struct source_live;

/*
 * Opens config->interfaces, so that what cannot be watched is said before outputs are opened.
 * 0, or a negative errno after a message.
 */
int source_live_open(struct source_live **out, const struct config *config);
void source_live_close(struct source_live *s);
/* The interfaces behind the numbers of places; it lives as long as the source. */
const struct watch_list *source_live_watched(const struct source_live *s);

/*
 * An interface that goes away is waited for; the end comes when there is none to watch or wait for.
 * What the kernel dropped for want of buffer space is counted as lost.
 */
int source_live_begin(struct source_live *s, const struct source_parts *parts);
int source_live_step(struct source_live *s, int timeout_ms);
/*
 * Reads what came before the stop from the buffers of the kernel, then counts the last drops. true:
 * call again.
 */
bool source_live_finish(struct source_live *s);

#endif
