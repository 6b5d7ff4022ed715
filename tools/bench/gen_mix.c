// SPDX-License-Identifier: BSD-2-Clause
/*
 * Owns the mix capture: recorded captures merged many times, each time (a round) with other hosts
 * and another start. Invariant: packets of one source in one round keep their order and, unless a
 * gap was squeezed, their distance; round 0 keeps the recorded addresses.
 */
#include "benchgen.h"

#include <errno.h>
#include <pcap/pcap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture_out.h"
#include "random.h"
#include "readdress.h"

#define FRAME_SHORTEST 14
#define FRAME_LONGEST  9018 /* a jumbo frame */
#define USEC_PER_SEC   1000000ULL
#define GAP_MAX_US     (15 * USEC_PER_SEC)  /* longer silence inside a source is squeezed to this */
#define SPAN_MAX_US    (300 * USEC_PER_SEC) /* longer sources are scaled down to this */

struct packet {
	uint8_t *data; /* owned */
	uint32_t caplen;
	uint32_t wirelen;
	uint64_t time_us; /* since the source's first packet */
};

struct source {
	struct packet *packets; /* owned */
	uint32_t count;
};

struct source_set {
	struct source *sources; /* owned */
	uint32_t count;
	uint64_t packets; /* of one round */
};

struct event {
	uint64_t time_us;
	uint32_t round;
	uint32_t source;
	uint32_t packet;
};

static void source_free(struct source *src)
{
	for (uint32_t i = 0; i < src->count; i++)
		free(src->packets[i].data);
	free(src->packets);
}

static void source_set_free(struct source_set *set)
{
	for (uint32_t i = 0; i < set->count; i++)
		source_free(&set->sources[i]);
	free(set->sources);
}

static int source_add(struct source *src, const struct pcap_pkthdr *hdr, const uint8_t *data,
		      uint64_t time_us)
{
	struct packet *pkt = &src->packets[src->count];

	pkt->data = malloc(hdr->caplen);
	if (!pkt->data)
		return -ENOMEM;
	memcpy(pkt->data, data, hdr->caplen);
	pkt->caplen = hdr->caplen;
	pkt->wirelen = hdr->len < hdr->caplen ? hdr->caplen : hdr->len;
	pkt->time_us = time_us;
	src->count++;
	return 0;
}

static int source_read(struct source *src, pcap_t *pcap, uint32_t limit, const char *path)
{
	uint64_t last_us = 0, now_us = 0, gap_us;
	struct pcap_pkthdr *hdr;
	const uint8_t *data;
	int rc = 0;

	while (src->count < limit && (rc = pcap_next_ex(pcap, &hdr, &data)) == 1) {
		uint64_t stamp_us = (uint64_t)hdr->ts.tv_sec * USEC_PER_SEC + hdr->ts.tv_usec;

		if (hdr->caplen < FRAME_SHORTEST || hdr->caplen > FRAME_LONGEST)
			continue;
		if (!src->count)
			last_us = stamp_us;
		gap_us = stamp_us > last_us ? stamp_us - last_us : 0;
		now_us += gap_us < GAP_MAX_US ? gap_us : GAP_MAX_US;
		last_us += gap_us;
		if (source_add(src, hdr, data, now_us))
			return -ENOMEM;
	}
	if (rc == PCAP_ERROR)
		fprintf(stderr, "benchgen: %s: only %u packets read: %s\n", path, src->count,
			pcap_geterr(pcap));
	return 0;
}

/* Leaves src empty when the capture has no Ethernet frames. */
static int source_open(struct source *src, const char *path, uint32_t limit)
{
	char errbuf[PCAP_ERRBUF_SIZE];
	pcap_t *pcap = pcap_open_offline(path, errbuf);
	int rc = 0;

	if (!pcap) {
		fprintf(stderr, "benchgen: cannot read a source: %s: mend the list\n", errbuf);
		return -EINVAL;
	}
	if (pcap_datalink(pcap) != DLT_EN10MB) {
		fprintf(stderr, "benchgen: %s: not Ethernet: left out\n", path);
		goto out;
	}
	src->packets = calloc(limit, sizeof(*src->packets));
	rc = src->packets ? source_read(src, pcap, limit, path) : -ENOMEM;
out:
	pcap_close(pcap);
	return rc;
}

