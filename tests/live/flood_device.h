/* SPDX-License-Identifier: BSD-2-Clause */
/* What flood asks about the interface it sends on. */
#ifndef TESTS_LIVE_FLOOD_DEVICE_H
#define TESTS_LIVE_FLOOD_DEVICE_H

#include "flood.h"

/* Sets ifindex and src_mac; 0 or a negative errno, with the message out. */
int flood_device_open(struct flood *flood);

/* The interface's tx_dropped, which wraps. */
uint32_t flood_device_dropped(const struct flood *flood);

#endif
