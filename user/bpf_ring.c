/* SPDX-License-Identifier: BSD-2-Clause */
#include "bpf_ring.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

/* A writer is a few hundred instructions from its end, unless its CPU is a guest's and not run. */
#define WRITER_WAIT_US 50
#define WRITER_WAITS   (1000000 / WRITER_WAIT_US)

struct bpf_ring {
	struct ring_buffer *ring;
	const uint64_t *consumed; /* position of the event at hand: the consumer's page */
	const uint64_t *produced; /* position of the next event to come: the page after it */
	struct account *account;
	struct kernel_flows *sink;
	uint32_t most; /* events that the ring holds */
	uint32_t left; /* events to read before the reader has a look at other things */
};

/*
 * position is that of the last event with packets, plus one. libbpf moves the consumer on after
 * the callback, so a reader killed in between leaves that event to be met again: it was taken.
 */
static bool was_taken(const struct bpf_ring *r, uint64_t position)
{
	return r->account->version[r->account->current & 1].position == position + 1;
}

static void note_taken(struct account *a, uint64_t position, uint64_t packets)
{
	const struct account_version *now = &a->version[a->current & 1];
	struct account_version *next = &a->version[!(a->current & 1)];

	next->position = position + 1;
	next->taken = now->taken + packets;
	/* One store makes it the version that holds. */
	__atomic_store_n(&a->current, a->current + 1, __ATOMIC_RELEASE);
}

static int on_event(void *context, void *event, size_t size)
{
	struct bpf_ring *r = context;
	uint64_t position = __atomic_load_n(r->consumed, __ATOMIC_RELAXED), packets;

	if (!was_taken(r, position)) {
		packets = kernel_flows_packets(event, size);
		if (packets)
			note_taken(r->account, position, packets);
		kernel_flows_event(r->sink, event, size);
	}
	return --r->left ? 0 : -EAGAIN;
}

struct bpf_ring *bpf_ring_new(int map, uint32_t size, struct account *account,
			      struct kernel_flows *sink)
{
	struct bpf_ring *r = calloc(1, sizeof(*r));
	long page_size = sysconf(_SC_PAGESIZE);
	void *pages;

	if (!r)
		return NULL;
	r->account = account;
	r->sink = sink;
	r->most = size / sizeof(struct event_flow_end); /* the shortest */
	pages = mmap(NULL, 2 * page_size, PROT_READ, MAP_SHARED, map, 0);
	if (pages != MAP_FAILED) {
		r->consumed = pages;
		r->produced = (const uint64_t *)((const char *)pages + page_size);
	}
	r->ring = ring_buffer__new(map, on_event, r, NULL);
	if (r->ring && r->consumed)
		return r;
	bpf_ring_free(r);
	return NULL;
}

void bpf_ring_free(struct bpf_ring *r)
{
	if (!r)
		return;
	ring_buffer__free(r->ring);
	if (r->consumed)
		munmap((void *)r->consumed, 2 * sysconf(_SC_PAGESIZE));
	free(r);
}

void bpf_ring_read(struct bpf_ring *r)
{
	r->left = r->most;
	ring_buffer__consume(r->ring);
}

bool bpf_ring_read_through(struct bpf_ring *r)
{
	uint64_t end = __atomic_load_n(r->produced, __ATOMIC_ACQUIRE);

	for (int i = 0; i < WRITER_WAITS; i++) {
		bpf_ring_read(r);
		if (__atomic_load_n(r->consumed, __ATOMIC_RELAXED) >= end)
			return true;
		usleep(WRITER_WAIT_US);
	}
	return false;
}

uint64_t bpf_ring_used(const struct bpf_ring *r)
{
	uint64_t consumed = __atomic_load_n(r->consumed, __ATOMIC_RELAXED);

	return __atomic_load_n(r->produced, __ATOMIC_ACQUIRE) - consumed;
}

int bpf_ring_fd(const struct bpf_ring *r)
{
	return ring_buffer__epoll_fd(r->ring);
}
