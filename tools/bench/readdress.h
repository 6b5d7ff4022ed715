/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Gives a recorded frame other hosts, so that merging a capture with itself makes new flows.
 */
#ifndef WEIR_BENCH_READDRESS_H
#define WEIR_BENCH_READDRESS_H

#include <stdint.h>

/*
 * XOR mask into the low 16 bits of unicast IPv4 addresses (ARP too) and into octets 10-11 of
 * unicast IPv6 addresses behind up to three VLAN tags, mending IPv4, TCP, UDP and ICMPv6
 * checksums. Everything else, headers inside tunnels too, stays as it is.
 */
void readdress(uint8_t *frame, uint32_t len, uint16_t mask);

#endif
