/* SPDX-License-Identifier: BSD-2-Clause */
#include "source_live.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "interface_names.h"
#include "live_device.h"
#include "log.h"
#include "steady_time.h"
#include "watch_list.h"
#include "watcher.h"

#define POLL_MS  100
#define CHECK_NS 500000000ull /* between looks at what is lost and what waits */
#define BATCH    4096
#define LAST_MS  10 /* between looks for what comes yet */
#define NS_PER_S 1000000000ull

/* A ring for a burst of some 20,000 packets; what libpcap takes by itself; all that are large. */
#define RING_MOST  (32 << 20)
#define RING_LEAST (2 << 20)
#define RINGS_SUM  (256 << 20)

struct device {
	struct live_device live;
	struct source_live *source;
};

struct source_live {
	const struct config *config;
	struct source_parts parts;
	struct watch_list *watched;
	struct watcher *watcher;
	bool awaits; /* interfaces that come, or come back */
	bool begun;
	uint64_t failed; /* interfaces, as far as they are not in the ledger */
	struct pollfd *fds;
	size_t room;
	struct steady_time time;
	uint64_t packet_ns;      /* newest packet time, steady */
	uint64_t packet_mono_ns; /* when that packet was read */
	uint64_t checked_ns;     /* monotonic */
	uint64_t drained_ns; /* monotonic: when what came before the stop is read; 0 = no stop */
};

const struct watch_list *source_live_watched(const struct source_live *s)
{
	return s->watched;
}

/* --- what the watcher asks for ---------------------------------------------------------------- */

/* A few interfaces have what they may need; the more there are, the less is left for the next. */
static int ring_share(const struct source_live *s)
{
	int64_t left = RINGS_SUM;

	for (size_t i = 0; i < watcher_count(s->watcher); i++) {
		const struct device *d = watcher_at(s->watcher, i)->hold;

		left -= d ? d->live.ring_bytes : 0;
	}
	if (left / 4 > RING_MOST)
		return RING_MOST;
	return left / 4 > RING_LEAST ? (int)(left / 4) : RING_LEAST;
}

static void begin_frames(struct source_live *s, const struct watch *w)
{
	struct frame_reader *frames = &((struct device *)w->hold)->live.frames;

	frames->meter_config = s->parts.meter_config;
	frames->meter = s->parts.meter;
	frames->ledger = s->parts.ledger;
	frames->number = w->number;
	frames->many = interface_names_are_many(s->config);
	frames->dedup = s->config->dedup;
	frames->vlan_id = w->vlan_id;
}

static int attach_device(void *context, struct watch *w)
{
	struct source_live *s = context;
	struct device *d = calloc(1, sizeof(*d));
	int err = -ENOMEM;

	if (d) {
		d->source = s;
		d->live.ring_bytes = ring_share(s);
		err = live_device_open(&d->live, w->name, w->index, s->config,
				       s->begun || !w->plain);
	}
	if (err) {
		free(d);
		return err;
	}
	w->hold = d;
	/* libpcap's own devices, as "any", cannot come back. */
	s->awaits |= w->index != 0;
	if (s->begun)
		begin_frames(s, w);
	return 0;
}

static void detach_device(void *context, struct watch *w, bool gone)
{
	struct source_live *s = context;
	struct device *d = w->hold;

	(void)gone;
	if (s->begun)
		live_device_count_drops(&d->live, s->parts.ledger);
	live_device_close(&d->live);
	free(d);
}

static void change_device(void *context, const struct watch *w)
{
	struct device *d = w->hold;

	(void)context;
	live_device_rename(&d->live, w->name);
	d->live.frames.vlan_id = w->vlan_id;
}

/* live_device.c has said it. */
static const char *why_not(void *context)
{
	(void)context;
	return NULL;
}

static void count_failure(void *context)
{
	struct source_live *s = context;

	s->failed++;
}

/* --- opening and closing ---------------------------------------------------------------------- */

static int out_of_memory(void)
{
	log_error("out of memory at the start; free some");
	return -ENOMEM;
}

static int open_devices(struct source_live *s)
{
	const struct watcher_hooks hooks = {
		.context = s,
		.attach = attach_device,
		.detach = detach_device,
		.changed = change_device,
		.reason = why_not,
		.failed = count_failure,
	};
	const char *failed;

	s->awaits = interface_names_are_open(&s->config->interfaces);
	s->watched = watch_list_new(s->config->interfaces.count,
				    WATCH_LIST_LINGER_NS(s->config->idle_ns));
	if (s->watched)
		s->watcher = watcher_new(s->config, s->watched, &hooks);
	return s->watcher ? watcher_start(s->watcher, &failed) : out_of_memory();
}

int source_live_open(struct source_live **out, const struct config *config)
{
	struct source_live *s = calloc(1, sizeof(*s));
	int err;

	*out = NULL;
	if (!s)
		return out_of_memory();
	s->config = config;
	err = open_devices(s);
	if (err) {
		source_live_close(s);
		return err;
	}
	*out = s;
	return 0;
}

void source_live_close(struct source_live *s)
{
	if (!s)
		return;
	s->begun = false; /* the ledger is nobody's any more */
	watcher_free(s->watcher);
	watch_list_free(s->watched);
	free(s->fds);
	free(s);
}

int source_live_begin(struct source_live *s, const struct source_parts *parts)
{
	s->parts = *parts;
	s->begun = true;
	steady_time_begin(&s->time, clock_ns(CLOCK_REALTIME), monotonic_ns());
	if (s->config->dedup)
		host_meter_set_dedup(parts->meter, s->watched);
	for (size_t i = 0; i < watcher_count(s->watcher); i++)
		if (watcher_at(s->watcher, i)->hold)
			begin_frames(s, watcher_at(s->watcher, i));
	return 0;
}

