/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where a flow was met, as the source's first packet tells. In a record without packets of the
 * source (after an active cut) the destination's tell: what comes in here leaves there.
 */
#include <string.h>

#include "meter/types.h"
#include "record.h"
#include "watch_list.h"

_Static_assert(INTERFACE_NAME_SIZE == IFNAMSIZ, "names of interfaces fit");

static uint32_t place_of_source(const struct flow_counters *c)
{
	uint8_t src = c->initiator & 1;

	if (c->place[src] || !c->place[!src])
		return c->place[src];
	return c->place[!src] ^ METER_PLACE(0, 1);
}

void record_fill_place(struct flow_record *r, const struct flow_end *end,
		       const struct watch_list *list)
{
	uint32_t place = place_of_source(end->counters);
	const struct watched *w = watch_list_at(list, METER_PLACE_INTERFACE(place));

	if (!w)
		return;
	strcpy(r->netns, w->netns); /* a name of NETNS_NAME_SIZE at most */
	if (METER_PLACE_IS_OUTWARDS(place)) {
		memcpy(r->egress_interface, w->name, sizeof(w->name));
		r->egress_index = w->index;
	} else {
		memcpy(r->ingress_interface, w->name, sizeof(w->name));
		r->ingress_index = w->index;
	}
}

const char *record_interface(const struct flow_record *r)
{
	if (*r->ingress_interface)
		return r->ingress_interface;
	return *r->egress_interface ? r->egress_interface : NULL;
}
