/* SPDX-License-Identifier: BSD-2-Clause */
#include "kernel_flows.h"

#include <stdlib.h>
#include <string.h>

#include "chunk.h"
#include "meter/meter.h"
#include "slab.h"

/* Packets that wait for the numbers of closed entries, all flows together. */
#define WAITING_BYTES (64u << 20)

struct waiting_packet {
	struct waiting_packet *next;
	struct event_packet event; /* then its bytes */
};

/* The packets of one flow, in their order, for the time of one grace period. */
struct waiting {
	struct waiting_packet *first, *last;
	bool in_kernel; /* there is an entry, so that numbers will come */
	uint32_t round; /* of kernel_flows_closed() when it began */
};

struct kernel_flows {
	struct meter_config config;
	struct kernel_port port;
	struct host_meter *meter;
	struct flow_table *flows;
	struct ledger *ledger;
	struct slab waiting;
	size_t waiting_bytes;
	struct flow_key *closed;
	uint32_t closed_count, closed_room;
	uint32_t round;
	struct sated_flow sated[SATED_FLOWS];
	uint32_t sated_count;
};

struct kernel_flows *kernel_flows_new(const struct meter_config *config,
				      const struct kernel_port *port, struct host_meter *meter,
				      struct flow_table *flows, struct ledger *ledger)
{
	struct kernel_flows *k = calloc(1, sizeof(*k));

	if (!k)
		return NULL;
	k->config = *config;
	k->port = *port;
	k->meter = meter;
	k->flows = flows;
	k->ledger = ledger;
	slab_init(&k->waiting, sizeof(struct waiting));
	return k;
}

static size_t waiting_size(const struct event_packet *e)
{
	return sizeof(struct waiting_packet) + e->captured;
}

static void waiting_free_packet(struct kernel_flows *k, struct waiting_packet *p)
{
	k->waiting_bytes -= waiting_size(&p->event);
	free(p);
}

static void drop_waiting(struct kernel_flows *k, struct host_flow *f)
{
	struct waiting *w = slab_at(&k->waiting, f->waiting);
	struct waiting_packet *p, *next;

	for (p = w->first; p; p = next) {
		next = p->next;
		waiting_free_packet(k, p);
	}
	slab_release(&k->waiting, f->waiting);
	f->waiting = 0;
}

void kernel_flows_free(struct kernel_flows *k)
{
	if (!k)
		return;
	for (uint32_t i = 0; i < k->closed_count; i++) {
		uint32_t number = host_meter_find(k->meter, &k->closed[i]);
		struct host_flow *f = number ? host_meter_at(k->meter, number) : NULL;

		if (f && f->waiting)
			drop_waiting(k, f);
	}
	slab_destroy(&k->waiting);
	free(k->closed);
	free(k);
}

static struct frame event_frame(const struct event_packet *e)
{
	return (struct frame){
		.ip = (const uint8_t *)(e + 1),
		.captured = e->captured,
		.mac = e->has_mac ? e->mac : NULL,
		.socket = e->socket,
	};
}

/* The kernel counted it as metered, since it was to be counted here. */
static void lose(struct kernel_flows *k, uint32_t segments)
{
	ledger_add(k->ledger, COUNTER_METERED, -(uint64_t)segments);
	ledger_add(k->ledger, COUNTER_LOST_NO_MEMORY, segments);
}

/* --- copies of first packets ----------------------------------------------------------------- */

static enum appetite appetite_of(const struct kernel_flows *k, const struct host_flow *f, bool more)
{
	if (!more)
		return APPETITE_NOTHING;
	return flow_table_wants_bytes(k->flows, f->flow, f->key.protocol) ? APPETITE_BYTES
									  : APPETITE_METADATA;
}

