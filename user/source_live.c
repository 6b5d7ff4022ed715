/* SPDX-License-Identifier: BSD-2-Clause */
#include "source_live.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>

#include "clock.h"
#include "live_device.h"
#include "log.h"

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
	struct flow_table *flows;
	struct ledger *ledger;
	const volatile bool *stop;
	struct device *devices;
	size_t count;
	uint64_t packet_ns;      /* newest packet time */
	uint64_t packet_mono_ns; /* when that packet was read */
	uint64_t checked_ns;     /* monotonic */
};

int source_live_open(struct source_live **out, const struct config *config)
{
	struct source_live *s = calloc(1, sizeof(*s));
	int err = 0;

	*out = NULL;
	if (s)
		s->devices = calloc(config->interfaces.count, sizeof(*s->devices));
	if (!s || !s->devices) {
		free(s);
		log_error("out of memory at the start; free some");
		return -ENOMEM;
	}
	s->config = config;
	for (; s->count < config->interfaces.count && !err; s->count++) {
		struct device *d = &s->devices[s->count];

		d->source = s;
		err = live_device_open(&d->live, config->interfaces.items[s->count], config);
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
	free(s->devices);
	free(s);
}

static bool is_done(const struct source_live *s)
{
	return *s->stop || flow_table_error(s->flows) || flow_table_done(s->flows);
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
	if (is_done(d->source))
		pcap_breakloop(d->live.pcap);
}

static void read_device(struct source_live *s, struct device *d)
{
	pcap_t *pcap = d->live.pcap;

	if (pcap && pcap_dispatch(pcap, BATCH, on_packet, (u_char *)d) == PCAP_ERROR)
		live_device_lost(&d->live, s->ledger);
}

/*
 * On a silent wire packet time stands still, so it is carried on by the monotonic clock: a step of
 * the wall clock ends nobody's flow.
 */
static void look_at_quiet_flows(struct source_live *s, struct host_meter *meter)
{
	uint64_t now = monotonic_ns();

	if (!s->packet_mono_ns)
		s->packet_mono_ns = now;
	else if (s->packet_ns)
		host_meter_look(meter, s->packet_ns + (now - s->packet_mono_ns));
}

static void check_devices(struct source_live *s)
{
	uint64_t now = monotonic_ns();

	if (now - s->checked_ns < CHECK_NS)
		return;
	s->checked_ns = now;
	for (size_t i = 0; i < s->count; i++) {
		live_device_count_drops(&s->devices[i].live, s->ledger);
		live_device_check(&s->devices[i].live, s->config, s->ledger);
	}
}

/* Whether there is something to watch or to wait for; *live descriptors are to be polled. */
static bool is_watching(const struct source_live *s, struct pollfd *fds, size_t *live)
{
	bool watching = false;

	*live = 0;
	for (size_t i = 0; i < s->count; i++) {
		const struct live_device *d = &s->devices[i].live;

		watching |= d->pcap || d->index;
		if (d->pcap)
			fds[(*live)++] = (struct pollfd){
				.fd = pcap_get_selectable_fd(d->pcap),
				.events = POLLIN,
			};
	}
	return watching;
}

static void begin(struct source_live *s, const struct meter_config *meter_config,
		  struct host_meter *meter)
{
	for (size_t i = 0; i < s->count; i++) {
		struct frame_reader *frames = &s->devices[i].live.frames;

		frames->meter_config = meter_config;
		frames->meter = meter;
		frames->ledger = s->ledger;
		frames->interface = s->count > 1 ? i + 1 : 0;
	}
}

int source_live_run(struct source_live *s, const struct meter_config *meter_config,
		    struct host_meter *meter, struct flow_table *flows, struct ledger *ledger,
		    const volatile bool *stop, void (*tick)(void *), void *context)
{
	struct pollfd *fds = calloc(s->count, sizeof(*fds));
	size_t live;

	if (!fds)
		return -ENOMEM;
	s->flows = flows;
	s->ledger = ledger;
	s->stop = stop;
	begin(s, meter_config, meter);
	while (!is_done(s) && is_watching(s, fds, &live)) {
		poll(fds, live, POLL_MS);
		for (size_t i = 0; i < s->count; i++)
			read_device(s, &s->devices[i]);
		look_at_quiet_flows(s, meter);
		flow_table_flush(flows);
		check_devices(s);
		tick(context);
	}
	for (size_t i = 0; i < s->count; i++)
		live_device_count_drops(&s->devices[i].live, ledger);
	free(fds);
	return 0;
}
