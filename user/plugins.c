/* SPDX-License-Identifier: BSD-2-Clause */
#include "plugins.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "flow_table.h"
#include "log.h"
#include "meter/meter.h"
#include "meter/wire.h"
#include "plugin_load.h"
#include "weir_record.h"

/* The front of a flow's area: what plugins were shown of it. */
struct shown {
	struct flow_counters counters; /* packets, bytes and times only */
	uint64_t nfhash;
	uint64_t began; /* bit per plugin whose on_init was called */
	int32_t expiration_id;
	bool seen;
};

#define MAX_PLUGINS 64

struct plugins {
	const struct config *config;
	struct ledger *ledger;
	struct loaded_plugin *items;
	size_t count, room;
	size_t enabled;
	struct field *fields;
	size_t field_count;
	uint32_t state_size;
	uint64_t clock_offset_ns;
	bool failed; /* one of them, and --plugin-strict */

	/* for records of live flows */
	const struct columns *columns;
	struct dissector *dissector;
	struct owners *owners;
	struct enricher *enricher;
	struct flow_record values;
	struct weir_record record;
};

/* A hook's view of the flow at hand. */
struct weir_flow_private {
	struct plugins *plugins;
	const struct plugin_flow *at;
};

/* --- opening and closing ---------------------------------------------------------------------- */

static size_t count_own(const struct weir_plugin *const *own)
{
	size_t n = 0;

	while (own && own[n])
		n++;
	return n;
}

static int open_all(struct plugins *p, const struct weir_plugin *const *own, void *const *data)
{
	const struct string_list *list = &p->config->plugins;
	size_t own_count = count_own(own);
	int err = 0;

	for (; p->count < p->room && !err; p->count++) {
		struct loaded_plugin *item = &p->items[p->count];

		if (p->count < own_count)
			err = plugin_adopt(item, own[p->count], data ? data[p->count] : NULL);
		else
			err = plugin_load(item, list->items[p->count - own_count]);
	}
	return err;
}

static enum field_type type_of(enum weir_storage storage)
{
	static const enum field_type types[] = {
		[WEIR_STORE_U8] = FIELD_U8,       [WEIR_STORE_U16] = FIELD_U16,
		[WEIR_STORE_U32] = FIELD_U32,     [WEIR_STORE_U64] = FIELD_U64,
		[WEIR_STORE_I32] = FIELD_I32,     [WEIR_STORE_I64] = FIELD_I64,
		[WEIR_STORE_DOUBLE] = FIELD_F64,  [WEIR_STORE_CHARS] = FIELD_CHARS,
		[WEIR_STORE_STRING] = FIELD_TEXT,
	};

	return types[storage];
}

static int add_column(struct plugins *p, const struct loaded_plugin *item,
		      const struct weir_plugin_column *c)
{
	bool taken = record_field_by_name(c->name) != NULL;

	for (size_t i = 0; i < p->field_count; i++)
		taken |= !strcmp(p->fields[i].name, c->name);
	if (taken) {
		log_error("plugin %s: there is a column \"%s\" already; leave one plugin out, or "
			  "rename it",
			  item->ops->name, c->name);
		return -EINVAL;
	}
	p->fields[p->field_count] = (struct field){
		.name = c->name,
		.unit = c->unit,
		.help = c->help,
		.type = type_of(c->storage),
		.offset = item->state_offset + c->offset,
		.need = NEED_STATE,
		.ipfix = IPFIX_OWN(IPFIX_OWN_PLUGINS + p->field_count),
	};
	p->field_count++;
	return 0;
}

static uint32_t aligned(uint32_t size)
{
	return (size + 7) & ~7u;
}

static int lay_out(struct plugins *p)
{
	size_t columns = 0;
	int err = 0;

	p->state_size = aligned(sizeof(struct shown));
	for (size_t i = 0; i < p->count; i++) {
		p->items[i].state_offset = p->state_size;
		p->state_size += aligned(p->items[i].ops->flow_size);
		columns += p->items[i].ops->column_count;
	}
	p->fields = calloc(columns + 1, sizeof(*p->fields));
	if (!p->fields)
		return -ENOMEM;
	for (size_t i = 0; i < p->count; i++)
		for (uint32_t c = 0; c < p->items[i].ops->column_count && !err; c++)
			err = add_column(p, &p->items[i], &p->items[i].ops->columns[c]);
	return err;
}

