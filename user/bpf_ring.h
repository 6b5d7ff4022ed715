/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ring of events, read by libbpf, with an account of what was taken that survives the reader:
 * killed at any instruction, it has taken an event either wholly or not at all.
 */
#ifndef USER_BPF_RING_H
#define USER_BPF_RING_H

#include <stdbool.h>
#include <stdint.h>

#include "kernel_flows.h"
#include "meter/probe.h"

struct bpf_ring;

/* map: fd of the ring buffer of size bytes; account in shared memory. NULL: no memory. */
struct bpf_ring *bpf_ring_new(int map, uint32_t size, struct account *account,
			      struct kernel_flows *sink);
void bpf_ring_free(struct bpf_ring *r);
/* Hands every event that is there to the sink; of those that come meanwhile a ring full at most. */
void bpf_ring_read(struct bpf_ring *r);
/*
 * The same, and waits for events that other CPUs have begun to write, since libbpf stops at those:
 * at return everything produced before the call has been handed on. false: a writer did not end
 * within a second.
 */
bool bpf_ring_read_through(struct bpf_ring *r);
/* Bytes of events that were not read yet. */
uint64_t bpf_ring_used(const struct bpf_ring *r);
/* Readable when the ring is getting full. */
int bpf_ring_fd(const struct bpf_ring *r);

#endif
