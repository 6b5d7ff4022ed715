/* SPDX-License-Identifier: BSD-2-Clause */
#include "flow_table.h"

#include <stdlib.h>
#include <string.h>

#include "meter/meter.h"
#include "meter/wire.h"
#include "slab.h"
#include "timing.h"

/* Of a flow, among which both ends are hoped to send one. */
#define OWNER_PACKETS 8u

struct flow_table {
	const struct config *config;
	const struct columns *columns;
	struct dissector *dissector;
	struct plugins *plugins;
	struct owners *owners;
	struct enricher *enricher;
	struct metrics *metrics;
	struct record_sink sink;
	struct ledger *ledger;
	const struct watch_list *watched;
	uint32_t plugin_packets; /* of each flow, that plugins ask for */
	struct slab flows;       /* the state of plugins behind each */
	uint64_t created;
	uint64_t exported;
	uint64_t settled;   /* packets */
	uint64_t unwritten; /* packets of records that may still be in the exporters' buffers */
	uint64_t clock_offset_ns;
	int error;
	bool stopped;
	bool missed_first; /* the next new flow was not shown from its first packet on */
};

struct flow_table *flow_table_new(const struct flow_table_parts *parts)
{
	struct flow_table *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->config = parts->config;
	t->columns = parts->columns;
	t->dissector = parts->dissector;
	t->plugins = parts->plugins;
	t->owners = parts->owners;
	t->enricher = parts->enricher;
	t->metrics = parts->metrics;
	t->plugin_packets = plugins_first_packets(parts->plugins);
	t->sink = parts->sink;
	t->ledger = parts->ledger;
	t->watched = parts->watched;
	slab_init(&t->flows, sizeof(struct flow) + plugins_state_size(t->plugins));
	plugins_bind(t->plugins, t->columns, t->dissector, t->owners, t->enricher);
	return t;
}

void flow_table_free(struct flow_table *t)
{
	if (!t)
		return;
	slab_destroy(&t->flows);
	free(t);
}

void flow_table_set_sink(struct flow_table *t, struct record_sink sink)
{
	t->sink = sink;
}

static uint32_t larger(uint64_t a, uint64_t b)
{
	uint64_t larger = a > b ? a : b;

	return larger > UINT32_MAX - 1 ? UINT32_MAX - 1 : larger;
}

void flow_table_first_packets(const struct flow_table_parts *parts, struct meter_config *out)
{
	const struct config *config = parts->config;
	uint32_t need = parts->columns->need;
	/* The first one always comes: it tells addresses of the link and numbers the flow. */
	uint64_t base = larger(plugins_first_packets(parts->plugins), 1);
	uint64_t timing = need & NEED_TIMING ? TIMING_PACKETS : 1;

	if (parts->owners)
		base = larger(OWNER_PACKETS, base);
	if (need & NEED_SPLT)
		base = larger(config->splt, base);
	out->first_tcp = larger(base, timing);
	out->first_udp = larger(base, timing);
	out->first_other = larger(base, 1);
	if (!parts->dissector)
		return;
	out->first_tcp = larger(out->first_tcp, config->max_tcp_dissections);
	out->first_udp = larger(out->first_udp, config->max_udp_dissections);
}

static void flow_note_first(struct flow *f, const struct packet *p, const struct frame *frame,
			    uint8_t initiator)
{
	bool reversed = p->dir != initiator;

	f->src_dir = initiator;
	f->icmp_type = p->icmp_type;
	f->icmp_code = p->icmp_code;
	if (!frame->mac)
		return;
	memcpy(f->mac[reversed], frame->mac + 6, 6);
	memcpy(f->mac[!reversed], frame->mac, 6);
}

/* False when memory is short. */
static bool flow_append_splt(struct flow *f, const struct splt_entry *entry)
{
	uint32_t n = f->splt_count;
	struct splt_entry *grown;

	/* Room for 2, 4, 8 ... entries: full when the count is such a power of two. */
	if (n != 1 && !(n & (n - 1))) {
		grown = reallocarray(f->splt, n ? n * 2 : 2, sizeof(*grown));
		if (!grown)
			return false;
		f->splt = grown;
	}
	f->splt[n] = *entry;
	f->splt_count++;
	return true;
}

