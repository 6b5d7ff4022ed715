/* SPDX-License-Identifier: BSD-2-Clause */
/* Captured frames of one link into the meter: filter, link header, parser, ledger. */
#ifndef USER_FRAME_READER_H
#define USER_FRAME_READER_H

#include <pcap/pcap.h>
#include <stdbool.h>

#include "counters.h"
#include "host_meter.h"
#include "link.h"

struct frame_reader {
	const struct meter_config *meter_config;
	struct host_meter *meter;
	struct ledger *ledger;
	link_reader link;
	struct bpf_program filter;
	bool filtered;
	uint16_t number;  /* of the watched interface; 0: a file */
	bool many;        /* which is part of the key, unless */
	bool dedup;       /* packets are counted at one of several interfaces */
	uint16_t vlan_id; /* then: of packets without a tag */
	bool all_out;     /* only frames that go out are captured */
	bool has_mac;     /* the interface has this address: frames from there go out */
	uint8_t mac[6];
};

/*
 * Prepares for the frames of an open capture; name is for messages. 0, -EPROTONOSUPPORT for an
 * unknown link type or -EINVAL for a bad filter, both after a message.
 */
int frame_reader_begin(struct frame_reader *r, pcap_t *pcap, const char *name, const char *filter);
void frame_reader_end(struct frame_reader *r);

/* One frame; h->ts in nanoseconds. */
void frame_reader_packet(struct frame_reader *r, const struct pcap_pkthdr *h, const uint8_t *bytes);

#endif
