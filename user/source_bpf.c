/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One thread. A turn of the loop: read the ring, tell the kernel what it should know, have entries
 * that packets closed sent, sweep when it is time, end what the host meter holds and is silent.
 */
#include "source_bpf.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "attribution.h"
#include "bpf_attach.h"
#include "bpf_pin.h"
#include "bpf_probe.h"
#include "bpf_reason.h"
#include "bpf_ring.h"
#include "clock.h"
#include "interface_names.h"
#include "kernel_flows.h"
#include "log.h"
#include "meter/meter.h"
#include "netns.h"
#include "watch_list.h"
#include "watcher.h"

#define NS_PER_MS 1000000ull
#define NS_PER_S  1000000000ull

#define TURN_MS  20
#define FLUSH_NS (100 * NS_PER_MS)

/* A silent flow is marked within SWEEP_MAX and sent a grace period later: within a second. */
#define SWEEP_MIN_NS  (250 * NS_PER_MS)
#define SWEEP_MAX_NS  (850 * NS_PER_MS)
#define SWEEP_SHARE   50 /* a sweep takes at most 1/50 of the time, if that keeps SWEEP_MAX */
#define SWEEP_LAZY_NS (5 * NS_PER_S) /* where nothing can be due, it is looked at this often */

/* At the end: the largest map takes 256 rounds, of a list's length each. */
#define COLLECT_ROUNDS 1024

/* With less room than this share of the map, flows end after less and less silence. */
#define PRESSURE_ON(max)  ((max) - (max) / 20)
#define PRESSURE_OFF(max) ((max) - (max) / 5)
#define PRESSURE_MIN_NS   NS_PER_S

struct source_bpf {
	const struct config *config;
	struct meter_config meter_config;
	struct bpf_probe *probe;
	struct bpf_ring *ring;
	struct attribution *attribution; /* NULL without --attribute */
	struct watch_list *watched;
	char netns[NETNS_NAME_SIZE]; /* our own */
	uint64_t cookie;             /* our namespace's */
	struct watcher *watcher;
	bool ends;       /* what is pinned stays */
	uint64_t failed; /* interfaces, as far as they are not in the ledger */

	struct kernel_flows *kernel;
	struct source_parts parts;
	int collect_rounds; /* of source_bpf_finish() */

	uint64_t sweep_at_ns;   /* when the next sweep is due */
	uint64_t sweep_from_ns; /* and when it may be, if room is short */
	uint64_t sweep_period_ns;
	uint64_t next_due_ns; /* as the last sweep found */
	uint64_t flush_at_ns;
	uint64_t idle_ns;         /* less than the timeout under pressure */
	uint64_t exported_before; /* packets, by agents before this one */
	struct ledger before;
};

const char *source_bpf_reason(void)
{
	return bpf_probe_reason();
}

/* --- opening and closing ---------------------------------------------------------------------- */

static struct interface_value value_of(const struct watch *w)
{
	struct interface_value value = { .number = w->number, .vlan_id = w->vlan_id };

	snprintf(value.name, sizeof(value.name), "%s", w->name);
	return value;
}

static int attach_inside(struct source_bpf *s, const struct watch *w, struct bpf_attachment *a)
{
	int own = namespace_enter(w->ns), err;

	/* The process that led there has ended: the next look finds another way, or none. */
	if (own == -ENODEV)
		return -EAGAIN;
	if (own < 0)
		return bpf_reason(own, strerror(-own), "%s",
				  own == -EPERM ? "its namespace cannot be entered"
						: BPF_REASON_FILES);
	err = bpf_attach(a, s->probe, s->config, w);
	namespace_leave(w->ns, own);
	return err;
}

static void leave_namespace(void *context, const struct namespace *ns)
{
	struct source_bpf *s = context;

	bpf_probe_leave(s->probe, ns->cookie);
}

/* A number is there before the first packet asks for it. */
static int attach_interface(void *context, struct watch *w)
{
	struct source_bpf *s = context;
	const struct interface_value value = value_of(w);
	uint64_t netns = w->ns->cookie;
	struct bpf_attachment *a = malloc(sizeof(*a));
	int err = a ? 0 : bpf_reason(-ENOMEM, "out of memory", "free some");

	if (!err && w->index)
		err = bpf_probe_name_interface(s->probe, netns, w->index, &value);
	bpf_probe_set_watched(s->probe, w->number, !err);
	if (!err)
		err = attach_inside(s, w, a);
	if (err) {
		bpf_probe_forget_interface(s->probe, netns, w->index);
		bpf_probe_set_watched(s->probe, w->number, false);
		free(a);
		return err;
	}
	w->hold = a;
	return 0;
}

