/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Flows stand in one of two lists, ordered by their last packet's arrival: those that may be
 * silent for the idle timeout, and finished TCP connections, which linger shortly. So the flow
 * that ends next is always at a head, and expiry costs a bounded number of steps a packet.
 */
#include "host_meter.h"

#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "flow_index.h"
#include "meter/dedup.h"
#include "meter/fragment.h"
#include "meter/key.h"
#include "meter/meter.h"
#include "slab.h"
#include "watch_list.h"

/* Each packet opens one flow at most, so a few steps always keep up. */
#define EXPIRY_STEPS 4

/* Only those before LISTS are ordered and expire here. */
enum flow_list { LIST_OPEN, LIST_FINISHED, LISTS, LIST_LENT = LISTS, ALL_LISTS };

struct host_meter {
	struct meter_config config;
	struct flow_table *flows;
	struct ledger *ledger;
	const struct watch_list *dedup; /* NULL: every packet counts */
	struct flow_index index;
	struct slab entries;
	struct slab_list lists[ALL_LISTS];
	struct fragment_slot *fragments;
	uint64_t seed;
	uint64_t max_flows;
	uint64_t look_ns[LISTS]; /* before that no head is due; 0 = look */
	uint64_t clock_ns;       /* the older of the last two packet times */
	uint64_t packet_ns;
};

struct host_meter *host_meter_new(const struct meter_config *config, uint64_t max_flows,
				  struct flow_table *flows, struct ledger *ledger)
{
	struct host_meter *m = calloc(1, sizeof(*m));

	if (!m)
		return NULL;
	m->config = *config;
	m->max_flows = max_flows;
	m->flows = flows;
	m->ledger = ledger;
	slab_init(&m->entries, sizeof(struct host_flow) +
				       (config->stats ? sizeof(struct flow_stats) : 0) +
				       (config->tcp ? sizeof(struct flow_tcp) : 0));
	m->fragments = calloc(FRAGMENT_SLOTS, sizeof(*m->fragments));
	if (!m->fragments || flow_index_init(&m->index) < 0) {
		host_meter_free(m);
		return NULL;
	}
	/* An attacker who knew the hash could make all flows collide. */
	if (getrandom(&m->seed, sizeof(m->seed), GRND_NONBLOCK) != sizeof(m->seed))
		m->seed = (uintptr_t)m;
	return m;
}

void host_meter_free(struct host_meter *m)
{
	if (!m)
		return;
	slab_destroy(&m->entries);
	flow_index_destroy(&m->index);
	free(m->fragments);
	free(m);
}

uint64_t host_meter_flows(const struct host_meter *m)
{
	return m->entries.used;
}

struct flow_stats *host_meter_stats(const struct host_meter *m, struct host_flow *e)
{
	return m->config.stats ? (struct flow_stats *)(e + 1) : NULL;
}

struct flow_tcp *host_meter_tcp(const struct host_meter *m, struct host_flow *e)
{
	char *end = (char *)(e + 1) + (m->config.stats ? sizeof(struct flow_stats) : 0);

	return m->config.tcp ? (struct flow_tcp *)end : NULL;
}

static struct flow_end entry_view(const struct host_meter *m, struct host_flow *e,
				  enum flow_end_reason reason)
{
	return (struct flow_end){
		.key = &e->key,
		.counters = &e->counters,
		.stats = host_meter_stats(m, e),
		.tcp = host_meter_tcp(m, e),
		.reason = reason,
	};
}

/* goes_on: the same connection in a new record. */
static void entry_report_end(struct host_meter *m, struct host_flow *e, enum flow_end_reason reason,
			     bool goes_on)
{
	struct flow_end end = entry_view(m, e, reason);

	if (goes_on)
		flow_table_cut(m->flows, e->flow, &end);
	else if (meter_is_empty(&e->counters))
		flow_table_forget(m->flows, e->flow);
	else
		flow_table_end(m->flows, e->flow, &end);
	if (!goes_on)
		e->flow = 0;
}