static void flow_note_splt(struct flow_table *t, struct flow *f, const struct packet *p)
{
	uint32_t last = p->size[t->config->accounting];
	struct splt_entry entry = { .gap_ns = p->gap_ns, .from_dst = p->dir != f->src_dir };

	for (uint32_t i = 0; i < p->segments && f->splt_count < t->config->splt; i++) {
		entry.size = i + 1 < p->segments ? meter_full_size(p, last) : last;
		if (!flow_append_splt(f, &entry)) {
			ledger_add(t->ledger, COUNTER_MISSED_COPIES, p->segments - i);
			f->order_lost = true; /* later ones would stand in its place */
			return;
		}
		entry.gap_ns = 0;
	}
}

static void flow_note_window(struct flow *f, const struct packet *p)
{
	bool from_dst = p->dir != f->src_dir;

	if (p->key.protocol != PROTO_TCP || !p->has_l4 || (f->window_seen & (1 << from_dst)))
		return;
	f->window[from_dst] = p->tcp_window;
	f->window_seen |= 1 << from_dst;
}

static uint64_t dissect_limit(const struct flow_table *t, uint8_t protocol)
{
	return protocol == PROTO_TCP   ? t->config->max_tcp_dissections
	       : protocol == PROTO_UDP ? t->config->max_udp_dissections
				       : 1;
}

static bool flow_wants_bytes(const struct flow_table *t, const struct flow *f, uint8_t protocol)
{
	if (f->packets < t->plugin_packets)
		return true;
	return t->dissector && !f->dissected && f->packets < dissect_limit(t, protocol);
}

static void *state_of(const struct flow_table *t, struct flow *f)
{
	return t->plugins ? f + 1 : NULL;
}

static bool flow_wants_sockets(const struct flow_table *t, const struct flow *f)
{
	return t->owners && f->packets < OWNER_PACKETS && !(f->socket[0] && f->socket[1]);
}

static bool flow_wants_more(const struct flow_table *t, const struct flow *f, uint8_t protocol)
{
	if (flow_wants_bytes(t, f, protocol) || flow_wants_sockets(t, f))
		return true;
	if (f->order_lost)
		return false;
	if (t->columns->need & NEED_SPLT && f->splt_count < t->config->splt)
		return true;
	return t->columns->need & NEED_TIMING && f->packets < TIMING_PACKETS;
}

/*
 * The end's socket is the first one that sent for it; but a socket of the kernel itself, which
 * refuses connections, gives way to one that has a process.
 */
static void flow_note_socket(struct flow_table *t, struct flow *f, uint64_t socket, bool from_src)
{
	uint32_t *at = &f->socket[!from_src], number;

	if (!t->owners || !socket || owners_knows(t->owners, *at))
		return;
	number = owners_hold(t->owners, socket);
	owners_release(t->owners, *at);
	*at = number;
}

/* What the place among the flow's packets matters for. */
static void flow_note_order(struct flow_table *t, struct flow *f, const struct packet *p,
			    bool from_src)
{
	flow_note_window(f, p);
	if (t->columns->need & NEED_SPLT)
		flow_note_splt(t, f, p);
	if (t->columns->need & NEED_TIMING && f->packets < TIMING_PACKETS)
		timing_packet(&f->timing, p, from_src);
}

/* NULL when memory is short. */
static struct flow *flow_open(struct flow_table *t, uint32_t *number, uint8_t initiator,
			      const struct packet *p, const struct frame *frame)
{
	struct flow *f;

	*number = slab_alloc(&t->flows);
	if (!*number)
		return NULL;
	f = slab_at(&t->flows, *number);
	f->flow_id = t->created++;
	f->order_lost = t->missed_first;
	t->missed_first = false;
	flow_note_first(f, p, frame, initiator);
	return f;
}

/* True: a plugin ends the flow. */
static bool flow_show_plugins(struct flow_table *t, struct flow *f, const struct packet *p,
			      const struct frame *frame, bool from_src, const struct flow_end *now)
{
	const struct plugin_flow view = {
		.flow = f,
		.key = &p->key,
		.state = state_of(t, f),
		.now = now,
	};
	bool ends = plugins_packet(t->plugins, &view, p, frame, from_src);

	if (plugins_error(t->plugins) && !t->error)
		t->error = plugins_error(t->plugins);
	t->stopped |= t->error != 0;
	return ends;
}

