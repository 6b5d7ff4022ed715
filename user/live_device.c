/* SPDX-License-Identifier: BSD-2-Clause */
#include "live_device.h"

#include <errno.h>
#include <net/if.h>
#include <stdio.h>

#include "interface.h"
#include "log.h"

#define READ_MS 100

/* An interface that is on its way: asked again a moment later. */
static bool is_coming(int status)
{
	return status == PCAP_ERROR_NO_SUCH_DEVICE || status == PCAP_ERROR_IFACE_NOT_UP;
}

static int refuse(const struct live_device *d, int status)
{
	const char *mend = status == PCAP_ERROR_PERM_DENIED      ? "run as root or with CAP_NET_RAW"
			   : status == PCAP_ERROR_NO_SUCH_DEVICE ? "`ip link` lists the interfaces"
								 : "`ip link` shows its state";
	const char *why = pcap_geterr(d->pcap);

	log_error("-i %s: %s; %s", d->name, *why ? why : pcap_statustostr(status), mend);
	return status == PCAP_ERROR_PERM_DENIED ? -EPERM : -ENODEV;
}

static int create(struct live_device *d, const struct config *config)
{
	char why[PCAP_ERRBUF_SIZE];

	d->pcap = pcap_create(d->name, why);
	if (!d->pcap) {
		log_error("-i %s: %s; `ip link` lists the interfaces", d->name, why);
		return -ENODEV;
	}
	pcap_set_snaplen(d->pcap, config->snaplen);
	pcap_set_promisc(d->pcap, config->promisc);
	pcap_set_timeout(d->pcap, READ_MS);
	pcap_set_buffer_size(d->pcap, d->ring_bytes);
	pcap_set_tstamp_precision(d->pcap, PCAP_TSTAMP_PRECISION_NANO);
	return 0;
}

static int set_direction(struct live_device *d, const struct config *config)
{
	static const struct {
		const char *name;
		pcap_direction_t libpcap;
	} ways[] = {
		[DIRECTION_IN] = { "in", PCAP_D_IN },
		[DIRECTION_OUT] = { "out", PCAP_D_OUT },
	};

	if (config->direction == DIRECTION_BOTH ||
	    !pcap_setdirection(d->pcap, ways[config->direction].libpcap))
		return 0;
	log_error("-i %s: --direction %s: %s; leave it out, or take --hook tc", d->name,
		  ways[config->direction].name, pcap_geterr(d->pcap));
	return -EOPNOTSUPP;
}

/* What tells whether a frame comes in or goes out, where its link header does not say so. */
static void set_way(struct live_device *d, const struct config *config)
{
	d->frames.all_out = config->direction == DIRECTION_OUT;
	d->frames.has_mac = config->direction == DIRECTION_BOTH &&
			    interface_link_address(d->name, d->frames.mac);
}

/* What follows the activation. */
static int prepare(struct live_device *d, const struct config *config)
{
	char why[PCAP_ERRBUF_SIZE];
	int err;

	if (pcap_setnonblock(d->pcap, 1, why) < 0)
		return refuse(d, PCAP_ERROR);
	err = set_direction(d, config);
	if (!err)
		err = frame_reader_begin(&d->frames, d->pcap, d->name, config->filter);
	if (!err)
		set_way(d, config);
	if (!err && !config->quiet)
		interface_warn_of_offloads(d->name);
	return err;
}

static int activate(struct live_device *d, unsigned int index, const struct config *config,
		    bool back)
{
	int status = pcap_activate(d->pcap);
	unsigned int now;

	if (status < 0)
		return back && is_coming(status) ? -EAGAIN : refuse(d, status);
	now = index ? if_nametoindex(d->name) : 0;
	if (now && now != index)
		return -EAGAIN;
	return prepare(d, config);
}

static int open_device(struct live_device *d, unsigned int index, const struct config *config,
		       bool back)
{
	int err = create(d, config);

	if (err)
		return err;
	err = activate(d, index, config, back);
	if (err)
		live_device_close(d);
	return err;
}

int live_device_open(struct live_device *d, const char *name, unsigned int index,
		     const struct config *config, bool back)
{
	live_device_rename(d, name);
	return open_device(d, index, config, back);
}

void live_device_rename(struct live_device *d, const char *name)
{
	snprintf(d->name, sizeof(d->name), "%s", name);
}

void live_device_close(struct live_device *d)
{
	if (!d->pcap)
		return;
	frame_reader_end(&d->frames);
	pcap_close(d->pcap);
	d->pcap = NULL;
	d->dropped = 0;
}

void live_device_count_drops(struct live_device *d, struct ledger *ledger)
{
	struct pcap_stat stat;
	uint32_t more;

	if (!d->pcap || pcap_stats(d->pcap, &stat) < 0)
		return;
	more = stat.ps_drop - d->dropped;
	d->dropped = stat.ps_drop;
	ledger_add(ledger, COUNTER_SEEN, more);
	ledger_add(ledger, COUNTER_LOST_CAPTURE_BUFFER, more);
}

void live_device_say_lost(const struct live_device *d, unsigned int index)
{
	const char *why = pcap_geterr(d->pcap);

	if (!index)
		log_warning("%s: %s; no longer watched", d->name, why);
	else if (if_nametoindex(d->name) == index)
		log_warning("%s: %s; opening it again", d->name, why);
}