void host_meter_end(struct host_meter *m, uint32_t number, enum flow_end_reason reason)
{
	struct host_flow *e = slab_at(&m->entries, number);

	slab_remove(&m->entries, &m->lists[e->list], number);
	flow_index_remove(&m->index, e->hash, number);
	entry_report_end(m, e, reason, false);
	slab_release(&m->entries, number);
}

static bool entry_is_due(const struct host_meter *m, const struct flow_counters *c)
{
	uint64_t last = meter_last_ns(c);

	return last <= m->clock_ns &&
	       meter_has_passed(last, m->clock_ns, meter_patience_ns(c, &m->config));
}

/*
 * Looks at the head of a list. A head from the clock's future (files out of order) goes to the
 * back, so that nobody waits behind it. False: nothing to do.
 */
static bool expire_head(struct host_meter *m, enum flow_list list)
{
	uint32_t number = m->lists[list].head;
	const struct flow_counters *c;
	struct host_flow *e;
	uint64_t last;

	if (!number)
		return false;
	e = slab_at(&m->entries, number);
	c = &e->counters;
	last = meter_last_ns(c);
	if (last > m->clock_ns) {
		if (m->lists[list].tail == number || last <= m->packet_ns)
			return false;
		slab_remove(&m->entries, &m->lists[list], number);
		slab_append(&m->entries, &m->lists[list], number);
		return true;
	}
	if (!entry_is_due(m, c)) {
		m->look_ns[list] = last + meter_patience_ns(c, &m->config) - METER_MS;
		return false;
	}
	host_meter_end(m, number, meter_silence_reason(c, &m->config));
	return true;
}

/* One wild time stamp must not end everybody's flows, so the clock waits for a second opinion. */
static void advance_clock(struct host_meter *m, uint64_t now_ns)
{
	bool backwards = now_ns < m->packet_ns;

	m->clock_ns = backwards ? now_ns : m->packet_ns;
	m->packet_ns = now_ns;
	for (int list = 0; list < LISTS; list++) {
		if (backwards) /* what was due later may be due now */
			m->look_ns[list] = 0;
		if (m->clock_ns < m->look_ns[list])
			continue;
		for (int i = 0; i < EXPIRY_STEPS && expire_head(m, list); i++)
			;
	}
}

/* Room for one more flow: the flow that has been idle longest makes way. */
static bool make_room(struct host_meter *m)
{
	uint32_t open = m->lists[LIST_OPEN].head, finished = m->lists[LIST_FINISHED].head;
	uint32_t victim = open ? open : finished;

	if (!victim)
		return false;
	if (open && finished) {
		const struct host_flow *a = slab_at(&m->entries, open);
		const struct host_flow *b = slab_at(&m->entries, finished);

		if (meter_last_ns(&b->counters) < meter_last_ns(&a->counters))
			victim = finished;
	}
	host_meter_end(m, victim, FLOW_END_NO_RESOURCES);
	return true;
}

static uint32_t entry_find(const struct host_meter *m, const struct flow_key *key, uint32_t hash)
{
	uint32_t at = hash & m->index.mask;

	for (; m->index.buckets[at].number; at = (at + 1) & m->index.mask) {
		const struct host_flow *e;

		if (m->index.buckets[at].hash != hash)
			continue;
		e = slab_at(&m->entries, m->index.buckets[at].number);
		if (key_equal(&e->key, key))
			return m->index.buckets[at].number;
	}
	return 0;
}

static uint32_t entry_new(struct host_meter *m, const struct flow_key *key, uint8_t initiator,
			  uint32_t hash)
{
	struct host_flow *e;
	uint32_t number;

	if (m->max_flows && m->entries.used >= m->max_flows && !make_room(m))
		return 0;
	number = slab_alloc(&m->entries);
	if (!number)
		return 0;
	if (flow_index_add(&m->index, hash, number) < 0) {
		slab_release(&m->entries, number);
		return 0;
	}
	e = slab_at(&m->entries, number);
	e->key = *key;
	e->hash = hash;
	e->counters.initiator = initiator;
	slab_append(&m->entries, &m->lists[LIST_OPEN], number);
	return number;
}

