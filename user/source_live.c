/* SPDX-License-Identifier: BSD-2-Clause */
#include "source_live.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "clock.h"
#include "live_device.h"
#include "log.h"
#include "netns.h"
#include "watch_list.h"

#define POLL_MS  100
#define CHECK_NS 500000000ull /* between looks at what goes away and what is lost */
#define BATCH    4096
#define NS_PER_S 1000000000ull

struct device {
	struct live_device live;
	struct source_live *source;
};

struct source_live {
	const struct config *config;
	struct source_parts parts;
	struct watch_list *watched;
	char netns[NETNS_NAME_SIZE]; /* our own */
	struct device *devices;      /* of number i + 1 */
	struct pollfd *fds;
	size_t count;
	uint64_t packet_ns;      /* newest packet time */
	uint64_t packet_mono_ns; /* when that packet was read */
	uint64_t checked_ns;     /* monotonic */
};

/* libpcap's own devices, as "any", have no index of the kernel's. */
static bool note_watched(struct source_live *s, size_t i)
{
	const struct live_device *d = &s->devices[i].live;

	return watch_list_put(s->watched, i + 1, d->index ? d->index : UINT32_MAX, d->name,
			      s->netns);
}

int source_live_open(struct source_live **out, const struct config *config)
{
	struct source_live *s = calloc(1, sizeof(*s));
	int err = 0;

	*out = NULL;
	if (s) {
		s->devices = calloc(config->interfaces.count, sizeof(*s->devices));
		s->fds = calloc(config->interfaces.count, sizeof(*s->fds));
		s->watched = watch_list_new(config->idle_ns);
	}
	if (!s || !s->devices || !s->fds || !s->watched) {
		source_live_close(s);
		log_error("out of memory at the start; free some");
		return -ENOMEM;
	}
	s->config = config;
	netns_name(netns_own(), s->netns);
	for (; s->count < config->interfaces.count && !err; s->count++) {
		struct device *d = &s->devices[s->count];

		d->source = s;
		err = live_device_open(&d->live, config->interfaces.items[s->count], config);
		if (!err && !note_watched(s, s->count))
			err = -ENOMEM;
	}
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
	for (size_t i = 0; i < s->count; i++)
		live_device_close(&s->devices[i].live);
	watch_list_free(s->watched);
	free(s->fds);
	free(s->devices);
	free(s);
}

const struct watch_list *source_live_watched(const struct source_live *s)
{
	return s->watched;
}

static bool is_stopped(const struct source_live *s)
{
	return *s->parts.stop || *flow_table_stopped(s->parts.flows);
}

static void on_packet(u_char *user, const struct pcap_pkthdr *h, const u_char *bytes)
{
	struct device *d = (struct device *)user;
	uint64_t now = h->ts.tv_sec * NS_PER_S + h->ts.tv_usec;

	frame_reader_packet(&d->live.frames, h, bytes);
	if (now > d->source->packet_ns) {
		d->source->packet_ns = now;
		d->source->packet_mono_ns = 0; /* read the clock once a batch */
	}
	if (is_stopped(d->source))
		pcap_breakloop(d->live.pcap);
}

static void read_device(struct source_live *s, struct device *d)
{
	pcap_t *pcap = d->live.pcap;

	if (pcap && pcap_dispatch(pcap, BATCH, on_packet, (u_char *)d) == PCAP_ERROR)
		live_device_lost(&d->live, s->parts.ledger);
}

/*
 * On a silent wire packet time stands still, so it is carried on by the monotonic clock: a step of
 * the wall clock ends nobody's flow.
 */
static void look_at_quiet_flows(struct source_live *s)
{
	uint64_t now = monotonic_ns();

	if (!s->packet_mono_ns)
		s->packet_mono_ns = now;
	else if (s->packet_ns)
		host_meter_look(s->parts.meter, s->packet_ns + (now - s->packet_mono_ns));
}

static void check_devices(struct source_live *s)
{
	uint64_t now = monotonic_ns();

	if (now - s->checked_ns < CHECK_NS)
		return;
	s->checked_ns = now;
	for (size_t i = 0; i < s->count; i++) {
		live_device_count_drops(&s->devices[i].live, s->parts.ledger);
		if (live_device_check(&s->devices[i].live, s->config, s->parts.ledger))
			note_watched(s, i);
	}
}

/* Whether there is something to watch or to wait for; *live descriptors are to be polled. */
static bool is_watching(const struct source_live *s, size_t *live)
{
	bool watching = false;

	*live = 0;
	for (size_t i = 0; i < s->count; i++) {
		const struct live_device *d = &s->devices[i].live;

		watching |= d->pcap || d->index;
		if (d->pcap)
			s->fds[(*live)++] = (struct pollfd){
				.fd = pcap_get_selectable_fd(d->pcap),
				.events = POLLIN,
			};
	}
	return watching;
}

int source_live_begin(struct source_live *s, const struct source_parts *parts)
{
	s->parts = *parts;
	for (size_t i = 0; i < s->count; i++) {
		struct frame_reader *frames = &s->devices[i].live.frames;

		frames->meter_config = parts->meter_config;
		frames->meter = parts->meter;
		frames->ledger = parts->ledger;
		frames->number = i + 1;
		frames->many = s->count > 1;
	}
	return 0;
}

int source_live_step(struct source_live *s, int timeout_ms)
{
	size_t live;

	if (*s->parts.stop || !is_watching(s, &live))
		return 0;
	poll(s->fds, live, timeout_ms < POLL_MS ? timeout_ms : POLL_MS);
	for (size_t i = 0; i < s->count && !is_stopped(s); i++)
		read_device(s, &s->devices[i]);
	look_at_quiet_flows(s);
	flow_table_flush(s->parts.flows);
	check_devices(s);
	return 1;
}

bool source_live_finish(struct source_live *s)
{
	for (size_t i = 0; i < s->count; i++)
		live_device_count_drops(&s->devices[i].live, s->parts.ledger);
	return false;
}
