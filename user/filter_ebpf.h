/* SPDX-License-Identifier: BSD-2-Clause */
/* Capture filters inside the kernel: classic BPF, as libpcap makes it, translated to eBPF. */
#ifndef USER_FILTER_EBPF_H
#define USER_FILTER_EBPF_H

#include <linux/bpf.h>

#include "classic.h"

/* Where the packet is when the filter runs: it decides how what lies behind the window is read. */
enum filter_hook {
	FILTER_XDP,
	FILTER_TC,
};

/*
 * Writes the body of one of bpf/filter.bpf.h's functions; returns its length. -ELOOP: a backward
 * jump (protochain), which eBPF cannot have. -E2BIG: more than room. -EINVAL: no classic program.
 */
int filter_translate(const struct classic_insn *program, uint32_t count, enum filter_hook hook,
		     struct bpf_insn *out, uint32_t room);

#endif