/* The flow goes on in a new record; after a cut its source stays the source, met where it was. */
static void entry_restart(struct host_meter *m, struct host_flow *e, const struct packet *p,
			  enum flow_end_reason reason)
{
	bool goes_on = reason == FLOW_END_ACTIVE;
	const struct flow_counters old = e->counters;
	bool is_cut = goes_on || reason == FLOW_END_FORCED; /* amid its packets */

	entry_report_end(m, e, reason, goes_on);
	memset(&e->counters, 0, m->entries.size - offsetof(struct host_flow, counters));
	e->counters.initiator = goes_on ? old.initiator : p->dir;
	if (!is_cut)
		return;
	memcpy(e->counters.place, old.place, sizeof(old.place));
	e->counters.previous_ns = meter_last_ns(&old);
}

static void entry_touch(struct host_meter *m, uint32_t number, struct host_flow *e)
{
	enum flow_list list = meter_finished(&e->counters, &m->config) ? LIST_FINISHED : LIST_OPEN;

	if (m->lists[list].tail == number)
		return;
	slab_remove(&m->entries, &m->lists[e->list], number);
	slab_append(&m->entries, &m->lists[list], number);
	e->list = list;
}

static void entry_show(struct host_meter *m, struct host_flow *e, const struct packet *p,
		       const struct frame *frame)
{
	struct flow_counters *c = &e->counters;
	const struct flow_end now = entry_view(m, e, FLOW_END_NONE);

	c->emitted = p->segments < UINT32_MAX - c->emitted ? c->emitted + p->segments : UINT32_MAX;
	switch (flow_table_packet(m->flows, &e->flow, c->initiator, p, frame, &now)) {
	case PACKET_MORE: break;
	case PACKET_ENOUGH: c->emitted = UINT32_MAX; break;
	case PACKET_ENDS_FLOW:
		if (!host_meter_is_lent(e)) /* else the kernel's numbers come first */
			entry_restart(m, e, p, FLOW_END_FORCED);
	}
}

/* A flow that a plugin ended left an empty entry; its next packet begins a flow of its own. */
static void entry_count(struct host_meter *m, struct host_flow *e, struct packet *p,
			const struct frame *frame)
{
	struct flow_counters *c = &e->counters;

	if (!e->flow && meter_is_empty(c))
		c->initiator = p->dir;
	meter_update(c, host_meter_stats(m, e), host_meter_tcp(m, e), p, &m->config);
	if (c->emitted < meter_first_packets(&m->config, p->key.protocol))
		entry_show(m, e, p, frame);
}

static uint32_t entry_hash(const struct host_meter *m, const struct flow_key *key)
{
	return XXH3_64bits_withSeed(key, sizeof(*key), m->seed);
}

static void entry_expire(struct host_meter *m, struct host_flow *e, const struct packet *p)
{
	enum flow_end_reason reason;

	if (meter_is_empty(&e->counters))
		return;
	reason = meter_expired(&e->counters, p, &m->config);
	if (reason)
		entry_restart(m, e, p, reason);
}

void host_meter_set_dedup(struct host_meter *m, const struct watch_list *watched)
{
	m->dedup = watched;
}

bool host_meter_is_duplicate(const struct host_meter *m, struct host_flow *f,
			     const struct packet *p)
{
	uint32_t *owner = &f->counters.place[p->dir & 1];
	const struct watched *w;

	if (!m->dedup || *owner == p->place)
		return false;
	w = watch_list_at(m->dedup, METER_PLACE_INTERFACE(*owner));
	if (*owner && w && !w->gone && !dedup_is_silent(&f->counters, p))
		return true;
	*owner = p->place;
	return false;
}

