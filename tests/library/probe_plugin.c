/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The plugin of the tests: columns say what it was shown. Options: cut=N ends a flow with its Nth
 * packet that was shown. PROBE_PACKETS, PROBE_ABI and PROBE_SYMBOL are compiled in.
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <weir/plugin.h>

#ifndef PROBE_PACKETS
#define PROBE_PACKETS WEIR_EVERY_PACKET
#endif
#ifndef PROBE_ABI
#define PROBE_ABI WEIR_PLUGIN_ABI
#endif
#ifndef PROBE_SYMBOL
#define PROBE_SYMBOL weir_plugin
#endif

struct probe {
	uint64_t cut;
};

struct shown {
	uint64_t packets, raw_bytes, merges, hash;
	uint32_t wrong; /* what the flow says of itself does not fit */
	char last_side[4];
};

static const struct weir_plugin_column columns[] = {
	{ "probe_packets", "packets", "shown", WEIR_STORE_U64, offsetof(struct shown, packets) },
	{ "probe_raw", "bytes", "shown", WEIR_STORE_U64, offsetof(struct shown, raw_bytes) },
	{ "probe_merges", "", "merges", WEIR_STORE_U64, offsetof(struct shown, merges) },
	{ "probe_hash", "", "of all bytes", WEIR_STORE_U64, offsetof(struct shown, hash) },
	{ "probe_wrong", "", "contradictions", WEIR_STORE_U32, offsetof(struct shown, wrong) },
	{ "probe_last", "", "side", WEIR_STORE_CHARS, offsetof(struct shown, last_side) },
};

static int open_probe(void **context, const struct weir_plugin_args *args)
{
	struct probe *p = calloc(1, sizeof(*p));

	*context = p;
	if (!p)
		return -ENOMEM;
	for (size_t i = 0; i < args->count; i++) {
		if (strcmp(args->options[i].key, "cut")) {
			strncpy(args->why, "knows only cut", args->why_size - 1);
			free(p);
			return -EINVAL;
		}
		p->cut = strtoull(args->options[i].value, NULL, 10);
	}
	return 0;
}

static void close_probe(void *context)
{
	free(context);
}

/* FNV-1a */
static uint64_t hash_bytes(uint64_t hash, const uint8_t *bytes, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++)
		hash = (hash ^ bytes[i]) * 0x100000001b3ull;
	return hash;
}

static int on_packet(void *context, void *state, const struct weir_packet *packet,
		     struct weir_flow *flow)
{
	const struct probe *p = context;
	struct shown *s = state;

	if (!packet) {
		s->merges++;
		s->wrong += flow->packets[0] + flow->packets[1] <= s->packets;
		return 0;
	}
	s->packets += packet->segments;
	s->raw_bytes += packet->capture_length;
	s->hash = hash_bytes(s->hash, packet->raw, packet->capture_length);
	s->wrong += flow->packets[0] + flow->packets[1] != s->packets;
	s->wrong += packet->time_ns != flow->last_ns;
	strcpy(s->last_side, packet->direction ? "dst" : "src");
	if (s->packets == p->cut)
		flow->expiration_id = -1;
	return 0;
}

__attribute__((visibility("default"))) const struct weir_plugin PROBE_SYMBOL = {
	.abi = PROBE_ABI,
	.packets = PROBE_PACKETS,
	.name = "probe",
	.version = "1",
	.flow_size = sizeof(struct shown),
	.column_count = sizeof(columns) / sizeof(columns[0]),
	.columns = columns,
	.open = open_probe,
	.on_init = on_packet,
	.on_update = on_packet,
	.cleanup = close_probe,
};
