/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Between parity.c and parity.bpf.c: the input of a packet, and all that the meter made of it. */
#ifndef TESTS_BPF_PARITY_H
#define TESTS_BPF_PARITY_H

#include "meter/fragment.h"
#include "meter/key.h"
#include "meter/meter.h"
#include "meter/parse.h"
#include "meter/segments.h"

struct parity_flow {
	struct flow_counters counters;
	struct flow_stats stats;
	struct flow_tcp tcp;
};

struct parity {
	struct meter_config config;
	__u64 time_ns;
	__u32 captured, wire_len;
	__u32 next;
	__u32 status;
	__u32 ended;
	__u32 gso_size; /* taken for a super-packet with that; 0 = an ordinary packet */
	struct parser parser;
#ifdef __bpf__
	struct window window;
	struct parity_flow fresh;
#else
	/* The kernel's window and spare flow are not looked at from here. */
	__u8 kernel_only[8 + METER_WINDOW + 64 + sizeof(struct parity_flow)];
#endif
};

#endif
