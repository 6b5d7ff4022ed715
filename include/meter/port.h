/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What differs between the kernel and the host: the only #ifdef __bpf__ of the shared meter.
 * Everything else in include/meter/ is plain C that both compilers read the same way.
 */
#ifndef METER_PORT_H
#define METER_PORT_H

#include <linux/types.h>

#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif

#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define meter_be16(x) ((__u16)__builtin_bswap16(x))
#define meter_be32(x) ((__u32)__builtin_bswap32(x))
/* The word of memory in which first lies before second. */
#define meter_word(first, second) ((__u64)(second) << 32 | (first))
#else
#define meter_be16(x)             ((__u16)(x))
#define meter_be32(x)             ((__u32)(x))
#define meter_word(first, second) ((__u64)(first) << 32 | (second))
#endif

/* Headers are looked for in the first METER_WINDOW bytes of a packet, by every back end alike. */
#define METER_WINDOW 256u

#ifdef __bpf__

/* The kernel aligns what it hands out, and byte-wise loads would double the instructions. */
#define __wire

/* The copy of a packet's first bytes. The slack lets the masked index below point anywhere. */
struct window {
	__u32 len;      /* valid bytes, at most METER_WINDOW */
	__u32 inserted; /* of them, a VLAN tag's that the skb holds aside: 0 or 4, at offset 12 */
	__u8 bytes[METER_WINDOW + 64];
};

static __always_inline const void *window_at(const struct window *w, __u32 off, __u32 len)
{
	__u64 at = off;

	if (at + len > w->len)
		return 0;
	asm volatile("" : "+r"(at)); /* keep clang from folding the mask away */
	return w->bytes + (at & (METER_WINDOW - 1));
}

/* Several CPUs may meter one flow at once: sums are atomic. */
static __always_inline void meter_add(__u64 *sum, __u64 add)
{
	__sync_fetch_and_add(sum, add);
}

static __always_inline __u64 meter_fetch_add(__u64 *sum, __u64 add)
{
	return __sync_fetch_and_add(sum, add);
}

static __always_inline void meter_add32(__u32 *sum, __u32 add)
{
	__sync_fetch_and_add(sum, add);
}

static __always_inline void meter_or32(__u32 *set, __u32 bits)
{
	if ((*(volatile __u32 *)set & bits) != bits)
		__sync_fetch_and_or(set, bits);
}

/* Raises *max to value; gives up after a few lost races, when others have raised it meanwhile. */
static __always_inline void meter_raise(__u64 *max, __u64 value)
{
	for (int i = 0; i < 4; i++) {
		__u64 seen = *(volatile __u64 *)max;

		if (seen >= value || __sync_val_compare_and_swap(max, seen, value) == seen)
			return;
	}
}

static __always_inline void meter_raise32(__u32 *max, __u32 value)
{
	for (int i = 0; i < 4; i++) {
		__u32 seen = *(volatile __u32 *)max;

		if (seen >= value || __sync_val_compare_and_swap(max, seen, value) == seen)
			return;
	}
}

#else

/* Frames in a file have no alignment. */
#define __wire __attribute__((packed, may_alias))

struct window {
	const __u8 *bytes;
	__u32 len; /* valid bytes, at most METER_WINDOW */
};

static __always_inline const void *window_at(const struct window *w, __u32 off, __u32 len)
{
	return (__u64)off + len > w->len ? 0 : w->bytes + off;
}

static __always_inline void meter_add(__u64 *sum, __u64 add)
{
	*sum += add;
}

static __always_inline __u64 meter_fetch_add(__u64 *sum, __u64 add)
{
	__u64 seen = *sum;

	*sum = seen + add;
	return seen;
}

static __always_inline void meter_add32(__u32 *sum, __u32 add)
{
	*sum += add;
}

static __always_inline void meter_or32(__u32 *set, __u32 bits)
{
	*set |= bits;
}

static __always_inline void meter_raise(__u64 *max, __u64 value)
{
	if (value > *max)
		*max = value;
}

static __always_inline void meter_raise32(__u32 *max, __u32 value)
{
	if (value > *max)
		*max = value;
}

#endif

#endif
