/* SPDX-License-Identifier: BSD-2-Clause */
#include "frame_reader.h"

#include <errno.h>
#include <string.h>

#include "filter.h"
#include "log.h"
#include "meter/parse.h"

#define NS_PER_S 1000000000ull

static int prepare_link(struct frame_reader *r, pcap_t *pcap, const char *name)
{
	int dlt = pcap_datalink(pcap);
	const char *dlt_name = pcap_datalink_val_to_name(dlt);

	r->link = link_reader_of(dlt);
	if (r->link)
		return 0;
	log_error("%s: link type %d (%s) is not known; weir reads %s", name, dlt,
		  dlt_name ? dlt_name : "no name", link_names());
	return -EPROTONOSUPPORT;
}

int frame_reader_begin(struct frame_reader *r, pcap_t *pcap, const char *name, const char *filter)
{
	int err = prepare_link(r, pcap, name);

	r->filtered = filter && *filter;
	if (!err && r->filtered)
		err = filter_compile(pcap, filter, &r->filter);
	if (err)
		r->filtered = false;
	return err;
}

void frame_reader_end(struct frame_reader *r)
{
	if (r->filtered)
		pcap_freecode(&r->filter);
	r->filtered = false;
}

/* Packet time of a hostile file must not wrap. */
static uint64_t time_ns(const struct timeval *ts)
{
	uint64_t seconds = ts->tv_sec < 0 ? 0 : ts->tv_sec;
	uint64_t limit = UINT64_MAX / NS_PER_S - 8;

	return (seconds < limit ? seconds : limit) * NS_PER_S + (uint32_t)ts->tv_usec;
}

static bool goes_out(const struct frame_reader *r, const struct link_start *start)
{
	if (r->all_out || start->outgoing)
		return true;
	return r->has_mac && start->mac && !memcmp(start->mac + 6, r->mac, sizeof(r->mac));
}

static void note_place(const struct frame_reader *r, const struct link_start *start,
		       struct packet *p)
{
	p->place = r->number ? METER_PLACE(r->number, goes_out(r, start)) : 0;
	p->key.interface = r->many && !r->dedup ? r->number : 0;
	if (r->dedup && !p->key.vlan_id)
		p->key.vlan_id = r->vlan_id;
}

static void meter_frame(struct frame_reader *r, const struct pcap_pkthdr *h, const uint8_t *bytes)
{
	struct link_start start = { 0 };
	struct parser parser;
	struct frame frame;
	struct window window;
	enum parse_status status;
	uint32_t left, ip;

	r->link(bytes, h->caplen, &start);
	if (start.next >= PARSE_REFUSED) {
		ledger_add(r->ledger, start.ignored, 1);
		return;
	}
	left = h->caplen > start.offset ? h->caplen - start.offset : 0;
	window.bytes = bytes + (left ? start.offset : 0);
	window.len = left < METER_WINDOW ? left : METER_WINDOW;
	parser_init(&parser, h->len > start.offset ? h->len - start.offset : 0,
		    r->meter_config->tunnels);
	parser.type = start.type;
	status = parse_packet(&window, &parser, start.next);
	if (status != PARSE_DONE) {
		ledger_add(r->ledger, counter_of_refusal(status), 1);
		return;
	}
	parser.pkt.time_ns = time_ns(&h->ts);
	parser.pkt.size[ACCOUNT_LINK] = h->len;
	note_place(r, &start, &parser.pkt);
	ip = parser.pkt.ip_offset;
	frame.ip = window.bytes + ip;
	frame.captured = left - ip;
	frame.mac = start.mac;
	host_meter_packet(r->meter, &parser.pkt, &frame);
}

void frame_reader_packet(struct frame_reader *r, const struct pcap_pkthdr *h, const uint8_t *bytes)
{
	ledger_add(r->ledger, COUNTER_SEEN, 1);
	if (r->filtered && !pcap_offline_filter(&r->filter, h, bytes))
		ledger_add(r->ledger, COUNTER_FILTERED, 1);
	else
		meter_frame(r, h, bytes);
}
