/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* weir's kernel program behind the prelude of the floors. */
#include "bpf/weir.bpf.c"

#include "prelude.bpf.h"

SEC("xdp.frags") int bench_weir_xdp(struct xdp_md *ctx)
{
	return next_flow_xdp(ctx) ? xdp_packet(ctx) : XDP_ABORTED;
}

SEC("tc") int bench_weir_tc(struct __sk_buff *ctx)
{
	return next_flow_tc(ctx) ? tc_packet(ctx, HOOK_TC, WAY_IN) : TC_ACT_SHOT;
}
