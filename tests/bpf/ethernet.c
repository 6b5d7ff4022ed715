/* SPDX-License-Identifier: BSD-2-Clause */
#include "ethernet.h"

#include <pcap/pcap.h>
#include <string.h>
#include <sys/time.h>

#include "link.h"
#include "meter/wire.h"

#define HEADER  14u
#define SNAPLEN 262144

/* The kernel's clock does not run backwards; a little disorder is what several CPUs make. */
#define MAX_BACK_S 1

struct writer {
	struct timeval newest;
	pcap_dumper_t *to;
	link_reader link; /* NULL: Ethernet as it is */
	uint32_t min, max;
	struct ethernet_counts *counts;
};

static uint16_t type_of(const struct link_start *start, const uint8_t *bytes, uint32_t left)
{
	if (start->next == PARSE_TYPE)
		return start->type;
	return left && bytes[0] >> 4 == 6 ? ETHERTYPE_IPV6 : ETHERTYPE_IPV4;
}

static void raise_time(struct writer *w, struct timeval *time)
{
	if (time->tv_sec < w->newest.tv_sec - MAX_BACK_S) {
		*time = w->newest;
		w->counts->raised++;
	} else if (timercmp(time, &w->newest, >)) {
		w->newest = *time;
	}
}

static void write_frame(struct writer *w, struct pcap_pkthdr *h, const uint8_t *bytes)
{
	if (h->caplen < w->min || !h->caplen) {
		w->counts->shorter++;
	} else if (h->caplen > w->max) {
		w->counts->longer++;
	} else {
		w->counts->written++;
		raise_time(w, &h->ts);
		pcap_dump((u_char *)w->to, h, bytes);
	}
}

/* What follows the link header, behind an Ethernet header made for it. */
static void write_converted(struct writer *w, const struct pcap_pkthdr *h, const uint8_t *bytes)
{
	static uint8_t frame[HEADER + SNAPLEN];
	struct pcap_pkthdr head = *h;
	struct link_start start = { 0 };
	uint32_t left;
	uint16_t type;

	w->link(bytes, h->caplen, &start);
	if (start.next >= PARSE_REFUSED || start.next == PARSE_LINK || start.offset > h->caplen) {
		w->counts->refused++;
		return;
	}
	left = h->caplen - start.offset;
	type = type_of(&start, bytes + start.offset, left);
	memset(frame, 2, HEADER - 2);
	frame[HEADER - 2] = type >> 8;
	frame[HEADER - 1] = type;
	memcpy(frame + HEADER, bytes + start.offset, left);
	head.caplen = HEADER + left;
	head.len = HEADER + (h->len > start.offset ? h->len - start.offset : 0);
	if (head.len < head.caplen)
		head.len = head.caplen;
	write_frame(w, &head, frame);
}

int ethernet_convert(const char *from, const char *to, uint32_t min, uint32_t max,
		     struct ethernet_counts *counts)
{
	char why[PCAP_ERRBUF_SIZE];
	pcap_t *in = pcap_open_offline_with_tstamp_precision(from, PCAP_TSTAMP_PRECISION_NANO, why);
	pcap_t *dead = pcap_open_dead_with_tstamp_precision(DLT_EN10MB, SNAPLEN,
							    PCAP_TSTAMP_PRECISION_NANO);
	struct writer w = { .min = min, .max = max, .counts = counts };
	struct pcap_pkthdr *h;
	const u_char *bytes;

	*counts = (struct ethernet_counts){ 0 };
	if (in && pcap_datalink(in) != DLT_EN10MB)
		w.link = link_reader_of(pcap_datalink(in));
	if (in && (w.link || pcap_datalink(in) == DLT_EN10MB))
		w.to = pcap_dump_open(dead, to);
	while (w.to && pcap_next_ex(in, &h, &bytes) == 1) {
		if (w.link)
			write_converted(&w, h, bytes);
		else
			write_frame(&w, h, bytes);
	}
	if (w.to)
		pcap_dump_close(w.to);
	pcap_close(dead);
	if (in)
		pcap_close(in);
	return counts->written ? 0 : -1;
}
