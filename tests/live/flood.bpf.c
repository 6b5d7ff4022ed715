/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Makes packet number n of each frame that the kernel's live-frames test run hands to it, and
 * keeps the account: a redirect tells nothing about the frame's fate, which is decided when the
 * device is given a bulk of frames. The tracepoint there names how many it took; bulks are in the
 * order of the redirects, so the numbers of the frames it did not take are known, and go again.
 *
 * All runs in the one thread that asked for the test run, so plain variables do.
 */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "flood_frame.h"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

const volatile struct flood_plan plan = {};
const volatile __u32 ifindex;
const volatile __u32 thread;

/* Powers of two, each more than a test run's batch: none is longer than two batches. */
#define QUEUE 1024

struct queue {
	__u64 numbers[QUEUE];
	__u32 head, tail;
};

static struct queue flying; /* redirected, fate not known */
static struct queue again;  /* refused */
__u32 unresolved;           /* frames in flying */
__u64 next_number;
__u64 sent, refused;
int last_error;

struct net_device {
	int ifindex;
} __attribute__((preserve_access_index));

static __always_inline void push(struct queue *q, __u64 n)
{
	q->numbers[q->tail++ & (QUEUE - 1)] = n;
}

static __always_inline __u64 pop(struct queue *q)
{
	return q->numbers[q->head++ & (QUEUE - 1)];
}

/* Of the loopback device, where flood_xdp.c attaches this program: its frames have no addresses. */
static __always_inline int is_foreign(const struct flood_frame *f)
{
	const __u8 *a = f->dst_mac;

	return !(a[0] | a[1] | a[2] | a[3] | a[4] | a[5]);
}

SEC("xdp") int flood_next(struct xdp_md *ctx)
{
	struct flood_frame *frame = (void *)(long)ctx->data;
	struct flood_plan p = plan;
	__u64 n;

	if ((void *)(frame + 1) > (void *)(long)ctx->data_end)
		return XDP_PASS;
	if (is_foreign(frame))
		return XDP_PASS;
	n = again.head != again.tail ? pop(&again) : next_number++;
	push(&flying, n);
	unresolved++;
	flood_frame_address(frame, &p, flood_flow_of(&p, n));
	return bpf_redirect(ifindex, 0);
}

/* xdp_devmap_xmit(from, to, sent, drops, err) */
SEC("tp_btf/xdp_devmap_xmit") int flood_bulk(__u64 *ctx)
{
	const struct net_device *to = (const void *)ctx[1];
	int taken = ctx[2], drops = ctx[3], err = ctx[4];

	if ((__u32)bpf_get_current_pid_tgid() != thread || (__u32)to->ifindex != ifindex)
		return 0;
	sent += taken;
	refused += drops;
	unresolved -= taken + drops;
	flying.head += taken;
	for (int i = 0; i < 64 && i < drops; i++) /* a bulk is of DEV_MAP_BULK_SIZE, 16 */
		push(&again, pop(&flying));
	if (err)
		last_error = err;
	return 0;
}
