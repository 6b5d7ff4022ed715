/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * For test_counters.py: counts the frames that come in at native XDP, which are those of the wire,
 * and puts VLAN tag 5 on frames and takes it off again at TC, as a VLAN device would. The map is
 * read with bpftool.
 */
#include <linux/bpf.h>
#include <linux/pkt_cls.h>

#include <bpf/bpf_helpers.h>

#include "meter/wire.h"

#define TAG 5

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct counted {
	__u64 packets, bytes;
};

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct counted);
} counts SEC(".maps");

SEC("xdp.frags") int count_xdp(struct xdp_md *ctx)
{
	__u32 zero = 0;
	struct counted *c = bpf_map_lookup_elem(&counts, &zero);

	if (c) {
		c->packets++;
		c->bytes += bpf_xdp_get_buff_len(ctx);
	}
	return XDP_PASS;
}

SEC("tc/push") int push_tag(struct __sk_buff *ctx)
{
	bpf_skb_vlan_push(ctx, meter_be16(ETHERTYPE_VLAN), TAG);
	return TC_ACT_OK;
}

SEC("tc/pop") int pop_tag(struct __sk_buff *ctx)
{
	if (ctx->vlan_present)
		bpf_skb_vlan_pop(ctx);
	return TC_ACT_OK;
}