int plugins_open(struct plugins **out, const struct config *config,
		 const struct weir_plugin *const *own, void *const *data, struct ledger *ledger)
{
	size_t room = count_own(own) + config->plugins.count;
	struct plugins *p;
	int err = -ENOMEM;

	*out = NULL;
	if (!room)
		return 0;
	if (room > MAX_PLUGINS) {
		log_error("--plugin: %zu plugins; 64 at most", room);
		return -EINVAL;
	}
	p = calloc(1, sizeof(*p));
	if (p) {
		p->config = config;
		p->ledger = ledger;
		p->room = room;
		p->items = calloc(room, sizeof(*p->items));
		err = p->items ? open_all(p, own, data) : -ENOMEM;
		p->enabled = p->count;
		if (!err)
			err = lay_out(p);
	}
	if (err == -ENOMEM)
		log_error("--plugin: out of memory; free some");
	if (err)
		plugins_close(p);
	else
		*out = p;
	return err;
}

void plugins_close(struct plugins *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->count; i++)
		plugin_unload(&p->items[i]);
	weir_record_destroy(&p->record);
	free(p->items);
	free(p->fields);
	free(p);
}

const struct field *plugins_fields(const struct plugins *p, size_t *count)
{
	*count = p ? p->field_count : 0;
	return p ? p->fields : NULL;
}

size_t plugins_state_size(const struct plugins *p)
{
	return p ? p->state_size : 0;
}

uint32_t plugins_first_packets(const struct plugins *p)
{
	uint32_t most = 0;

	for (size_t i = 0; p && i < p->count; i++)
		if (p->items[i].packets > most)
			most = p->items[i].packets;
	return most;
}

void plugins_bind(struct plugins *p, const struct columns *columns, struct dissector *dissector,
		  struct owners *owners, struct enricher *enricher)
{
	if (!p)
		return;
	p->columns = columns;
	p->dissector = dissector;
	p->owners = owners;
	p->enricher = enricher;
}

void plugins_set_clock(struct plugins *p, uint64_t offset_ns)
{
	if (p)
		p->clock_offset_ns = offset_ns;
}

int plugins_error(const struct plugins *p)
{
	return p && p->failed ? -ECANCELED : 0;
}

/* --- what hooks see --------------------------------------------------------------------------- */

const struct weir_record *weir_flow__record(struct weir_flow *flow)
{
	struct plugins *p = flow->priv->plugins;
	const struct plugin_flow *at = flow->priv->at;
	const struct shown *shown = at->state;
	struct flow_end end = {
		.key = at->key,
		.counters = &shown->counters,
		.reason = FLOW_END_NONE,
	};

	if (at->now)
		end = *at->now;
	record_fill(&p->values, at->flow, &end, p->columns->need, p->dissector, p->config);
	if (p->owners)
		owners_fill(p->owners, at->flow, &p->values);
	record_shift(&p->values, p->clock_offset_ns);
	enricher_fill(p->enricher, &p->values);
	p->values.state = at->state;
	p->values.expiration_id = flow->expiration_id;
	p->record.values = &p->values;
	p->record.columns = p->columns;
	return &p->record;
}

static void show_flow(const struct plugins *p, const struct plugin_flow *f, struct weir_flow *flow)
{
	const struct shown *shown = f->state;
	const struct flow_counters *c = f->now ? f->now->counters : &shown->counters;
	uint8_t src = c->initiator & 1;

	flow->flow_id = f->flow->flow_id;
	flow->packets[0] = c->dir[src].packets;
	flow->packets[1] = c->dir[!src].packets;
	flow->bytes[0] = c->dir[src].bytes;
	flow->bytes[1] = c->dir[!src].bytes;
	flow->first_ns = meter_first_ns(c) + p->clock_offset_ns;
	flow->last_ns = meter_last_ns(c) + p->clock_offset_ns;
	flow->protocol = f->key->protocol;
}

static void show_packet(const struct plugins *p, const struct packet *from,
			const struct frame *frame, bool from_src, uint64_t nfhash,
			struct weir_packet *to)
{
	const struct flow_key *key = &from->key;
	uint8_t dir = from->dir & 1;

	*to = (struct weir_packet){
		.time_ns = from->time_ns + p->clock_offset_ns,
		.delta_ns = from->gap_ns,
		.length = from->size[ACCOUNT_LINK],
		.full_length = from->segments > 1 ? meter_full_size(from, from->size[ACCOUNT_LINK])
						  : from->size[ACCOUNT_LINK],
		.ip_length = from->size[ACCOUNT_IP],
		.transport_length = from->size[ACCOUNT_TRANSPORT],
		.payload_length = from->size[ACCOUNT_PAYLOAD],
		.capture_length = frame->captured,
		.segments = from->segments,
		.raw = frame->captured ? frame->ip : NULL,
		.nfhash = nfhash,
		.src_port = meter_be16(key->port[dir]),
		.dst_port = meter_be16(key->port[!dir]),
		.vlan_id = key->vlan_id,
		.protocol = key->protocol,
		.version = key->ip_version,
		.tcp_flags = from->tcp_flags,
		.direction = !from_src,
		.tunnel_id = key->tunnel,
	};
	memcpy(to->src_ip, key->addr[dir], 16);
	memcpy(to->dst_ip, key->addr[!dir], 16);
}

