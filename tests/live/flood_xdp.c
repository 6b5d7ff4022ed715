// SPDX-License-Identifier: BSD-2-Clause
/*
 * flood --mode xdp: BPF_F_TEST_XDP_LIVE_FRAMES, millions of packets a second from one thread. The
 * frames go to the device's ndo_xdp_xmit: past the sender's stack and TC egress.
 *
 * What makes them arrive: the peer of a veth must have NAPI on. A native XDP program on the peer
 * turns it on, and so does GRO alone (`ethtool -K PEER gro on`, Linux 5.13 and later): each frame
 * then becomes an skb in the peer's NAPI poll and passes its TC ingress (nothing is merged: UDP
 * GRO needs a socket or rx-udp-gro-forwarding that asks for it). Generic XDP does not turn it
 * on: without NAPI every frame is refused. tests/live/test_flood.py verifies all of this.
 */
#include <errno.h>
#include <linux/bpf.h>
#include <net/if.h>
#include <string.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "flood.h"
#include "live/flood.skel.h"

/* The kernel hands so many frames to the program before it lets their receiver run: well below
 * the 256 frames of a veth ring. */
#define BATCH    64
#define MOST     (1u << 20) /* packets of one test run */
#define SLICE_NS 2000000    /* a test run allocates its pages anew: not too often */

static int silent(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}

/*
 * Each test run enters the program into the kernel's table of XDP programs and takes it out again,
 * and waits for RCU both times: tens of milliseconds, far more than a slice. Not so while it is in
 * the table anyhow: it is attached to lo, whose packets it lets pass. Where lo is taken, rates
 * are kept less evenly.
 */
static void stay_in_table(struct flood_bpf *bpf)
{
	struct bpf_link *link =
		bpf_program__attach_xdp(bpf->progs.flood_next, if_nametoindex("lo"));

	if (!libbpf_get_error(link))
		bpf->links.flood_next = link;
}

static int load(struct flood *flood, struct flood_bpf **out)
{
	struct flood_bpf *bpf;
	int err;

	libbpf_set_print(silent);
	bpf = flood_bpf__open();
	if (!bpf)
		return flood_error(-errno, "opening the BPF object");
	memcpy((void *)&bpf->rodata->plan, &flood->plan, sizeof(flood->plan));
	bpf->rodata->ifindex = flood->ifindex;
	bpf->rodata->thread = gettid();
	err = flood_bpf__load(bpf);
	if (!err)
		err = flood_bpf__attach(bpf);
	if (!err) {
		if (flood->pace.rate)
			stay_in_table(bpf);
		*out = bpf;
		return 0;
	}
	flood_bpf__destroy(bpf);
	return flood_error(err, "loading BPF; needs root and a kernel with BTF");
}

static int redirect(const struct flood_bpf *bpf, const uint8_t *frame, uint32_t size,
		    uint32_t count)
{
	LIBBPF_OPTS(bpf_test_run_opts, run, .data_in = frame, .data_size_in = size, .repeat = count,
		    .flags = BPF_F_TEST_XDP_LIVE_FRAMES, .batch_size = BATCH);

	return bpf_prog_test_run_opts(bpf_program__fd(bpf->progs.flood_next), &run);
}

/*
 * A device without ndo_xdp_xmit, as a veth is to newer kernels while its peer has no NAPI, refuses
 * frames before they come to the tracepoint; after each test run all others have been there.
 */
static int judge(struct flood *flood, const struct flood_bpf *bpf, uint64_t before)
{
	if (bpf->bss->unresolved || bpf->bss->last_error == -ENXIO)
		return flood_error(-ENXIO,
				   "%s takes no XDP frames; the peer of a veth needs a native XDP "
				   "program or GRO (ethtool -K PEER gro on), and an MTU of %u",
				   flood->dev, flood->size - 14);
	if (bpf->bss->sent == before && flood_pace_rest(&flood->pace, before))
		return flood_error(bpf->bss->last_error ?: -ENOBUFS, "%s takes no frames",
				   flood->dev);
	return 0;
}

static int send_all(struct flood *flood, const struct flood_bpf *bpf, const uint8_t *frame)
{
	uint64_t sent;

	while ((sent = bpf->bss->sent) < flood->packets) {
		uint64_t left = flood->packets - sent;
		int err;

		left = flood_pace_take(&flood->pace, sent, left < MOST ? left : MOST);
		err = redirect(bpf, frame, flood->size, left);
		if (err && err != -EINTR)
			return flood_error(err, "a test run with live frames; needs Linux 5.18");
		err = judge(flood, bpf, sent);
		if (err)
			return err;
	}
	return 0;
}

int flood_xdp(struct flood *flood, struct flood_sent *sent)
{
	static uint8_t frame[FLOOD_MAX_SIZE] __attribute__((aligned(8)));
	struct flood_bpf *bpf = NULL;
	int err;

	flood_frame_init(flood, (struct flood_frame *)frame);
	err = load(flood, &bpf);
	if (err)
		return err;
	flood->pace.slice_ns = SLICE_NS;
	flood_pace_begin(&flood->pace);
	err = send_all(flood, bpf, frame);
	sent->packets = bpf->bss->sent;
	sent->retries = bpf->bss->refused;
	flood_bpf__destroy(bpf);
	return err;
}
