/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Counts flood's packets by flow where they arrive, for test_flood.py: at TC ingress and at native
 * XDP. The map is read with bpftool.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_helpers.h>

#include "flood_frame.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 65536);
	__type(key, __u64); /* source address << 16 | source port */
	__type(value, __u64);
} tally SEC(".maps");

static __always_inline void tally_frame(const struct flood_frame *f, const void *end)
{
	__u64 key, one = 1, *count;

	if ((const void *)(f + 1) > end || f->ethertype != meter_be16(0x0800) || f->protocol != 17)
		return;
	key = (__u64)meter_be16(f->src[0]) << 32 | (__u64)meter_be16(f->src[1]) << 16 |
	      meter_be16(f->src_port);
	count = bpf_map_lookup_elem(&tally, &key);
	if (count)
		__sync_fetch_and_add(count, 1);
	else if (bpf_map_update_elem(&tally, &key, &one, BPF_NOEXIST) &&
		 (count = bpf_map_lookup_elem(&tally, &key)))
		__sync_fetch_and_add(count, 1);
}

SEC("xdp") int tally_xdp(struct xdp_md *ctx)
{
	tally_frame((void *)(long)ctx->data, (void *)(long)ctx->data_end);
	return XDP_PASS;
}

SEC("tc") int tally_tc(struct __sk_buff *ctx)
{
	tally_frame((void *)(long)ctx->data, (void *)(long)ctx->data_end);
	return TC_ACT_OK;
}
