/* SPDX-License-Identifier: BSD-2-Clause */
/* What a user should know of an interface before its counts are read. */
#ifndef USER_INTERFACE_H
#define USER_INTERFACE_H

#include <stdbool.h>
#include <stdint.h>

/* What leaves it comes in on it again. */
bool interface_is_loopback(const char *name);
/* Its Ethernet address; false: it has none, or is the loopback interface. */
bool interface_link_address(const char *name, uint8_t mac[6]);
/* For hooks that get super-packets without their segment size: pcap, xdp-generic. */
void interface_warn_of_offloads(const char *name);

#endif
