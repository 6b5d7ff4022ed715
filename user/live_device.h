/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One interface under libpcap: opened, asked for its losses, waited for when it goes away. A
 * device is watched while it has a pcap, waiting while it has only an index, else given up.
 */
#ifndef USER_LIVE_DEVICE_H
#define USER_LIVE_DEVICE_H

#include <pcap/pcap.h>
#include <stdbool.h>
#include <stdint.h>

#include "config.h"
#include "counters.h"
#include "frame_reader.h"

struct live_device {
	const char *name; /* borrowed from the config */
	unsigned int
		index; /* of the interface; 0: libpcap's own, as "any", which cannot come back */
	unsigned int refused; /* index under which it came back and could not be watched */
	pcap_t *pcap;
	struct frame_reader frames; /* the caller's but for link and filter */
	uint32_t dropped;           /* as far as it is in the ledger */
};

/* 0, or a negative errno after a message. */
int live_device_open(struct live_device *d, const char *name, const struct config *config);
void live_device_close(struct live_device *d);

/* The kernel counts what its ring had no room for among the seen packets: so do we. */
void live_device_count_drops(struct live_device *d, struct ledger *ledger);
/* Reading has failed: closes it, to be waited for or given up, and says so. */
void live_device_lost(struct live_device *d, struct ledger *ledger);
/*
 * Notices an interface that went away or came back: to be called a few times a second. True: it
 * came back.
 */
bool live_device_check(struct live_device *d, const struct config *config, struct ledger *ledger);

#endif
