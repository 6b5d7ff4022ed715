/* SPDX-License-Identifier: BSD-2-Clause */
/* Country, city and autonomous system of an address, from databases in MaxMind's format. */
#ifndef USER_GEOIP_H
#define USER_GEOIP_H

#include <stdint.h>

#include "config.h"
#include "counters.h"
#include "record.h"

struct geoip;

/*
 * Opens the databases; where several know a value, the first one tells it. 0, or negative after a
 * message.
 */
int geoip_open(struct geoip **out, const struct string_list *files, struct ledger *ledger);
void geoip_free(struct geoip *g);

/* Texts live as long as g; "" and 0 where no database knows. addr: network order, IPv4 mapped. */
void geoip_look_up(struct geoip *g, const uint8_t addr[16], struct record_place *place);

#endif
