/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The capture filter's place in the kernel program: a function whose body is a sled of nops, which
 * the agent overwrites with the translated libpcap expression before it loads the object
 * (user/filter_install.c). As compiled, the sled is dead code and every packet matches.
 */
#ifndef BPF_FILTER_BPF_H
#define BPF_FILTER_BPF_H

#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#include "meter/filter.h"
#include "meter/port.h"

_Static_assert(__builtin_offsetof(struct window, len) == FILTER_WINDOW_LEN, "window.len");
_Static_assert(__builtin_offsetof(struct window, inserted) == FILTER_WINDOW_INSERTED,
	       "window.inserted");
_Static_assert(__builtin_offsetof(struct window, bytes) == FILTER_WINDOW_BYTES, "window.bytes");

/*
 * Non-zero when the packet matches. The window must hold the packet's first METER_WINDOW bytes, or
 * all of a shorter one; len is its length on the wire, of one segment. A global function, so that
 * the verifier looks at it once, whoever calls; not naked, which would leave its parameters without
 * names and the kernel would refuse the BTF.
 */
#define FILTER_FUNCTION(name, context, mark, sled)                                            \
	__noinline int name(struct context *ctx, struct window *window, __u32 len)            \
	{                                                                                     \
		register struct context *r1 asm("r1") = ctx;                                  \
		register struct window *r2 asm("r2") = window;                                \
		register __u64 r3 asm("r3") = len;                                            \
		register __u64 r0 asm("r0");                                                  \
		asm volatile("r0 = %[begin]\n"                                                \
			     "if r0 != 0 goto +%[room]\n"                                     \
			     ".rept %[room]\n"                                                \
			     "goto +0\n"                                                      \
			     ".endr\n"                                                        \
			     : "=r"(r0)                                                       \
			     : [begin] "i"(mark), [room] "i"(sled), "r"(r1), "r"(r2), "r"(r3) \
			     : "memory");                                                     \
		return r0;                                                                    \
	}

/* What begins with an Ethernet header. */
FILTER_FUNCTION(filter_xdp, xdp_md, FILTER_MARK_XDP, FILTER_SLED)
FILTER_FUNCTION(filter_tc, __sk_buff, FILTER_MARK_TC, FILTER_SLED)
/* What begins with an IP header. */
FILTER_FUNCTION(filter_tc_l3, __sk_buff, FILTER_MARK_TC_L3, FILTER_SLED)

#endif
