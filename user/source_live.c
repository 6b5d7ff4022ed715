/* SPDX-License-Identifier: BSD-2-Clause */
#include "source_live.h"

#include <errno.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <pcap/pcap.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "frame_reader.h"
#include "log.h"

#define POLL_MS     100
#define BATCH       4096
#define BUFFER_SIZE (32 << 20) /* bytes of the kernel's ring: a burst of some 20,000 packets */
#define NS_PER_S    1000000000ull

struct device {
	const char *name; /* borrowed from the config */
	pcap_t *pcap;     /* NULL: gone */
	struct frame_reader frames;
	struct source_live *source;
	uint64_t dropped; /* as far as it is in the ledger */
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
};

static uint64_t monotonic_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * NS_PER_S + now.tv_nsec;
}

static bool ethtool_is_on(int fd, const char *name, uint32_t command)
{
	struct ethtool_value value = { .cmd = command };
	struct ifreq request = { .ifr_data = (char *)&value };

	strncpy(request.ifr_name, name, IFNAMSIZ - 1);
	return ioctl(fd, SIOCETHTOOL, &request) == 0 && value.data;
}

/* Super-packets reach libpcap without their segment size. */
static void warn_of_offloads(const char *name)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return;
	if (ethtool_is_on(fd, name, ETHTOOL_GGRO) || ethtool_is_on(fd, name, ETHTOOL_GTSO))
		log_warning(
			"%s: offloads join packets before they are captured, so fewer and larger "
			"ones are counted; for wire counts: ethtool -K %s gro off gso off tso off",
			name, name);
	close(fd);
}

/* libpcap looks at it when it reads, so nothing slips in before. */
static int set_direction(struct device *d, enum config_direction direction)
{
	static const pcap_direction_t directions[] = {
		[DIRECTION_BOTH] = PCAP_D_INOUT,
		[DIRECTION_IN] = PCAP_D_IN,
		[DIRECTION_OUT] = PCAP_D_OUT,
	};

	return pcap_setdirection(d->pcap, directions[direction]);
}

static int refuse_device(const struct device *d, int status)
{
	const char *mend = status == PCAP_ERROR_PERM_DENIED      ? "run as root or with CAP_NET_RAW"
			   : status == PCAP_ERROR_NO_SUCH_DEVICE ? "`ip link` lists the interfaces"
								 : "`ip link` shows its state";
	const char *why = pcap_geterr(d->pcap);

	log_error("-i %s: %s; %s", d->name, *why ? why : pcap_statustostr(status), mend);
	return status == PCAP_ERROR_PERM_DENIED ? -EPERM : -ENODEV;
}

static int open_device(struct device *d, const struct config *config)
{
	char why[PCAP_ERRBUF_SIZE];
	int status;

	d->pcap = pcap_create(d->name, why);
	if (!d->pcap) {
		log_error("-i %s: %s; `ip link` lists the interfaces", d->name, why);
		return -ENODEV;
	}
	pcap_set_snaplen(d->pcap, config->snaplen);
	pcap_set_promisc(d->pcap, config->promisc);
	pcap_set_timeout(d->pcap, POLL_MS);
	pcap_set_buffer_size(d->pcap, BUFFER_SIZE);
	pcap_set_tstamp_precision(d->pcap, PCAP_TSTAMP_PRECISION_NANO);
	status = pcap_activate(d->pcap);
	if (status < 0)
		return refuse_device(d, status);
	if (set_direction(d, config->direction) < 0 || pcap_setnonblock(d->pcap, 1, why) < 0)
		return refuse_device(d, PCAP_ERROR);
	if (!config->quiet)
		warn_of_offloads(d->name);
	return frame_reader_begin(&d->frames, d->pcap, d->name, config->filter);
}

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
		s->devices[s->count].name = config->interfaces.items[s->count];
		s->devices[s->count].source = s;
		err = open_device(&s->devices[s->count], config);
	}
	if (err) {
		source_live_close(s);
		return err;
	}
	*out = s;
	return 0;
}

static void close_device(struct device *d)
{
	if (!d->pcap)
		return;
	frame_reader_end(&d->frames);
	pcap_close(d->pcap);
	d->pcap = NULL;
}

void source_live_close(struct source_live *s)
{
	if (!s)
		return;
	for (size_t i = 0; i < s->count; i++)
		close_device(&s->devices[i]);
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

	frame_reader_packet(&d->frames, h, bytes);
	if (now > d->source->packet_ns) {
		d->source->packet_ns = now;
		d->source->packet_mono_ns = 0; /* read the clock once a batch */
	}
	if (is_done(d->source))
		pcap_breakloop(d->pcap);
}

/* The kernel counts what its ring had no room for in seen packets too. */
static void count_drops(struct device *d, struct ledger *ledger)
{
	struct pcap_stat stat;
	uint64_t more;

	if (!d->pcap || pcap_stats(d->pcap, &stat) < 0)
		return;
	more = (uint32_t)(stat.ps_drop - (uint32_t)d->dropped);
	d->dropped += more;
	ledger_add(ledger, COUNTER_SEEN, more);
	ledger_add(ledger, COUNTER_LOST_CAPTURE_BUFFER, more);
}

static void read_device(struct source_live *s, struct device *d)
{
	if (!d->pcap || pcap_dispatch(d->pcap, BATCH, on_packet, (u_char *)d) != PCAP_ERROR)
		return;
	count_drops(d, s->ledger);
	log_warning("%s: %s; no longer watched", d->name, pcap_geterr(d->pcap));
	close_device(d);
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

static size_t watched(const struct source_live *s, struct pollfd *fds)
{
	size_t live = 0;

	for (size_t i = 0; i < s->count; i++)
		if (s->devices[i].pcap)
			fds[live++] = (struct pollfd){
				.fd = pcap_get_selectable_fd(s->devices[i].pcap),
				.events = POLLIN,
			};
	return live;
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
	for (size_t i = 0; i < s->count; i++) {
		s->devices[i].frames.meter_config = meter_config;
		s->devices[i].frames.meter = meter;
		s->devices[i].frames.ledger = ledger;
		s->devices[i].frames.interface = s->count > 1 ? i + 1 : 0;
	}
	while (!is_done(s) && (live = watched(s, fds))) {
		poll(fds, live, POLL_MS);
		for (size_t i = 0; i < s->count; i++)
			read_device(s, &s->devices[i]);
		look_at_quiet_flows(s, meter);
		flow_table_flush(flows);
		tick(context);
	}
	for (size_t i = 0; i < s->count; i++)
		count_drops(&s->devices[i], ledger);
	free(fds);
	return 0;
}