enum packet_verdict flow_table_packet(struct flow_table *t, uint32_t *number, uint8_t initiator,
				      const struct packet *p, const struct frame *frame,
				      const struct flow_end *now)
{
	struct flow *f =
		*number ? slab_at(&t->flows, *number) : flow_open(t, number, initiator, p, frame);
	bool from_src = p->dir == initiator;

	if (!f) {
		ledger_add(t->ledger, COUNTER_MISSED_COPIES, p->segments);
		return PACKET_MORE;
	}
	if (!f->order_lost)
		flow_note_order(t, f, p, from_src);
	f->packets = p->segments < UINT32_MAX - f->packets ? f->packets + p->segments : UINT32_MAX;
	flow_note_socket(t, f, frame->socket, from_src);
	if (p->teid)
		f->teid[!from_src] = p->teid;
	if (t->dissector && !f->dissected)
		f->dissected = dissect_packet(t->dissector, &f->dissect, &f->app, p, frame->ip,
					      frame->captured, from_src, f->packets);
	if (t->plugins && flow_show_plugins(t, f, p, frame, from_src, now))
		return PACKET_ENDS_FLOW;
	return flow_wants_more(t, f, p->key.protocol) ? PACKET_MORE : PACKET_ENOUGH;
}

void flow_table_missed(struct flow_table *t, uint32_t number)
{
	struct flow *f;

	if (!number) {
		t->missed_first = true;
		return;
	}
	f = slab_at(&t->flows, number);
	f->order_lost = true;
}

static enum counter counter_of_end(enum flow_end_reason reason)
{
	switch (reason) {
	case FLOW_END_IDLE: return COUNTER_ENDED_IDLE;
	case FLOW_END_ACTIVE: return COUNTER_ENDED_ACTIVE;
	case FLOW_END_DETECTED: return COUNTER_ENDED_DETECTED;
	case FLOW_END_NO_RESOURCES: return COUNTER_ENDED_NO_RESOURCES;
	default: return COUNTER_ENDED_FORCED;
	}
}

void flow_table_unwritten(struct flow_table *t)
{
	ledger_add(t->ledger, COUNTER_UNEXPORTED, t->unwritten);
	t->unwritten = 0;
}

/* Hands the record on, and with it what plugins keep of the flow. */
static void flow_write(struct flow_table *t, struct flow_record *r, uint64_t packets)
{
	r->export_id = t->exported++;
	ledger_add(t->ledger, COUNTER_FLOWS, 1);
	ledger_add(t->ledger, counter_of_end(r->end_reason), 1);
	if (!t->error)
		t->error = t->sink.write(t->sink.context, r, r->side[SIDE_BOTH].last_ns);
	t->unwritten = t->sink.pending(t->sink.context) || t->error ? t->unwritten + packets : 0;
	if (t->error)
		flow_table_unwritten(t);
	flow_table_resume(t);
}

static void flow_tell_owners(struct flow_table *t, const struct flow *f, struct flow_record *r)
{
	owners_fill(t->owners, f, r);
	for (int end = 0; end < 2; end++) {
		if (r->owner[end].state == OWNER_KNOWN)
			ledger_add(t->ledger, COUNTER_ATTRIBUTION_KNOWN, 1);
		else if (r->owner[end].state == OWNER_UNKNOWN)
			ledger_add(t->ledger, COUNTER_ATTRIBUTION_UNKNOWN, 1);
	}
}

/* state: of plugins, NULL when they did not see the flow. */
static void flow_export(struct flow_table *t, struct flow *f, const struct flow_end *end,
			void *state)
{
	uint64_t packets = end->counters->dir[0].packets + end->counters->dir[1].packets;
	const struct plugin_flow view = { f, end->key, state, end };
	struct flow_record r;

	t->settled += packets;
	if (flow_table_done(t) || t->error) {
		ledger_add(t->ledger, COUNTER_UNEXPORTED, packets);
		return;
	}
	record_fill(&r, f, end, t->columns->need, t->dissector, t->config);
	record_fill_place(&r, end, t->watched);
	if (t->owners)
		flow_tell_owners(t, f, &r);
	record_shift(&r, t->clock_offset_ns);
	enricher_fill(t->enricher, &r);
	r.state = state;
	if (state)
		r.expiration_id = plugins_expire(t->plugins, &view, r.expiration_id);
	if (plugins_error(t->plugins))
		t->error = plugins_error(t->plugins);
	if (t->metrics)
		metrics_record(t->metrics, &r, t->dissector != NULL);
	flow_write(t, &r, packets);
	if (state && !r.state)
		memset(state, 0, plugins_state_size(t->plugins)); /* the sink has it */
}

