/* SPDX-License-Identifier: BSD-2-Clause */
/* Integers in network order, at any address. What writes returns where the next one goes. */
#ifndef USER_WIRE_H
#define USER_WIRE_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

static inline uint8_t *wire_u8(uint8_t *to, uint8_t value)
{
	*to = value;
	return to + 1;
}

static inline uint8_t *wire_u16(uint8_t *to, uint16_t value)
{
	value = htobe16(value);
	memcpy(to, &value, sizeof(value));
	return to + sizeof(value);
}

static inline uint8_t *wire_u32(uint8_t *to, uint32_t value)
{
	value = htobe32(value);
	memcpy(to, &value, sizeof(value));
	return to + sizeof(value);
}

static inline uint16_t wire_get_u16(const uint8_t *from)
{
	uint16_t v;

	memcpy(&v, from, sizeof(v));
	return be16toh(v);
}

static inline uint32_t wire_get_u32(const uint8_t *from)
{
	uint32_t value;

	memcpy(&value, from, sizeof(value));
	return be32toh(value);
}

static inline uint8_t *wire_u64(uint8_t *to, uint64_t value)
{
	value = htobe64(value);
	memcpy(to, &value, sizeof(value));
	return to + sizeof(value);
}

#endif
