/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Between bpf/filter.bpf.h, which leaves room for the capture filter in the kernel program, and the
 * agent, which writes the filter there: how the room is found and where the filter's inputs are.
 */
#ifndef METER_FILTER_H
#define METER_FILTER_H

/*
 * Instructions of room. Classic BPF ends at 4,096 instructions, each about two of these; the jump
 * over all of it has 15 bits.
 */
#define FILTER_SLED 8192

/* The immediate of the instruction that begins the room of each function. */
#define FILTER_MARK_XDP   0x77656931
#define FILTER_MARK_TC    0x77656932
#define FILTER_MARK_TC_L3 0x77656933

/* Bytes from the start of the kernel's struct window. */
#define FILTER_WINDOW_LEN      0
#define FILTER_WINDOW_INSERTED 4
#define FILTER_WINDOW_BYTES    8

#endif
