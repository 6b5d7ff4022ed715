/* SPDX-License-Identifier: BSD-2-Clause */
/* Who made a network interface: IEEE's list of the first three bytes of link addresses. */
#ifndef USER_MAC_VENDORS_H
#define USER_MAC_VENDORS_H

#include <stdint.h>

#define MAC_VENDORS_PATH "/usr/share/ieee-data/oui.txt" /* of Debian's package ieee-data */

struct mac_vendors;

/* Reads IEEE's oui.txt. 0, or negative after a message. */
int mac_vendors_open(struct mac_vendors **out, const char *path);
void mac_vendors_free(struct mac_vendors *v);

/* Lives as long as v; "" when the list has none, and for an address of zeros, which is none. */
const char *mac_vendors_find(const struct mac_vendors *v, const uint8_t mac[6]);

#endif
