/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The plugins of a run: loads them, calls their hooks in order, and lays out their state. What they
 * say about a flow lies in one area of memory behind the flow's own, which begins with what
 * plugins were shown.
 */
#ifndef USER_PLUGINS_H
#define USER_PLUGINS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config.h"
#include "counters.h"
#include "dissect.h"
#include "enrich.h"
#include "flow.h"
#include "owners.h"
#include "record.h"
#include "weir/plugin.h"

struct frame;
struct plugins;

/*
 * Those of a program (NULL-terminated, data beside them, either may be NULL), then those of
 * --plugin. *out is NULL when there are none. 0, or -EINVAL or -ENOMEM after a message.
 */
int plugins_open(struct plugins **out, const struct config *config,
		 const struct weir_plugin *const *own, void *const *data, struct ledger *ledger);
/* NULL is allowed, here and below: then there are no plugins. */
void plugins_close(struct plugins *p);

/* Their columns, with places in the state. */
const struct field *plugins_fields(const struct plugins *p, size_t *count);
/* Bytes of a flow's state; a multiple of 8, 0 without plugins. */
size_t plugins_state_size(const struct plugins *p);
/* How many first packets of a flow they ask for; WEIR_EVERY_PACKET. */
uint32_t plugins_first_packets(const struct plugins *p);

/* What the records of live flows are made with; borrowed. */
void plugins_bind(struct plugins *p, const struct columns *columns, struct dissector *dissector,
		  struct owners *owners, struct enricher *enricher);
/* Packet times plus this are times since the epoch. */
void plugins_set_clock(struct plugins *p, uint64_t offset_ns);

/* A flow as hooks meet it. */
struct plugin_flow {
	const struct flow *flow;
	const struct flow_key *key;
	void *state;                /* zeroed when the flow began */
	const struct flow_end *now; /* its counters so far; NULL: the kernel has them */
};

/* Shows a packet. True: a plugin ends the flow with it. */
bool plugins_packet(struct plugins *p, const struct plugin_flow *f, const struct packet *packet,
		    const struct frame *frame, bool from_src);
/* The flow ends as f->now says. Returns its expiration_id: the given one, or a plugin's. */
int32_t plugins_expire(struct plugins *p, const struct plugin_flow *f, int32_t expiration_id);
/* Frees what the state owns, and zeroes it. */
void plugins_release(struct plugins *p, void *state);

/* -ECANCELED when a plugin failed and --plugin-strict is given. */
int plugins_error(const struct plugins *p);

#endif