/* Tells the kernel, once a change, unless its own limit is as near. */
static void note_appetite(struct kernel_flows *k, const struct event_packet *e, struct host_flow *f,
			  bool more)
{
	enum appetite appetite = appetite_of(k, f, more);
	uint32_t seen = e->index + e->packet.segments;

	if (appetite == f->counters.appetite ||
	    seen + 1 >= meter_first_packets(&k->config, f->key.protocol))
		return;
	f->counters.appetite = appetite;
	k->sated[k->sated_count++] = (struct sated_flow){
		.key = f->key,
		.emitted = seen,
		.appetite = appetite,
	};
	if (k->sated_count == SATED_FLOWS)
		kernel_flows_flush(k);
}

void kernel_flows_flush(struct kernel_flows *k)
{
	if (k->sated_count)
		k->port.sate(k->port.context, k->sated, k->sated_count);
	k->sated_count = 0;
}

static void on_first(struct kernel_flows *k, const struct event_packet *e)
{
	uint32_t number = host_meter_flow(k->meter, &e->packet.key, e->initiator);
	struct frame frame = event_frame(e);
	struct host_flow *f;
	bool more;

	if (!number) {
		ledger_add(k->ledger, COUNTER_MISSED_COPIES, e->packet.segments);
		return;
	}
	f = host_meter_at(k->meter, number);
	if (!host_meter_is_lent(f))
		host_meter_lend(k->meter, number);
	if (f->waiting)
		((struct waiting *)slab_at(&k->waiting, f->waiting))->in_kernel = true;
	if (meter_is_empty(&f->counters))
		f->counters.initiator = e->initiator;
	if (!f->counters.place[e->packet.dir & 1])
		f->counters.place[e->packet.dir & 1] = e->packet.place;
	if (e->missed)
		flow_table_missed(k->flows, f->flow);
	more = flow_table_packet(k->flows, &f->flow, f->counters.initiator, &e->packet, &frame,
				 NULL) != PACKET_ENOUGH;
	note_appetite(k, e, f, more);
}

/* --- packets that are counted here ------------------------------------------------------------ */

static bool note_closed(struct kernel_flows *k, const struct flow_key *key)
{
	uint32_t room = k->closed_room ? k->closed_room * 2 : 64;
	struct flow_key *grown;

	if (k->closed_count == k->closed_room) {
		grown = reallocarray(k->closed, room, sizeof(*grown));
		if (!grown)
			return false;
		k->closed = grown;
		k->closed_room = room;
	}
	k->closed[k->closed_count++] = *key;
	return true;
}

/* The packet's flow has numbers in a closed entry, which come before this packet. */
static bool wait_for_kernel(struct kernel_flows *k, struct host_flow *f,
			    const struct event_packet *e)
{
	size_t size = waiting_size(e);
	struct waiting_packet *p;
	struct waiting *w;

	if (k->waiting_bytes + size > WAITING_BYTES)
		return false;
	p = malloc(size);
	if (!p)
		return false;
	w = slab_at(&k->waiting, f->waiting);
	memcpy(&p->event, e, sizeof(*e) + e->captured);
	p->next = NULL;
	if (w->last)
		w->last->next = p;
	else
		w->first = p;
	w->last = p;
	k->waiting_bytes += size;
	return true;
}

static bool wait_begin(struct kernel_flows *k, uint32_t number, struct host_flow *f)
{
	struct waiting *w;

	if (!note_closed(k, &f->key))
		return false;
	f->waiting = slab_alloc(&k->waiting);
	if (!f->waiting)
		return false;
	w = slab_at(&k->waiting, f->waiting);
	w->in_kernel = host_meter_is_lent(f);
	w->round = k->round;
	if (!w->in_kernel)
		host_meter_lend(k->meter, number);
	return true;
}

static void count_here(struct kernel_flows *k, uint32_t number, const struct event_packet *e)
{
	struct host_flow *f = host_meter_at(k->meter, number);
	struct packet p = e->packet;
	struct frame frame = event_frame(e);

	if (host_meter_is_lent(f))
		host_meter_count_lent(k->meter, number, &p, &frame);
	else
		host_meter_count(k->meter, number, &p, &frame);
}