static int source_set_open(struct source_set *set, const struct bench_args *args)
{
	uint32_t paths = 0;

	while (args->sources[paths])
		paths++;
	set->sources = calloc(paths + 1, sizeof(*set->sources));
	if (!set->sources)
		return -ENOMEM;
	for (uint32_t i = 0; i < paths; i++) {
		struct source *src = &set->sources[set->count];
		int rc = source_open(src, args->sources[i], args->per_source);

		if (rc) {
			source_free(src);
			return rc;
		}
		set->packets += src->count;
		if (src->count)
			set->count++;
		else
			source_free(src);
	}
	if (set->packets)
		return 0;
	fprintf(stderr, "benchgen: mix: no packet in any source: name Ethernet captures\n");
	return -ENODATA;
}

static uint64_t start_of(const struct bench_args *args, uint32_t round, uint32_t source)
{
	uint64_t number = args->seed * 1000003 + round * 65537ULL + source;

	return random_hash(number) % (args->duration_s * USEC_PER_SEC);
}

static uint16_t mask_of(const struct bench_args *args, const struct event *ev)
{
	uint64_t number = args->seed * 7919 + ev->round * 1000003ULL + ev->source;
	uint16_t mask = (uint16_t)random_hash(number);

	return mask ? mask : 1;
}

static uint64_t scaled(uint64_t time_us, uint64_t span_us)
{
	if (span_us <= SPAN_MAX_US)
		return time_us;
	return (uint64_t)((unsigned __int128)time_us * SPAN_MAX_US / span_us);
}

static uint64_t schedule_source(struct event *events, uint64_t room, const struct event *first,
				const struct source *src)
{
	uint64_t span_us = src->packets[src->count - 1].time_us;
	uint32_t i;

	for (i = 0; i < src->count && i < room; i++) {
		events[i] = *first;
		events[i].packet = i;
		events[i].time_us += scaled(src->packets[i].time_us, span_us);
	}
	return i;
}

static void schedule(struct event *events, const struct source_set *set,
		     const struct bench_args *args)
{
	struct event first = { 0 };
	uint64_t n = 0;

	for (first.round = 0; n < args->count; first.round++)
		for (first.source = 0; first.source < set->count; first.source++) {
			first.time_us = start_of(args, first.round, first.source);
			n += schedule_source(events + n, args->count - n, &first,
					     &set->sources[first.source]);
		}
}

static int compare_u64(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

/* A total order, so that qsort() has one result only. */
static int compare_events(const void *left, const void *right)
{
	const struct event *a = left, *b = right;
	int order = compare_u64(a->time_us, b->time_us);

	if (!order)
		order = compare_u64(a->round, b->round);
	if (!order)
		order = compare_u64(a->source, b->source);
	return order ? order : compare_u64(a->packet, b->packet);
}

static void write_event(struct capture_out *out, const struct source_set *set,
			const struct bench_args *args, const struct event *ev)
{
	const struct packet *pkt = &set->sources[ev->source].packets[ev->packet];
	uint8_t frame[FRAME_LONGEST];

	memcpy(frame, pkt->data, pkt->caplen);
	if (ev->round)
		readdress(frame, pkt->caplen, mask_of(args, ev));
	capture_out_put(out, ev->time_us, frame, pkt->caplen, pkt->wirelen);
}

int gen_mix(struct capture_out *out, const struct bench_args *args)
{
	struct source_set set = { 0 };
	struct event *events = NULL;
	int rc = source_set_open(&set, args);

	if (rc)
		goto out;
	events = calloc(args->count, sizeof(*events));
	if (!events) {
		rc = -ENOMEM;
		goto out;
	}
	schedule(events, &set, args);
	qsort(events, args->count, sizeof(*events), compare_events);
	for (uint64_t i = 0; i < args->count; i++)
		write_event(out, &set, args, &events[i]);
	printf("sources %u packets-a-round %llu\n", set.count, (unsigned long long)set.packets);
out:
	free(events);
	source_set_free(&set);
	return rc;
}