static void detach_interface(void *context, struct watch *w, bool gone)
{
	struct source_bpf *s = context;
	struct bpf_attachment *a = w->hold;
	bool keep = s->config->pin && s->ends && !gone;

	if (!keep)
		bpf_attach_unpin(a, s->config);
	bpf_detach(a, keep);
	if (!keep) /* packets asked for its number until now */
		bpf_probe_forget_interface(s->probe, w->ns->cookie, w->index);
	bpf_probe_set_watched(s->probe, w->number, keep);
	free(a);
}

static void change_interface(void *context, const struct watch *w)
{
	struct source_bpf *s = context;
	const struct interface_value value = value_of(w);

	bpf_probe_name_interface(s->probe, w->ns->cookie, w->index, &value);
	bpf_attach_rename(w->hold, s->config, w->name);
}

static const char *why_not(void *context)
{
	(void)context;
	return bpf_probe_reason();
}

static void count_failure(void *context)
{
	struct source_bpf *s = context;

	s->failed++;
}

/* Flows that an earlier agent's pins hold name their interfaces by its numbers. */
static void take_over_numbers(struct source_bpf *s)
{
	int map = bpf_probe_map(s->probe, "interfaces");
	struct interface_key key, *before = NULL;
	struct interface_value value;

	while (!bpf_map_get_next_key(map, before, &key)) {
		before = &key;
		if (key.netns != s->cookie || bpf_map_lookup_elem(map, &key, &value))
			continue;
		value.name[sizeof(value.name) - 1] = '\0';
		watch_list_put(s->watched, value.number, key.index, value.name, s->netns);
		watch_list_remove(s->watched, value.number);
	}
}

/* An interface that was known by one number may be watched by another. */
static bool has_interface(const struct source_bpf *s, uint32_t index, uint16_t number)
{
	const struct interface_key key = { .netns = s->cookie, .index = index };
	struct interface_value value;

	return !bpf_map_lookup_elem(bpf_probe_map(s->probe, "interfaces"), &key, &value) &&
	       value.number == number;
}

/* What is in the map and not watched has gone while no agent ran. */
static void forget_gone(struct source_bpf *s)
{
	for (uint32_t i = 1; i <= watch_list_last(s->watched); i++) {
		const struct watched *w = watch_list_at(s->watched, i);

		if (w && w->gone && has_interface(s, w->index, i))
			bpf_probe_forget_interface(s->probe, s->cookie, w->index);
	}
}

static int attach_all(struct source_bpf *s)
{
	const char *failed = NULL;
	int err;

	if (bpf_probe_adopted(s->probe)) {
		bpf_attach_sort_pins(s->config);
		take_over_numbers(s);
	}
	err = watcher_start(s->watcher, &failed);
	if (!err)
		forget_gone(s);
	else if (err != -EINVAL && (s->config->hook != HOOK_AUTO || err == -ENODEV))
		log_error("-i %s: %s", failed ? failed : s->config->interfaces.items[0],
			  bpf_probe_reason());
	return err;
}

static int out_of_memory(void)
{
	log_error("out of memory at the start; free some");
	return -ENOMEM;
}

static int open_attribution(struct source_bpf *s)
{
	int err = attribution_open(&s->attribution, s->config);

	if (err && s->config->hook != HOOK_AUTO)
		log_error("%s", bpf_probe_reason());
	return err;
}