/* The kernel counted it as metered, since nobody there knew better. */
static void ignore_duplicate(struct kernel_flows *k, const struct packet *p)
{
	uint64_t bytes = meter_counted_bytes(p, k->config.accounting);

	ledger_add(k->ledger, COUNTER_METERED, -(uint64_t)p->segments);
	ledger_add(k->ledger, COUNTER_OVERFLOW, -(uint64_t)p->segments);
	ledger_add(k->ledger, COUNTER_BYTES, -bytes);
	ledger_add(k->ledger, COUNTER_IGNORED_DUPLICATE, p->segments);
}

static void on_overflow(struct kernel_flows *k, const struct event_packet *e)
{
	uint32_t number = host_meter_flow(k->meter, &e->packet.key, e->packet.dir);
	struct host_flow *f = number ? host_meter_at(k->meter, number) : NULL;

	if (!f) {
		lose(k, e->packet.segments);
		return;
	}
	/* Of a closed entry the kernel knew the owner. */
	if (e->reason == OVERFLOW_CLOSED) {
		f->counters.place[e->packet.dir & 1] = e->packet.place;
	} else if (host_meter_is_duplicate(k->meter, f, &e->packet)) {
		ignore_duplicate(k, &e->packet);
		return;
	}
	if (e->reason != OVERFLOW_CLOSED && !f->waiting) {
		count_here(k, number, e);
		return;
	}
	if (!(f->waiting || wait_begin(k, number, f)) || !wait_for_kernel(k, f, e))
		lose(k, e->packet.segments);
}

/* --- the numbers of closed entries ------------------------------------------------------------ */

/* Counts the packets that waited, on top of what their flow has now; it may end meanwhile. */
static void replay(struct kernel_flows *k, uint32_t number)
{
	struct host_flow *f = host_meter_at(k->meter, number);
	struct waiting *w = slab_at(&k->waiting, f->waiting);
	struct waiting_packet *p, *next;

	for (p = w->first; p; p = next) {
		struct packet packet = p->event.packet;
		struct frame frame = event_frame(&p->event);

		next = p->next;
		host_meter_count(k->meter, number, &packet, &frame);
		waiting_free_packet(k, p);
	}
	slab_release(&k->waiting, f->waiting);
	f->waiting = 0;
}

static void drop_kept(struct kernel_flows *k, const struct event_flow_end *e)
{
	struct reopen_args args = { .key = e->key, .drop = 1 };

	if (e->kept)
		k->port.reopen(k->port.context, &args);
}

/* What the flow has by now goes back to its entry, which counts on from there. */
static int give_back(struct kernel_flows *k, struct host_flow *f)
{
	struct flow_stats *stats = host_meter_stats(k->meter, f);
	struct flow_tcp *tcp = host_meter_tcp(k->meter, f);
	struct reopen_args args = { .key = f->key, .counters = f->counters };
	struct flow_counters none = {
		.initiator = f->counters.initiator,
		.appetite = f->counters.appetite,
		.place = { f->counters.place[0], f->counters.place[1] },
	};
	int err;

	if (stats)
		args.stats = *stats;
	if (tcp)
		args.tcp = *tcp;
	err = k->port.reopen(k->port.context, &args);
	if (err)
		return err;
	f->counters = none;
	if (stats)
		memset(stats, 0, sizeof(*stats));
	if (tcp)
		memset(tcp, 0, sizeof(*tcp));
	return 0;
}

/* The numbers in an event; they are only read. */
static struct flow_chunk event_chunk(const struct kernel_flows *k, const struct event_flow_end *e)
{
	char *more = (char *)(e + 1);
	struct flow_chunk chunk = { .counters = (struct flow_counters *)&e->counters };

	if (k->config.stats)
		chunk.stats = (struct flow_stats *)more;
	more += k->config.stats ? sizeof(struct flow_stats) : 0;
	if (k->config.tcp)
		chunk.tcp = (struct flow_tcp *)more;
	return chunk;
}