void host_meter_packet(struct host_meter *m, struct packet *p, const struct frame *frame)
{
	uint32_t hash, number;

	key_canonicalize(p);
	if (p->fragment)
		fragment_resolve(&m->fragments[fragment_slot_of(p)], p);
	hash = entry_hash(m, &p->key);
	number = entry_find(m, &p->key, hash);
	if (number && host_meter_is_duplicate(m, slab_at(&m->entries, number), p)) {
		ledger_add(m->ledger, COUNTER_IGNORED_DUPLICATE, p->segments);
		return;
	}
	if (number) {
		entry_expire(m, slab_at(&m->entries, number), p);
	} else {
		number = entry_new(m, &p->key, p->dir, hash);
		if (!number) {
			ledger_add(m->ledger, COUNTER_LOST_NO_MEMORY, p->segments);
			return;
		}
	}
	entry_count(m, slab_at(&m->entries, number), p, frame);
	entry_touch(m, number, slab_at(&m->entries, number));
	ledger_add(m->ledger, COUNTER_METERED, p->segments);
	ledger_add(m->ledger, COUNTER_BYTES, meter_counted_bytes(p, m->config.accounting));
	advance_clock(m, p->time_ns);
}

uint32_t host_meter_find(const struct host_meter *m, const struct flow_key *key)
{
	return entry_find(m, key, entry_hash(m, key));
}

uint32_t host_meter_flow(struct host_meter *m, const struct flow_key *key, uint8_t initiator)
{
	uint32_t hash = entry_hash(m, key);
	uint32_t number = entry_find(m, key, hash);

	return number ? number : entry_new(m, key, initiator, hash);
}

struct host_flow *host_meter_at(const struct host_meter *m, uint32_t number)
{
	return slab_at(&m->entries, number);
}

static void entry_move(struct host_meter *m, uint32_t number, enum flow_list list)
{
	struct host_flow *e = slab_at(&m->entries, number);

	slab_remove(&m->entries, &m->lists[e->list], number);
	slab_append(&m->entries, &m->lists[list], number);
	e->list = list;
}

void host_meter_lend(struct host_meter *m, uint32_t number)
{
	entry_move(m, number, LIST_LENT);
}

void host_meter_take_back(struct host_meter *m, uint32_t number)
{
	const struct host_flow *e = slab_at(&m->entries, number);

	entry_move(m, number, meter_finished(&e->counters, &m->config) ? LIST_FINISHED : LIST_OPEN);
}

bool host_meter_is_lent(const struct host_flow *f)
{
	return f->list == LIST_LENT;
}

void host_meter_count(struct host_meter *m, uint32_t number, struct packet *p,
		      const struct frame *frame)
{
	struct host_flow *e = slab_at(&m->entries, number);

	entry_expire(m, e, p);
	entry_count(m, e, p, frame);
	if (!host_meter_is_lent(e))
		entry_touch(m, number, e);
}

void host_meter_count_lent(struct host_meter *m, uint32_t number, struct packet *p,
			   const struct frame *frame)
{
	entry_count(m, slab_at(&m->entries, number), p, frame);
}

void host_meter_look(struct host_meter *m, uint64_t now_ns)
{
	if (now_ns <= m->packet_ns)
		return;
	m->clock_ns = m->packet_ns = now_ns;
	for (int list = 0; list < LISTS; list++)
		for (uint32_t i = m->entries.used; i && !*flow_table_stopped(m->flows); i--)
			if (!expire_head(m, list))
				break;
}

/* The first flow of the lists; 0: there is none. */
static uint32_t any_flow(const struct host_meter *m)
{
	for (int list = 0; list < ALL_LISTS; list++)
		if (m->lists[list].head)
			return m->lists[list].head;
	return 0;
}

bool host_meter_end_some(struct host_meter *m, enum flow_end_reason reason, uint32_t most)
{
	uint32_t number;

	while ((number = any_flow(m)) && most--) {
		const struct host_flow *e = slab_at(&m->entries, number);

		host_meter_end(m, number,
			       entry_is_due(m, &e->counters)
				       ? meter_silence_reason(&e->counters, &m->config)
				       : reason);
	}
	return number;
}

void host_meter_end_all(struct host_meter *m, enum flow_end_reason reason)
{
	while (host_meter_end_some(m, reason, UINT32_MAX))
		;
}

void host_meter_forget_all(struct host_meter *m)
{
	uint32_t number;

	while ((number = any_flow(m))) {
		struct host_flow *e = slab_at(&m->entries, number);

		memset(&e->counters, 0, sizeof(e->counters));
		host_meter_end(m, number, FLOW_END_FORCED);
	}
}
