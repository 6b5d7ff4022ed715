/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What every measured program does first, so that each of a test run's repetitions meets another
 * flow: it writes source address and port into the packet, and the sequence number that comes next
 * in this flow, 2 ns. With a stride of the golden section the flows come uniformly, and far from
 * the order in which they were made.
 */
#ifndef BENCH_LIVE_PRELUDE_BPF_H
#define BENCH_LIVE_PRELUDE_BPF_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "prelude.h"

struct prelude prelude SEC(".data.prelude");

#define SOURCE_ADDRESS 26 /* Ethernet, IPv4 without options */
#define SOURCE_PORT    34
#define SEQUENCE       38

static __always_inline int next_flow(void *data, void *end)
{
	__u32 flow = prelude.flow;

	if (data + 64 > end)
		return 0;
	*(__u32 *)(data + SOURCE_ADDRESS) = flow;
	*(__u16 *)(data + SOURCE_PORT) = flow * 40503u;
	*(__u32 *)(data + SEQUENCE) = __builtin_bswap32(prelude.sequence);
	flow += prelude.stride;
	if (flow >= prelude.flows)
		flow -= prelude.flows;
	if (!flow)
		prelude.sequence += prelude.payload;
	prelude.flow = flow;
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
