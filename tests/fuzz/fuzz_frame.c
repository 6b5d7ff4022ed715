/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Frames of every link type, each in a block of its exact size, through the link readers, the
 * meter, the flow table, nDPI and all columns: what fuzz_pcap runs, but for the file, whose buffer
 * would hide a read past a frame. Dissector and outputs serve all inputs; flows live in one.
 */
#include <pcap/dlt.h>
#include <stdbool.h>

#include "dissect.h"
#include "exporter.h"
#include "flow_table.h"
#include "frame_reader.h"
#include "host_meter.h"
#include "record.h"
#include "support.h"

#define MAX_FRAMES 64
#define SECOND     1000000000ull

static const int link_types[] = {
	DLT_EN10MB,     DLT_RAW, DLT_NULL,       DLT_LOOP,   DLT_LINUX_SLL,
	DLT_LINUX_SLL2, DLT_PPP, DLT_PPP_SERIAL, DLT_C_HDLC, DLT_IEEE802_11_RADIO,
};

static struct columns columns;
static struct ledger exported;
static struct dissector *dissector;
static struct exporters *exporters;

static struct config make_config(uint8_t mode)
{
	return (struct config){
		.idle_ns = mode & 4 ? SECOND : 30 * SECOND,
		.active_ns = mode & 4 ? 3 * SECOND : 300 * SECOND,
		.tunnels = (1u << TUNNEL_TYPES) - 1,
		.accounting = mode & 3,
		.tcp_end = mode & 8,
		.max_flows = mode & 0x10 ? 2 : 0,
		.max_tcp_dissections = 10,
		.max_udp_dissections = 16,
		.dissect = true,
		.stats = true,
		.splt = 20,
		.profile = PROFILE_ALL,
		.probe_name = "fuzz",
		.quiet = true,
	};
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	static char *outputs[] = { "json:/dev/null" };
	static struct config config;
	struct exporters_parts parts;
	const struct dissect_config limits = { .max_tcp = 10, .max_udp = 16, .max_other = 1 };

	(void)argc;
	(void)argv;
	support_silence();
	config = make_config(0);
	config.outputs = (struct string_list){ .items = outputs, .count = 1 };
	require(columns_select(&columns, &config, NULL, 0) == 0);
	parts = (struct exporters_parts){
		.config = &config,
		.columns = &columns,
		.ledger = &exported,
	};
	require(exporters_open(&exporters, &parts) == 0);
	require(exporters_begin(exporters) == 0);
	dissector = dissector_new(&limits);
	require(dissector != NULL);
	return 0;
}

static uint64_t sum(const struct ledger *l, const char *group)
{
	uint64_t total = 0;

	for (int i = 0; i < COUNTERS; i++)
		if (!strcmp(counter_table[i].group, group))
			total += l->value[i];
	return total;
}

static void check_ledger(const struct ledger *l, uint64_t frames)
{
	require(l->value[COUNTER_SEEN] == frames);
	require(frames == l->value[COUNTER_METERED] + sum(l, "ignored"));
	require(!sum(l, "lost") && !l->value[COUNTER_FILTERED]);
	require(!l->value[COUNTER_MISSED_COPIES] && !l->value[COUNTER_UNEXPORTED]);
	require(l->value[COUNTER_FLOWS] == sum(l, "ended"));
	require(!l->value[COUNTER_FLOWS] == !l->value[COUNTER_METERED]);
}

/* 16 bits captured length, 8 of the frame's surplus, a time step, the bytes. */
static void take_frame(struct input *in, struct frame_reader *reader, uint64_t *now)
{
	uint16_t captured = input_u16(in) % 2048;
	uint8_t surplus = input_u8(in), step = input_u8(in);
	struct pcap_pkthdr header;
	size_t length;
	uint8_t *bytes = input_block(in, captured, &length);

	*now += step & 0x80 ? -(1ull << (step & 31)) : 1ull << (step & 63) % 40;
	header.ts.tv_sec = *now / SECOND;
	header.ts.tv_usec = *now % SECOND;
	header.caplen = length;
	header.len = length + (surplus == 0xff ? 70000 : surplus);
	frame_reader_packet(reader, &header, bytes);
	free(bytes);
}

static uint64_t take_frames(struct input *in, struct frame_reader *reader)
{
	uint64_t now = 1000000000 * SECOND, frames = 0;

	for (; in->left && frames < MAX_FRAMES; frames++)
		take_frame(in, reader, &now);
	return frames;
}

static struct meter_config make_meter(const struct config *config)
{
	struct meter_config meter = {
		.idle_ns = config->idle_ns,
		.active_ns = config->active_ns,
		.tunnels = config->tunnels,
		.accounting = config->accounting,
		.stats = true,
		.tcp = true,
		.tcp_end = config->tcp_end,
	};

	const struct flow_table_parts parts = {
		.config = config,
		.columns = &columns,
		.dissector = dissector,
	};

	flow_table_first_packets(&parts, &meter);
	return meter;
}

static void run(const struct config *config, link_reader link, struct input *in)
{
	struct ledger ledger = { 0 };
	const struct flow_table_parts parts = {
		.config = config,
		.columns = &columns,
		.dissector = dissector,
		.sink = exporters_sink(exporters),
		.ledger = &ledger,
	};
	struct flow_table *flows = flow_table_new(&parts);
	struct meter_config meter = make_meter(config);
	struct frame_reader reader = {
		.meter_config = &meter,
		.meter = host_meter_new(&meter, config->max_flows, flows, &ledger),
		.ledger = &ledger,
		.link = link,
	};
	uint64_t frames = take_frames(in, &reader);

	host_meter_end_all(reader.meter, FLOW_END_FORCED);
	require(!host_meter_flows(reader.meter) && !flow_table_error(flows));
	host_meter_free(reader.meter);
	flow_table_free(flows);
	check_ledger(&ledger, frames);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	struct config config = make_config(input_u8(&in));
	uint8_t type = input_u8(&in) % (sizeof(link_types) / sizeof(link_types[0]));

	run(&config, link_reader_of(link_types[type]), &in);
	return 0;
}
