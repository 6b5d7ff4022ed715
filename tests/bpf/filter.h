/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Between filter.c and filter.bpf.c: sleds in batches, so that one run of a packet answers many. */
#ifndef TESTS_BPF_FILTER_H
#define TESTS_BPF_FILTER_H

#include <linux/types.h>

/* Filters of a batch: one bit each. */
#define BATCH 32
/* clang-format off */
#define EACH_OF_BATCH(do)                                                \
	do(0)  do(1)  do(2)  do(3)  do(4)  do(5)  do(6)  do(7)           \
	do(8)  do(9)  do(10) do(11) do(12) do(13) do(14) do(15)          \
	do(16) do(17) do(18) do(19) do(20) do(21) do(22) do(23)          \
	do(24) do(25) do(26) do(27) do(28) do(29) do(30) do(31)
/* clang-format on */

#define BATCH_SLED     2048
#define BATCH_MARK_XDP 0x78000000
#define BATCH_MARK_TC  0x78000100
#define BATCH_MARK_IP  0x78000200

struct exchange {
	__u32 wire_len; /* in */
	__u32 verdicts; /* out: bit n: filter n of the batch matches */
	__u32 answered; /* out: the program came to its end */
	__u32 inserted; /* out: bytes of a VLAN tag that was put back */
};

#endif
