/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Numbers at unaligned places in packets: big endian there, host order here.
 */
#ifndef WEIR_BENCH_OCTETS_H
#define WEIR_BENCH_OCTETS_H

#include <stdint.h>

static inline uint16_t get_be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline void put_be16(uint8_t *p, uint16_t value)
{
	p[0] = (uint8_t)(value >> 8);
	p[1] = (uint8_t)value;
}

static inline void put_be32(uint8_t *p, uint32_t value)
{
	put_be16(p, (uint16_t)(value >> 16));
	put_be16(p + 2, (uint16_t)value);
}

#endif
