/* SPDX-License-Identifier: BSD-2-Clause */
/* What flood's modes share: what to send, what was sent, and when the next packets are due. */
#ifndef TESTS_LIVE_FLOOD_H
#define TESTS_LIVE_FLOOD_H

#include <stdbool.h>
#include <stdint.h>

#include "flood_frame.h"

struct flood_pace {
	uint64_t rate; /* packets a second; 0 = as fast as they go */
	uint64_t slice_ns;
	uint64_t began_ns, moved_ns;
	uint64_t moved; /* packets sent when it last went on */
};

struct flood {
	struct flood_plan plan;
	struct flood_pace pace;
	const char *dev;
	int ifindex;
	uint8_t src_mac[6], dst_mac[6];
	uint32_t dst_ip; /* host byte order */
	uint32_t size;   /* bytes of a frame */
	uint64_t packets;
	int cpu; /* -1 = any */
};

struct flood_sent {
	uint64_t packets;
	uint64_t retries; /* refusals, each followed by another attempt with the same packet */
};

/*
 * Each sends flood->packets packets, number 0 first; one that the device refused is sent again.
 * 0 or a negative errno; the message is out by then.
 */
int flood_xdp(struct flood *flood, struct flood_sent *sent);
int flood_afxdp(struct flood *flood, struct flood_sent *sent);
int flood_packet(struct flood *flood, struct flood_sent *sent);

int flood_error(int err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* All but the source, which flood_frame_address() sets; computes plan->checksum_sum. */
void flood_frame_init(struct flood *flood, struct flood_frame *frame);

uint64_t flood_now_ns(void);
void flood_pace_begin(struct flood_pace *pace);

/* Sleeps until packets are due; how many of the most that are left. */
uint64_t flood_pace_take(struct flood_pace *pace, uint64_t sent, uint64_t most);

/* After a refusal: a short rest, or -ETIMEDOUT when nothing has gone out for seconds. */
int flood_pace_rest(struct flood_pace *pace, uint64_t sent);

#endif
