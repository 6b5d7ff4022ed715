/* SPDX-License-Identifier: BSD-2-Clause */
/* One interface under libpcap: opened, asked for its losses, closed. */
#ifndef USER_LIVE_DEVICE_H
#define USER_LIVE_DEVICE_H

#include <net/if.h>
#include <pcap/pcap.h>
#include <stdbool.h>
#include <stdint.h>

#include "config.h"
#include "counters.h"
#include "frame_reader.h"

/*
 * What the kernel's ring holds is handed over this long after it came, at the latest: its block's
 * time (READ_MS in live_device.c), which the kernel measures by ticks.
 */
#define LIVE_DEVICE_DRAIN_NS 130000000ull

struct live_device {
	char name[IFNAMSIZ];
	pcap_t *pcap;
	int ring_bytes;             /* the caller's: of the kernel's ring */
	struct frame_reader frames; /* the caller's but for link, filter and way */
	uint32_t dropped;           /* as far as it is in the ledger */
};

/*
 * 0, or a negative errno after a message. index: the kernel's of the interface, 0 = libpcap's own.
 * -EAGAIN, without a message: the name is another's by now, or the interface has just come (back)
 * and is not ready yet.
 */
int live_device_open(struct live_device *d, const char *name, unsigned int index,
		     const struct config *config, bool back);
void live_device_close(struct live_device *d);
void live_device_rename(struct live_device *d, const char *name);

/* The kernel counts what its ring had no room for among the seen packets: so do we. */
void live_device_count_drops(struct live_device *d, struct ledger *ledger);
/* Reading has failed; index: the kernel's of the interface, 0 = libpcap's own. */
void live_device_say_lost(const struct live_device *d, unsigned int index);

#endif