/* No memory for the flow: its record has the counters alone. */
static void end_unknown(struct kernel_flows *k, const struct event_flow_end *e,
			const struct flow_chunk *chunk)
{
	const struct flow_end end = {
		.key = &e->key,
		.counters = chunk->counters,
		.stats = chunk->stats,
		.tcp = chunk->tcp,
		.reason = e->reason,
	};

	flow_table_end(k->flows, 0, &end);
	drop_kept(k, e);
}

static void on_flow_end(struct kernel_flows *k, const struct event_flow_end *e)
{
	uint32_t number = host_meter_flow(k->meter, &e->key, e->counters.initiator);
	struct flow_chunk from = event_chunk(k, e), into;
	struct host_flow *f;

	if (!number) {
		end_unknown(k, e, &from);
		return;
	}
	f = host_meter_at(k->meter, number);
	if (!host_meter_is_lent(f))
		host_meter_lend(k->meter, number);
	into = (struct flow_chunk){
		.counters = &f->counters,
		.stats = host_meter_stats(k->meter, f),
		.tcp = host_meter_tcp(k->meter, f),
	};
	chunk_merge(&into, &from);
	if (!f->waiting) {
		host_meter_end(k->meter, number, e->reason);
		drop_kept(k, e);
		return;
	}
	replay(k, number);
	if (!e->kept || give_back(k, f))
		host_meter_take_back(k->meter, number);
}

uint32_t kernel_flows_closed(struct kernel_flows *k, struct flow_key *keys, uint32_t max)
{
	uint32_t count = k->closed_count < max ? k->closed_count : max;

	k->round++;
	if (count)
		memcpy(keys, k->closed, count * sizeof(*keys));
	return count;
}

/*
 * A packet can meet an entry just before it is deleted, and arrive here behind its numbers: then
 * it begins a flow of its own, or belongs to what another packet has begun in the kernel.
 */
static void resolve(struct kernel_flows *k, const struct flow_key *key)
{
	uint32_t number = host_meter_find(k->meter, key);
	struct host_flow *f = number ? host_meter_at(k->meter, number) : NULL;
	const struct waiting *w;
	bool in_kernel;

	if (!f || !f->waiting)
		return;
	w = slab_at(&k->waiting, f->waiting);
	if (w->round == k->round) /* began since: its entry has not been asked for */
		return;
	in_kernel = w->in_kernel;
	replay(k, number);
	if (!in_kernel)
		host_meter_take_back(k->meter, number);
}

void kernel_flows_collected(struct kernel_flows *k, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		resolve(k, &k->closed[i]);
	k->closed_count -= count;
	if (k->closed_count)
		memmove(k->closed, k->closed + count, k->closed_count * sizeof(*k->closed));
}

/* Whether an event holds what its type has. */
static bool is_whole(const void *event, size_t size)
{
	const struct event_packet *packet = event;

	if (size < sizeof(packet->type))
		return false;
	return size >=
	       (packet->type == EVENT_FLOW_END ? sizeof(struct event_flow_end) : sizeof(*packet));
}

void kernel_flows_event(struct kernel_flows *k, const void *event, size_t size)
{
	const struct event_packet *packet = event;

	if (!is_whole(event, size))
		return;
	switch (packet->type) {
	case EVENT_PACKET: on_first(k, packet); break;
	case EVENT_OVERFLOW: on_overflow(k, packet); break;
	case EVENT_FLOW_END: on_flow_end(k, event); break;
	}
}

uint64_t kernel_flows_packets(const void *event, size_t size)
{
	const struct event_packet *packet = event;
	const struct event_flow_end *end = event;

	if (!is_whole(event, size))
		return 0;
	switch (packet->type) {
	case EVENT_OVERFLOW: return packet->packet.segments;
	case EVENT_FLOW_END: return end->counters.dir[0].packets + end->counters.dir[1].packets;
	default: return 0;
	}
}
