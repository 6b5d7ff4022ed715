// SPDX-License-Identifier: BSD-2-Clause
/*
 * flood --mode afxdp: an AF_XDP socket in copy mode that only sends, so it needs no XDP program.
 * Each frame becomes an skb that goes straight to the device: past the sender's TC egress, and into
 * the peer's stack like any other packet, whether the peer has NAPI on or not.
 *
 * sent is completions less refusals: a frame that the device refuses (EBUSY) completes as well.
 * Which one it was is not told, so one more packet, with the next number, goes in its stead.
 */
#include <errno.h>
#include <linux/if_xdp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "flood.h"

#define SLOTS     2048u /* frames in flight; also the size of the rings, so that these never fill */
#define SLOT_SIZE 2048u
#define BATCH     64

struct ring {
	uint32_t *producer, *consumer;
	void *entries;
};

struct socket {
	int fd;
	uint8_t *frames; /* SLOTS of them */
	struct ring tx, done;
	uint64_t idle[SLOTS]; /* addresses of free slots */
	uint32_t idle_count;
};

static int ring_map(struct ring *r, int fd, const struct xdp_ring_offset *at, uint64_t where,
		    uint32_t entry_size)
{
	size_t size = at->desc + SLOTS * entry_size;
	uint8_t *map =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, fd, where);

	if (map == MAP_FAILED)
		return -errno;
	r->producer = (uint32_t *)(map + at->producer);
	r->consumer = (uint32_t *)(map + at->consumer);
	r->entries = map + at->desc;
	return 0;
}

static int set(int fd, int option, const void *value, size_t size)
{
	return setsockopt(fd, SOL_XDP, option, value, size) ? -errno : 0;
}

/* The kernel wants a fill ring, though nothing is received. */
static int register_memory(struct socket *s)
{
	struct xdp_umem_reg memory = { .len = (uint64_t)SLOTS * SLOT_SIZE,
				       .chunk_size = SLOT_SIZE };
	uint32_t slots = SLOTS;
	int err;

	s->frames =
		mmap(NULL, memory.len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (s->frames == MAP_FAILED)
		return -errno;
	memory.addr = (uintptr_t)s->frames;
	err = set(s->fd, XDP_UMEM_REG, &memory, sizeof(memory));
	if (!err)
		err = set(s->fd, XDP_UMEM_FILL_RING, &slots, sizeof(slots));
	if (!err)
		err = set(s->fd, XDP_UMEM_COMPLETION_RING, &slots, sizeof(slots));
	if (!err)
		err = set(s->fd, XDP_TX_RING, &slots, sizeof(slots));
	return err;
}

static int map_rings(struct socket *s)
{
	struct xdp_mmap_offsets offsets;
	socklen_t size = sizeof(offsets);
	int err;

	if (getsockopt(s->fd, SOL_XDP, XDP_MMAP_OFFSETS, &offsets, &size))
		return -errno;
	err = ring_map(&s->tx, s->fd, &offsets.tx, XDP_PGOFF_TX_RING, sizeof(struct xdp_desc));
	if (err)
		return err;
	return ring_map(&s->done, s->fd, &offsets.cr, XDP_UMEM_PGOFF_COMPLETION_RING,
			sizeof(uint64_t));
}

static int open_socket(struct socket *s, struct flood *flood)
{
	struct sockaddr_xdp address = { .sxdp_family = AF_XDP,
					.sxdp_flags = XDP_COPY,
					.sxdp_ifindex = flood->ifindex };
	int err;

	s->fd = socket(AF_XDP, SOCK_RAW | SOCK_CLOEXEC, 0);
	if (s->fd < 0)
		return flood_error(-errno, "an AF_XDP socket");
	err = register_memory(s);
	if (!err)
		err = map_rings(s);
	if (!err && bind(s->fd, (struct sockaddr *)&address, sizeof(address)))
		err = -errno;
	return err ? flood_error(err, "AF_XDP on %s", flood->dev) : 0;
}

static void fill_slots(struct socket *s, struct flood *flood)
{
	for (uint32_t i = 0; i < SLOTS; i++) {
		flood_frame_init(flood, (struct flood_frame *)(s->frames + i * SLOT_SIZE));
		s->idle[s->idle_count++] = i * SLOT_SIZE;
	}
}

static void submit(struct socket *s, struct flood *flood, uint64_t number, uint32_t count)
{
	struct xdp_desc *entries = s->tx.entries;
	uint32_t at = *s->tx.producer;

	for (uint32_t i = 0; i < count; i++) {
		uint64_t slot = s->idle[--s->idle_count];

		flood_frame_address((struct flood_frame *)(s->frames + slot), &flood->plan,
				    flood_flow_of(&flood->plan, number + i));
		entries[(at + i) & (SLOTS - 1)] = (struct xdp_desc){ slot, flood->size, 0 };
	}
	__atomic_store_n(s->tx.producer, at + count, __ATOMIC_RELEASE);
}

/* How many completed since the last call. */
static uint32_t reap(struct socket *s)
{
	uint32_t at = *s->done.consumer, end = __atomic_load_n(s->done.producer, __ATOMIC_ACQUIRE);
	const uint64_t *entries = s->done.entries;
	uint32_t count = end - at;

	for (; at != end; at++)
		s->idle[s->idle_count++] = entries[at & (SLOTS - 1)];
	__atomic_store_n(s->done.consumer, end, __ATOMIC_RELEASE);
	return count;
}

/* Has the kernel send what is in the ring, 32 frames at most. */
static int kick(struct socket *s, struct flood *flood, struct flood_sent *sent)
{
	if (!sendto(s->fd, NULL, 0, MSG_DONTWAIT, NULL, 0))
		return 0;
	if (errno == EBUSY)
		sent->retries++;
	else if (errno != EAGAIN && errno != ENOBUFS && errno != EINTR)
		return flood_error(-errno, "sending on %s", flood->dev);
	return 0;
}

static bool ring_is_empty(const struct socket *s)
{
	return __atomic_load_n(s->tx.consumer, __ATOMIC_ACQUIRE) == *s->tx.producer;
}

static int send_all(struct socket *s, struct flood *flood, struct flood_sent *sent)
{
	uint64_t number = 0, completed = 0;

	while (sent->packets < flood->packets) {
		uint64_t left = flood->packets + sent->retries - number;
		uint64_t before = completed;
		int err;

		left = left < s->idle_count ? left : s->idle_count;
		if (left) {
			left = flood_pace_take(&flood->pace, number, left < BATCH ? left : BATCH);
			submit(s, flood, number, left);
			number += left;
		}
		err = kick(s, flood, sent);
		if (err)
			return err;
		completed += reap(s);
		sent->packets = completed - sent->retries;
		if (completed == before && ring_is_empty(s) &&
		    flood_pace_rest(&flood->pace, completed))
			return flood_error(-ETIMEDOUT, "%s completes no frames", flood->dev);
	}
	return 0;
}

int flood_afxdp(struct flood *flood, struct flood_sent *sent)
{
	static struct socket s;
	int err = open_socket(&s, flood);

	if (!err) {
		fill_slots(&s, flood);
		flood_pace_begin(&flood->pace);
		err = send_all(&s, flood, sent);
	}
	if (s.fd >= 0)
		close(s.fd);
	return err;
}
