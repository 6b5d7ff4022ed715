/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What every measured program does first, so that each of a test run's repetitions meets another
 * flow: it writes source address and port into the packet, 2 ns. The flows come in a Fibonacci
 * sequence: uniform, and far from the order in which they were made.
 */
#ifndef BENCH_LIVE_PRELUDE_BPF_H
#define BENCH_LIVE_PRELUDE_BPF_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "prelude.h"

struct prelude prelude SEC(".data.prelude");

#define SOURCE_ADDRESS 26 /* Ethernet, IPv4 without options */
#define SOURCE_PORT    34

static __always_inline int next_flow(void *data, void *end)
{
	__u64 turn = prelude.turn;
	__u32 flow;

	if (data + 64 > end)
		return 0;
	prelude.turn = turn + 1;
	flow = (__u64)(__u32)(turn * 2654435761u) * prelude.flows >> 32;
	*(__u32 *)(data + SOURCE_ADDRESS) = flow;
	*(__u16 *)(data + SOURCE_PORT) = flow * 40503u;
	return 1;
}

static __always_inline int next_flow_xdp(struct xdp_md *ctx)
{
	return next_flow((void *)(long)ctx->data, (void *)(long)ctx->data_end);
}

static __always_inline int next_flow_tc(struct __sk_buff *ctx)
{
	return next_flow((void *)(long)ctx->data, (void *)(long)ctx->data_end);
}

#endif
