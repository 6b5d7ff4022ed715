/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The kernel program behind a generator: every run of the program makes the packet one of a random
 * flow and counts it there, then meters it. So who runs it knows the truth of each flow.
 */
#include "../../bpf/weir.bpf.c"

#include "storm.h"

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct storm_params);
} storm_params SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, STORM_FLOWS);
	__uint(map_flags, BPF_F_MMAPABLE);
	__type(key, __u32);
	__type(value, __u64);
} storm_truth SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, __u64);
} storm_random SEC(".maps");

static __always_inline __u32 storm_pick(__u32 flows)
{
	__u32 zero = 0;
	__u64 *state = bpf_map_lookup_elem(&storm_random, &zero), x;

	if (!state || !flows)
		return 0;
	x = *state ? *state : 88172645463325252ull + bpf_get_smp_processor_id() * 7919;
	x ^= x << 13; /* xorshift64: Marsaglia, 2003 */
	x ^= x >> 7;
	x ^= x << 17;
	*state = x;
	return (x >> 20) % flows;
}

SEC("xdp.frags") int storm(struct xdp_md *ctx)
{
	__u32 zero = 0, flow;
	const struct storm_params *params = bpf_map_lookup_elem(&storm_params, &zero);
	__be32 address;
	__u64 *truth;

	if (!params)
		return XDP_ABORTED;
	flow = storm_pick(params->flows);
	address = meter_be32(STORM_BASE + flow);
	if (bpf_xdp_store_bytes(ctx, 26, &address, sizeof(address)))
		return XDP_ABORTED;
	truth = bpf_map_lookup_elem(&storm_truth, &flow);
	if (truth)
		__sync_fetch_and_add(truth, 1);
	return xdp_packet(ctx);
}
