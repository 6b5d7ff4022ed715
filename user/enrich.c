/* SPDX-License-Identifier: BSD-2-Clause */
#include "enrich.h"

#include <errno.h>
#include <stdlib.h>

#include "geoip.h"
#include "log.h"
#include "mac_vendors.h"

struct enricher {
	struct geoip *geoip;         /* NULL: no column asks */
	struct mac_vendors *vendors; /* the same */
};

int enricher_open(struct enricher **out, const struct config *config, uint32_t need,
		  struct ledger *ledger)
{
	struct enricher *e;
	int err = 0;

	*out = NULL;
	if (!(need & (NEED_GEOIP | NEED_MAC_VENDORS)))
		return 0;
	e = calloc(1, sizeof(*e));
	if (!e) {
		log_error("out of memory at the start; free some");
		return -ENOMEM;
	}
	if (need & NEED_GEOIP)
		err = geoip_open(&e->geoip, &config->geoip, ledger);
	if (!err && need & NEED_MAC_VENDORS)
		err = mac_vendors_open(&e->vendors, config->mac_vendors ? config->mac_vendors
									: MAC_VENDORS_PATH);
	if (err) {
		enricher_free(e);
		return err;
	}
	*out = e;
	return 0;
}

void enricher_free(struct enricher *e)
{
	if (!e)
		return;
	geoip_free(e->geoip);
	mac_vendors_free(e->vendors);
	free(e);
}

void enricher_fill(struct enricher *e, struct flow_record *r)
{
	if (!e)
		return;
	if (e->geoip) {
		geoip_look_up(e->geoip, r->src_addr, &r->place[0]);
		geoip_look_up(e->geoip, r->dst_addr, &r->place[1]);
	}
	if (e->vendors) {
		r->mac_vendor[0] = mac_vendors_find(e->vendors, r->src_mac);
		r->mac_vendor[1] = mac_vendors_find(e->vendors, r->dst_mac);
	}
}
