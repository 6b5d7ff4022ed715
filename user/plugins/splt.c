/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The sequence of directions, sizes and gaps of a flow's first packets: packets=N (20), and
 * size=link, ip, transport or payload for what a size is (link). Columns are those of --splt, under
 * names of their own; weir's are faster, these show how such columns are made.
 */
#include "plugin_options.h"
#include "plugin_text.h"

#define DEFAULT_PACKETS 20
#define MAX_PACKETS     65535
#define NS_PER_MS       1000000u

enum layer { LAYER_LINK, LAYER_IP, LAYER_TRANSPORT, LAYER_PAYLOAD };

static const char *const layer_names[] = { "link", "ip", "transport", "payload", NULL };

struct splt {
	uint64_t packets;
	unsigned int layer;
};

struct entry {
	uint64_t gap_ms;
	uint32_t size; /* bytes */
	uint8_t direction;
};

struct splt_state {
	const char *directions, *sizes, *gaps; /* columns, from on_expire on */
	struct entry *entries;                 /* count of room */
	uint32_t count, room;
};

static const struct weir_plugin_column splt_columns[] = {
	{ "splt_plugin_direction", "",
	  "0 source, 1 destination, for each of the first packets; -1 none", WEIR_STORE_STRING,
	  offsetof(struct splt_state, directions) },
	{ "splt_plugin_ps", "bytes", "size of each of the first packets; -1 none",
	  WEIR_STORE_STRING, offsetof(struct splt_state, sizes) },
	{ "splt_plugin_piat_ms", "ms",
	  "time since the packet before, for each of the first packets; -1 none", WEIR_STORE_STRING,
	  offsetof(struct splt_state, gaps) },
};

static int splt_option(void *context, const struct weir_plugin_args *args,
		       const struct weir_plugin_option *o)
{
	struct splt *c = context;

	if (option_is(o, "packets"))
		return option_number(args, o, 1, MAX_PACKETS, &c->packets);
	if (option_is(o, "size"))
		return option_choice(args, o, layer_names, "link, ip, transport, payload",
				     &c->layer);
	return option_unknown(args, o, "packets, size");
}

static int splt_open(void **context, const struct weir_plugin_args *args)
{
	const struct splt defaults = { .packets = DEFAULT_PACKETS };
	int err = options_open(context, args, &defaults, sizeof(defaults), splt_option);

	if (!err)
		*args->packets = ((const struct splt *)*context)->packets;
	return err;
}

static uint32_t size_of(const struct weir_packet *p, unsigned int layer)
{
	switch (layer) {
	case LAYER_IP: return p->ip_length;
	case LAYER_TRANSPORT: return p->transport_length;
	case LAYER_PAYLOAD: return p->payload_length;
	default: return p->length;
	}
}

static int append(struct splt_state *s, const struct entry *entry)
{
	if (s->count == s->room) {
		uint32_t room = s->room ? s->room * 2 : 4;
		struct entry *grown = reallocarray(s->entries, room, sizeof(*grown));

		if (!grown)
			return -ENOMEM;
		s->entries = grown;
		s->room = room;
	}
	s->entries[s->count++] = *entry;
	return 0;
}

/* A super-packet is its segments: those before the last one are longer, and none waits. */
static int splt_packet(void *context, void *state, const struct weir_packet *packet,
		       struct weir_flow *flow)
{
	const struct splt *c = context;
	struct splt_state *s = state;
	struct entry entry;
	uint32_t last;
	int err = 0;

	(void)flow;
	if (!packet)
		return 0;
	last = size_of(packet, c->layer);
	entry = (struct entry){
		.gap_ms = packet->delta_ns / NS_PER_MS,
		.direction = packet->direction,
	};
	for (uint32_t i = 0; i < packet->segments && s->count < c->packets && !err; i++) {
		entry.size = last;
		if (i + 1 < packet->segments && last)
			entry.size += packet->full_length - packet->length;
		err = append(s, &entry);
		entry.gap_ms = 0;
	}
	return err;
}

enum part { PART_DIRECTION, PART_SIZE, PART_GAP };

static const char *list_of(const struct splt_state *s, uint64_t length, enum part part)
{
	struct text t = { 0 };

	text_add(&t, "[");
	for (uint64_t i = 0; i < length; i++) {
		if (i)
			text_add(&t, ", ");
		if (i >= s->count)
			text_add(&t, "-1");
		else
			text_add_number(&t, part == PART_DIRECTION ? s->entries[i].direction
					    : part == PART_SIZE    ? s->entries[i].size
								   : s->entries[i].gap_ms);
	}
	text_add(&t, "]");
	return text_take(&t);
}

static int splt_expire(void *context, void *state, struct weir_flow *flow)
{
	const struct splt *c = context;
	struct splt_state *s = state;

	(void)flow;
	s->directions = list_of(s, c->packets, PART_DIRECTION);
	s->sizes = list_of(s, c->packets, PART_SIZE);
	s->gaps = list_of(s, c->packets, PART_GAP);
	return s->directions && s->sizes && s->gaps ? 0 : -ENOMEM;
}

static void splt_release(void *context, void *state)
{
	struct splt_state *s = state;

	(void)context;
	free((char *)s->directions);
	free((char *)s->sizes);
	free((char *)s->gaps);
	free(s->entries);
}

const struct weir_plugin weir_plugin = {
	.abi = WEIR_PLUGIN_ABI,
	.packets = DEFAULT_PACKETS,
	.name = "splt",
	.version = "1",
	.flow_size = sizeof(struct splt_state),
	.column_count = sizeof(splt_columns) / sizeof(splt_columns[0]),
	.columns = splt_columns,
	.open = splt_open,
	.on_init = splt_packet,
	.on_update = splt_packet,
	.on_expire = splt_expire,
	.on_release = splt_release,
	.cleanup = free,
};