/* Memory was short when the flow's first packet came: its record has the counters alone. */
static void export_unseen(struct flow_table *t, const struct flow_end *end)
{
	struct flow none = { .flow_id = t->created++, .src_dir = end->counters->initiator };

	flow_export(t, &none, end, NULL);
}

static void flow_conclude(struct flow_table *t, struct flow *f)
{
	if (t->dissector && !f->dissected)
		dissect_finish(t->dissector, &f->dissect, &f->app);
}

static void flow_free(struct flow_table *t, struct flow *f, uint32_t number)
{
	if (t->plugins)
		plugins_release(t->plugins, state_of(t, f));
	if (t->owners)
		for (int end = 0; end < 2; end++)
			owners_release(t->owners, f->socket[end]);
	free(f->app.text);
	free(f->splt);
	slab_release(&t->flows, number);
}

void flow_table_end(struct flow_table *t, uint32_t number, const struct flow_end *end)
{
	struct flow *f;

	if (!number) {
		export_unseen(t, end);
		return;
	}
	f = slab_at(&t->flows, number);
	flow_conclude(t, f);
	flow_export(t, f, end, state_of(t, f));
	flow_free(t, f, number);
}

void flow_table_forget(struct flow_table *t, uint32_t number)
{
	struct flow *f = number ? slab_at(&t->flows, number) : NULL;

	if (!f)
		return;
	flow_conclude(t, f);
	flow_free(t, f, number);
}

bool flow_table_wants_bytes(const struct flow_table *t, uint32_t number, uint8_t protocol)
{
	return number && flow_wants_bytes(t, slab_at(&t->flows, number), protocol);
}

void flow_table_set_clock(struct flow_table *t, uint64_t offset_ns)
{
	t->clock_offset_ns = offset_ns;
	plugins_set_clock(t->plugins, offset_ns);
	if (t->dissector)
		dissector_set_clock(t->dissector, offset_ns);
}

uint64_t flow_table_settled(const struct flow_table *t)
{
	return t->settled - t->unwritten;
}

void flow_table_cut(struct flow_table *t, uint32_t number, const struct flow_end *end)
{
	struct flow *f;

	if (!number) {
		export_unseen(t, end);
		return;
	}
	f = slab_at(&t->flows, number);
	flow_conclude(t, f);
	flow_export(t, f, end, state_of(t, f));
	if (t->plugins)
		plugins_release(t->plugins, state_of(t, f));
	/* What packets have told stays true; what ports suggested the next ones may tell better. */
	f->dissected = f->app.app_protocol && !f->app.guessed;
	if (!f->dissected) {
		free(f->app.text);
		f->app = (struct app_info){ 0 };
	}
	free(f->splt);
	f->splt = NULL;
	f->splt_count = 0;
	f->packets = 0;
	f->order_lost = false;
	f->timing = (struct flow_timing){ 0 };
	f->flow_id = t->created++;
}

int flow_table_error(const struct flow_table *t)
{
	return t->error;
}

void flow_table_flush(struct flow_table *t)
{
	if (t->error)
		return;
	t->error = t->sink.flush(t->sink.context);
	if (t->error)
		flow_table_unwritten(t);
	if (!t->sink.pending(t->sink.context))
		t->unwritten = 0;
}

const bool *flow_table_stopped(const struct flow_table *t)
{
	return &t->stopped;
}

void flow_table_resume(struct flow_table *t)
{
	t->stopped = t->error || flow_table_done(t) || t->sink.full(t->sink.context);
}

bool flow_table_done(const struct flow_table *t)
{
	return t->config->stop_after && t->exported >= t->config->stop_after;
}