/* Two links an interface: any number of them takes more files than a process usually opens. */
static void allow_many_files(const struct config *config)
{
	struct rlimit limit;

	if (!interface_names_are_open(&config->interfaces) && !config->netns.count)
		return;
	if (getrlimit(RLIMIT_NOFILE, &limit) || limit.rlim_cur == limit.rlim_max)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

/* A start that fails leaves no pins but those of an agent before. */
static void give_up(struct source_bpf *s)
{
	if (s->config->pin && s->probe && !bpf_probe_adopted(s->probe))
		bpf_pin_clear(s->config->pin);
	source_bpf_close(s);
}

int source_bpf_open(struct source_bpf **out, const struct config *config,
		    const struct meter_config *meter_config)
{
	return source_bpf_open_test(out, config, meter_config, NULL);
}

int source_bpf_open_test(struct source_bpf **out, const struct config *config,
			 const struct meter_config *meter_config, const struct bpf_probe_test *test)
{
	struct source_bpf *s = calloc(1, sizeof(*s));
	const struct watcher_hooks hooks = {
		.context = s,
		.attach = attach_interface,
		.detach = detach_interface,
		.changed = change_interface,
		.reason = why_not,
		.left = leave_namespace,
		.failed = count_failure,
	};
	int err;

	*out = NULL;
	if (!s)
		return out_of_memory();
	s->config = config;
	s->meter_config = *meter_config;
	s->idle_ns = meter_config->idle_ns;
	allow_many_files(config);
	netns_name(netns_own(), s->netns);
	s->cookie = netns_cookie();
	s->watched = watch_list_new(config->interfaces.count,
				    WATCH_LIST_LINGER_NS(meter_config->idle_ns));
	if (s->watched)
		s->watcher = watcher_new(config, s->watched, &hooks);
	if (!s->watcher)
		err = out_of_memory();
	else
		err = bpf_probe_open(&s->probe, config, meter_config, test);
	if (err && err != -EINVAL && config->hook != HOOK_AUTO)
		log_error("%s", bpf_probe_reason());
	if (!err && config->attribute)
		err = open_attribution(s);
	if (!err)
		err = attach_all(s);
	if (err) {
		give_up(s);
		return err;
	}
	*out = s;
	return 0;
}

void source_bpf_close(struct source_bpf *s)
{
	if (!s)
		return;
	s->ends = true;
	watcher_free(s->watcher);
	bpf_ring_free(s->ring);
	kernel_flows_free(s->kernel);
	attribution_close(s->attribution);
	bpf_probe_close(s->probe);
	watch_list_free(s->watched);
	free(s);
}

const struct watch_list *source_bpf_watched(const struct source_bpf *s)
{
	return s->watched;
}

const struct bpf_probe *source_bpf_probe(const struct source_bpf *s)
{
	return s->probe;
}

/* --- entries that leave the map --------------------------------------------------------------- */

/* Who owns a socket is read before what came from it. */
static void read_ring(struct source_bpf *s)
{
	attribution_read(s->attribution, s->parts.ledger);
	bpf_ring_read(s->ring);
	kernel_flows_flush(s->kernel);
}

/* Everything that is there by now; false: not all of it. */
static bool read_ring_through(struct source_bpf *s)
{
	bool all;

	attribution_read(s->attribution, s->parts.ledger);
	all = bpf_ring_read_through(s->ring);

	kernel_flows_flush(s->kernel);
	return all;
}

/* Sends count entries of the closing list; true: all their numbers have been read. */
static bool collect(struct source_bpf *s, uint32_t count, bool all)
{
	struct collect_args args = {
		.count = count,
		.all = all,
		.epoch = bpf_probe_grace(s->probe),
		.now_ns = monotonic_ns(),
	};

	read_ring(s); /* what came during the grace period makes room */
	bpf_probe_collect(s->probe, &args);
	return read_ring_through(s) && !args.ring_full;
}

/* Hot flows that met a timeout: their packets come one by one until the entries are open again. */
static void collect_closed(struct source_bpf *s)
{
	struct flow_key *closing = bpf_probe_closing(s->probe);
	uint32_t count = kernel_flows_closed(s->kernel, closing, CLOSING_KEYS);

	if (count && collect(s, count, false))
		kernel_flows_collected(s->kernel, count);
}

static void sense_pressure(struct source_bpf *s)
{
	uint64_t live = bpf_probe_control(s->probe)->live, max = s->config->map_entries;
	uint64_t least = s->meter_config.idle_ns < PRESSURE_MIN_NS ? s->meter_config.idle_ns
								   : PRESSURE_MIN_NS;

	if (live >= PRESSURE_ON(max))
		s->idle_ns = s->idle_ns / 2 > least ? s->idle_ns / 2 : least;
	else if (live < PRESSURE_OFF(max))
		s->idle_ns = s->idle_ns * 2 < s->meter_config.idle_ns ? s->idle_ns * 2
								      : s->meter_config.idle_ns;
}

static void note_cost(struct source_bpf *s, uint64_t took_ns)
{
	s->sweep_period_ns = took_ns * SWEEP_SHARE;
	if (s->sweep_period_ns < SWEEP_MIN_NS)
		s->sweep_period_ns = SWEEP_MIN_NS;
	if (s->sweep_period_ns > SWEEP_MAX_NS)
		s->sweep_period_ns = SWEEP_MAX_NS;
}

/* How many entries it listed. */
static uint32_t sweep(struct source_bpf *s, bool all, bool orphans)
{
	struct sweep_args args = { .all = all, .orphans = orphans, .idle_ns = s->idle_ns };
	uint64_t began = clock_ns(CLOCK_THREAD_CPUTIME_ID);

	if (bpf_probe_sweep(s->probe, &args))
		return 0;
	note_cost(s, clock_ns(CLOCK_THREAD_CPUTIME_ID) - began);
	s->next_due_ns = args.next_due_ns;
	return args.listed;
}

/* Flows that the sweep has seen end no sooner than it says, new ones not before their patience. */
static uint64_t soonest_end(const struct source_bpf *s, uint64_t now)
{
	uint64_t patience = s->idle_ns, soonest;

	if (s->meter_config.tcp_end && patience > METER_LINGER_NS)
		patience = METER_LINGER_NS;
	soonest = now + (patience < SWEEP_LAZY_NS ? patience : SWEEP_LAZY_NS);
	return s->next_due_ns && s->next_due_ns < soonest ? s->next_due_ns : soonest;
}

static bool is_short_of_room(const struct source_bpf *s)
{
	return bpf_probe_control(s->probe)->live >= PRESSURE_ON(s->config->map_entries);
}

static void sweep_in_time(struct source_bpf *s, uint64_t now)
{
	uint32_t listed;

	if (now < s->sweep_at_ns && (now < s->sweep_from_ns || !is_short_of_room(s)))
		return;
	sense_pressure(s);
	listed = sweep(s, false, false);
	s->sweep_from_ns = now + s->sweep_period_ns;
	s->sweep_at_ns = soonest_end(s, now);
	if (s->sweep_at_ns < s->sweep_from_ns)
		s->sweep_at_ns = s->sweep_from_ns;
	if (listed)
		collect(s, listed, false);
}

/* Packets that still wait for numbers wait in vain. */
static void end_waiting(struct source_bpf *s)
{
	struct flow_key *closing = bpf_probe_closing(s->probe);
	uint32_t count;

	while ((count = kernel_flows_closed(s->kernel, closing, CLOSING_KEYS)))
		kernel_flows_collected(s->kernel, count);
}

/*
 * Numbers that were sent and kept may be unread: the sweep passes those entries over until they are
 * open again, so the ring comes first.
 */
static void begin_collecting(struct source_bpf *s)
{
	if (!s->config->pin) {
		watcher_free(s->watcher);
		s->watcher = NULL;
	}
	bpf_probe_grace(s->probe);
	read_ring_through(s);
}

/*
 * Everything in the map ends, a list at a time; true: there is more. Where the program stays
 * attached (--pin), what packets put into the map meanwhile is left for the next agent.
 */
static bool collect_more(struct source_bpf *s)
{
	uint32_t listed = sweep(s, true, false);
	bool all = !listed || collect(s, listed, true);

	/* A ring that was full has been read, so there is room again. */
	return !all || (s->config->pin ? listed == CLOSING_KEYS : listed);
}

/* --- the account that outlives the agent ------------------------------------------------------ */

static uint64_t settled(const struct source_bpf *s)
{
	const uint64_t *counted = s->parts.ledger->value;

	return flow_table_settled(s->parts.flows) + counted[COUNTER_LOST_NO_MEMORY] +
	       counted[COUNTER_IGNORED_DUPLICATE];
}

/* What is written is no longer held here. */
void source_bpf_settle(struct source_bpf *s)
{
	struct control *control = bpf_probe_control(s->probe);

	flow_table_flush(s->parts.flows);
	control->account.exported = s->exported_before + settled(s);
	for (int i = 0; i < COUNTERS; i++)
		control->agent[i] = s->before.value[i] + s->parts.ledger->value[i];
}

_Static_assert(COUNTERS <= CONTROL_AGENT_COUNTERS, "the control block holds the agent's counters");

/* An agent that was killed held packets that no record tells of. */
static void take_over(struct source_bpf *s)
{
	struct control *control = bpf_probe_control(s->probe);
	struct account *a = &control->account;
	uint64_t taken = a->version[a->current & 1].taken;
	uint64_t held = taken - a->exported - a->returned;

	for (int i = 0; i < COUNTERS; i++)
		s->before.value[i] = control->agent[i];
	s->exported_before = a->exported + held;
	ledger_add(s->parts.ledger, COUNTER_METERED, -held);
	ledger_add(s->parts.ledger, COUNTER_LOST_AGENT_RESTART, held);
	source_bpf_settle(s);
}

void source_bpf_ledger(const struct source_bpf *s, const struct ledger *own, struct ledger *out)
{
	struct kernel_ledger kernel;

	for (int i = 0; i < COUNTERS; i++)
		out->value[i] = own->value[i] + s->before.value[i];
	bpf_probe_ledger(s->probe, &kernel);
	ledger_add_kernel(out, &kernel);
}

void source_bpf_fill(const struct source_bpf *s, uint64_t *entries, uint64_t *max)
{
	*entries = bpf_probe_control(s->probe)->live;
	*max = s->config->map_entries;
}

void source_bpf_ring(const struct source_bpf *s, uint64_t *used, uint64_t *size)
{
	*used = s->ring ? bpf_ring_used(s->ring) : 0;
	*size = BPF_PROBE_RING_BYTES;
}

uint64_t source_bpf_run_time_ns(const struct source_bpf *s)
{
	return bpf_probe_run_time_ns(s->probe);
}

/* --- the loop --------------------------------------------------------------------------------- */

static int port_reopen(void *context, struct reopen_args *args)
{
	return bpf_probe_reopen(context, args);
}

static void port_sate(void *context, const struct sated_flow *flows, uint32_t count)
{
	bpf_probe_sate(context, flows, count);
}

static void set_clock(struct source_bpf *s)
{
	flow_table_set_clock(s->parts.flows, clock_ns(CLOCK_REALTIME) - monotonic_ns());
}

static void flush_in_time(struct source_bpf *s, uint64_t now)
{
	if (now < s->flush_at_ns)
		return;
	s->flush_at_ns = now + FLUSH_NS;
	set_clock(s);
	owners_poll(s->parts.owners);
	source_bpf_settle(s);
}

static void turn(struct source_bpf *s)
{
	uint64_t now;

	read_ring(s);
	collect_closed(s);
	now = monotonic_ns();
	sweep_in_time(s, now);
	host_meter_look(s->parts.meter, now);
	flush_in_time(s, now);
}

int source_bpf_begin(struct source_bpf *s, const struct source_parts *parts)
{
	const struct kernel_port port = {
		.context = s->probe,
		.reopen = port_reopen,
		.sate = port_sate,
	};

	s->parts = *parts;
	s->kernel = kernel_flows_new(&s->meter_config, &port, parts->meter, parts->flows,
				     parts->ledger);
	if (!s->kernel)
		return out_of_memory();
	if (attribution_begin(s->attribution, s->parts.owners))
		return -ENOMEM;
	set_clock(s);
	if (s->config->dedup)
		host_meter_set_dedup(s->parts.meter, s->watched);
	ledger_add(s->parts.ledger, COUNTER_WATCH_FAILED, s->failed);
	s->failed = 0;
	take_over(s);
	s->ring = bpf_ring_new(bpf_probe_map(s->probe, "events"), BPF_PROBE_RING_BYTES,
			       &bpf_probe_control(s->probe)->account, s->kernel);
	if (!s->ring)
		return out_of_memory();
	read_ring(s);
	sweep(s, false, true);
	return 0;
}

static void follow_interfaces(struct source_bpf *s, bool readable)
{
	watcher_follow(s->watcher, readable);
	ledger_add(s->parts.ledger, COUNTER_WATCH_FAILED, s->failed);
	s->failed = 0;
}

int source_bpf_step(struct source_bpf *s, int timeout_ms)
{
	struct pollfd fds[] = {
		{ .fd = bpf_ring_fd(s->ring), .events = POLLIN },
		{ .fd = watcher_fd(s->watcher), .events = POLLIN },
	};

	if (*s->parts.stop)
		return 0;
	poll(fds, 2, timeout_ms < TURN_MS ? timeout_ms : TURN_MS);
	follow_interfaces(s, fds[1].revents);
	turn(s);
	return 1;
}

bool source_bpf_finish(struct source_bpf *s)
{
	if (!s->collect_rounds)
		begin_collecting(s);
	if (s->collect_rounds++ < COLLECT_ROUNDS && collect_more(s))
		return true;
	read_ring_through(s);
	end_waiting(s);
	return false;
}