/* What plugins are shown counts as far as they see; first_ns of an empty direction is taken. */
static void note_shown(const struct plugins *p, struct shown *shown, const struct packet *packet,
		       bool from_src)
{
	struct flow_dir *d = &shown->counters.dir[packet->dir & 1];

	shown->counters.initiator = from_src ? packet->dir & 1 : !(packet->dir & 1);
	if (!d->packets)
		d->first_ns = packet->time_ns;
	if (packet->time_ns > d->last_ns)
		d->last_ns = packet->time_ns;
	d->packets += packet->segments;
	d->bytes += meter_counted_bytes(packet, p->config->accounting);
}

/* --- hooks ------------------------------------------------------------------------------------ */

static void *state_of(const struct loaded_plugin *item, void *state)
{
	return (char *)state + item->state_offset;
}

static void judge(struct plugins *p, struct loaded_plugin *item, const char *hook, int err)
{
	if (!err)
		return;
	item->disabled = true;
	p->enabled--;
	ledger_add(p->ledger, COUNTER_PLUGIN_ERRORS, 1);
	log_error(
		"plugin %s: %s failed: %s; it is disabled from here on, mend that and start again "
		"(--plugin-strict ends the run instead)",
		item->ops->name, hook, strerror(err < 0 ? -err : EINVAL));
	p->failed |= p->config->plugin_strict;
}

static void call_packet(struct plugins *p, void *state, const struct weir_packet *packet,
			struct weir_flow *flow, bool first)
{
	for (size_t i = 0; i < p->count; i++) {
		struct loaded_plugin *item = &p->items[i];
		const struct weir_plugin *ops = item->ops;
		int (*hook)(void *, void *, const struct weir_packet *, struct weir_flow *) =
			first ? ops->on_init : ops->on_update;

		if (item->disabled)
			continue;
		if (first)
			((struct shown *)state)->began |= 1ull << i;
		if (hook)
			judge(p, item, first ? "on_init" : "on_update",
			      hook(item->context, state_of(item, state), packet, flow));
	}
}

bool plugins_packet(struct plugins *p, const struct plugin_flow *f, const struct packet *packet,
		    const struct frame *frame, bool from_src)
{
	struct shown *shown = f->state;
	struct weir_flow_private priv = { p, f };
	struct weir_flow flow = { .expiration_id = shown->expiration_id, .priv = &priv };
	struct weir_packet view;
	bool first = !shown->seen;

	if (!p->enabled)
		return false;
	if (first)
		shown->nfhash = nfhash_of_key(&packet->key);
	note_shown(p, shown, packet, from_src);
	show_flow(p, f, &flow);
	show_packet(p, packet, frame, from_src, shown->nfhash, &view);
	shown->seen = true;
	call_packet(p, f->state, &view, &flow, first);
	shown->expiration_id = flow.expiration_id;
	return flow.expiration_id < 0;
}

static uint64_t packets_of(const struct flow_counters *c)
{
	return c->dir[0].packets + c->dir[1].packets;
}

int32_t plugins_expire(struct plugins *p, const struct plugin_flow *f, int32_t expiration_id)
{
	struct shown *shown = f->state;
	struct weir_flow_private priv = { p, f };
	struct weir_flow flow = { .expiration_id = shown->expiration_id, .priv = &priv };

	if (!shown->seen)
		return expiration_id;
	show_flow(p, f, &flow);
	if (packets_of(f->now->counters) > packets_of(&shown->counters))
		call_packet(p, f->state, NULL, &flow, false);
	if (flow.expiration_id >= 0)
		flow.expiration_id = expiration_id;
	for (size_t i = 0; i < p->count; i++) {
		struct loaded_plugin *item = &p->items[i];

		if (item->ops->on_expire && !item->disabled)
			judge(p, item, "on_expire",
			      item->ops->on_expire(item->context, state_of(item, f->state), &flow));
	}
	return flow.expiration_id;
}

void plugins_release(struct plugins *p, void *state)
{
	const struct shown *shown = state;

	for (size_t i = 0; i < p->count; i++)
		if (shown->began >> i & 1 && p->items[i].ops->on_release)
			p->items[i].ops->on_release(p->items[i].context,
						    state_of(&p->items[i], state));
	memset(state, 0, p->state_size);
}