/* --- the loop --------------------------------------------------------------------------------- */

static bool is_stopped(const struct source_live *s)
{
	return (*s->parts.stop && !s->drained_ns) || *flow_table_stopped(s->parts.flows);
}

/* Records say what time it is by the clock as it is set now. */
static void compare_clocks(struct source_live *s)
{
	if (steady_time_compare(&s->time, clock_ns(CLOCK_REALTIME), monotonic_ns()))
		flow_table_set_clock(s->parts.flows, s->time.step_ns);
}

static uint64_t packet_time(struct source_live *s, const struct timeval *stamp)
{
	uint64_t stamp_ns = stamp->tv_sec * NS_PER_S + stamp->tv_usec;
	uint64_t steady = steady_time_of(&s->time, stamp_ns);

	if (!steady_time_is_odd(&s->time, steady))
		return steady;
	compare_clocks(s);
	return steady_time_of(&s->time, stamp_ns);
}

static void on_packet(u_char *user, const struct pcap_pkthdr *h, const u_char *bytes)
{
	struct device *d = (struct device *)user;
	uint64_t now = packet_time(d->source, &h->ts);
	struct pcap_pkthdr steady = *h;

	steady.ts.tv_sec = now / NS_PER_S;
	steady.ts.tv_usec = now % NS_PER_S;
	frame_reader_packet(&d->live.frames, &steady, bytes);
	if (now > d->source->packet_ns) {
		d->source->packet_ns = now;
		d->source->packet_mono_ns = 0; /* read the clock once a batch */
	}
	if (is_stopped(d->source))
		pcap_breakloop(d->live.pcap);
}

static int dispatch(struct device *d)
{
	return pcap_dispatch(d->live.pcap, BATCH, on_packet, (u_char *)d);
}

/* The error comes before the packets that were there before it. */
static void read_last(struct device *d)
{
	uint64_t end = monotonic_ns() + LIVE_DEVICE_DRAIN_NS;

	while (monotonic_ns() < end && !is_stopped(d->source))
		if (dispatch(d) <= 0)
			poll(NULL, 0, LAST_MS);
}

static void read_device(struct source_live *s, struct watch *w)
{
	struct device *d = w->hold;

	if (dispatch(d) != PCAP_ERROR)
		return;
	read_last(d);
	live_device_say_lost(&d->live, w->index);
	watcher_lost(s->watcher, w);
	w->waits = w->index;
}

static void read_devices(struct source_live *s)
{
	for (size_t i = 0; i < watcher_count(s->watcher) && !is_stopped(s); i++)
		if (watcher_at(s->watcher, i)->hold)
			read_device(s, watcher_at(s->watcher, i));
}

/* On a silent wire packet time stands still, so it is carried on by the monotonic clock. */
static void look_at_quiet_flows(struct source_live *s)
{
	uint64_t now = monotonic_ns();

	if (!s->packet_mono_ns)
		s->packet_mono_ns = now;
	else if (s->packet_ns)
		host_meter_look(s->parts.meter, s->packet_ns + (now - s->packet_mono_ns));
}

static void count_drops(struct source_live *s)
{
	for (size_t i = 0; i < watcher_count(s->watcher); i++) {
		struct device *d = watcher_at(s->watcher, i)->hold;

		if (d)
			live_device_count_drops(&d->live, s->parts.ledger);
	}
}

static void check_devices(struct source_live *s)
{
	uint64_t now = monotonic_ns();

	ledger_add(s->parts.ledger, COUNTER_WATCH_FAILED, s->failed);
	s->failed = 0;
	if (now - s->checked_ns < CHECK_NS)
		return;
	s->checked_ns = now;
	count_drops(s);
	watcher_retry(s->watcher);
}

/* How many descriptors are to be polled, that of the watcher first; negative: no memory. */
static int gather_fds(struct source_live *s)
{
	size_t count = watcher_count(s->watcher), used = 1;

	if (count + 1 > s->room) {
		struct pollfd *grown = reallocarray(s->fds, 2 * (count + 1), sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		s->fds = grown;
		s->room = 2 * (count + 1);
	}
	s->fds[0] = (struct pollfd){ .fd = watcher_fd(s->watcher), .events = POLLIN };
	for (size_t i = 0; i < count; i++) {
		const struct device *d = watcher_at(s->watcher, i)->hold;

		if (d)
			s->fds[used++] = (struct pollfd){
				.fd = pcap_get_selectable_fd(d->live.pcap),
				.events = POLLIN,
			};
	}
	return used;
}

int source_live_step(struct source_live *s, int timeout_ms)
{
	int fds = gather_fds(s);

	if (fds < 0)
		return out_of_memory();
	if (*s->parts.stop || (fds == 1 && !s->awaits))
		return 0;
	poll(s->fds, fds, timeout_ms < POLL_MS ? timeout_ms : POLL_MS);
	compare_clocks(s);
	read_devices(s);
	watcher_follow(s->watcher, s->fds[0].revents);
	look_at_quiet_flows(s);
	flow_table_flush(s->parts.flows);
	check_devices(s);
	return 1;
}

bool source_live_finish(struct source_live *s)
{
	uint64_t now = monotonic_ns();

	if (!s->drained_ns)
		s->drained_ns = now + LIVE_DEVICE_DRAIN_NS;
	if (now < s->drained_ns && !is_stopped(s)) {
		poll(NULL, 0, LAST_MS);
		read_devices(s);
		return true;
	}
	count_drops(s);
	return false;
}
