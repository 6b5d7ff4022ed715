/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Shannon entropy of each direction's payload, in bits a byte: 0 where all bytes are the same, 8
 * where all values are as frequent, as of encrypted or compressed data that is long enough.
 * packets=N looks at the first N packets, bytes=N at the first N bytes of each direction.
 */
#include <math.h>

#include "plugin_options.h"
#include "plugin_packet.h"

struct entropy {
	uint64_t packets; /* UINT32_MAX = every one */
	uint64_t bytes;   /* of a direction */
};

struct entropy_state {
	double bits[2];    /* by direction, as columns show them */
	uint64_t bytes[2]; /* counted */
	uint64_t *seen[2]; /* how often each of 256 values came; from the first payload on */
};

static const struct weir_plugin_column entropy_columns[] = {
	{ "entropy_src2dst", "bits", "entropy of a payload byte from the source", WEIR_STORE_DOUBLE,
	  offsetof(struct entropy_state, bits[0]) },
	{ "entropy_dst2src", "bits", "entropy of a payload byte from the destination",
	  WEIR_STORE_DOUBLE, offsetof(struct entropy_state, bits[1]) },
	{ "entropy_src2dst_bytes", "bytes", "payload bytes that entropy_src2dst is of",
	  WEIR_STORE_U64, offsetof(struct entropy_state, bytes[0]) },
	{ "entropy_dst2src_bytes", "bytes", "payload bytes that entropy_dst2src is of",
	  WEIR_STORE_U64, offsetof(struct entropy_state, bytes[1]) },
};

static int entropy_option(void *context, const struct weir_plugin_args *args,
			  const struct weir_plugin_option *o)
{
	struct entropy *e = context;

	if (option_is(o, "packets"))
		return option_number(args, o, 1, UINT32_MAX, &e->packets);
	if (option_is(o, "bytes"))
		return option_number(args, o, 1, UINT64_MAX, &e->bytes);
	return option_unknown(args, o, "packets, bytes");
}

static int entropy_open(void **context, const struct weir_plugin_args *args)
{
	const struct entropy defaults = { .packets = WEIR_EVERY_PACKET, .bytes = UINT64_MAX };
	int err = options_open(context, args, &defaults, sizeof(defaults), entropy_option);

	if (!err)
		*args->packets = ((const struct entropy *)*context)->packets;
	return err;
}

static int entropy_packet(void *context, void *state, const struct weir_packet *packet,
			  struct weir_flow *flow)
{
	const struct entropy *e = context;
	struct entropy_state *s = state;
	const uint8_t *payload;
	uint32_t length;
	uint8_t d;

	if (!packet || !packet_is_among(packet, flow, e->packets))
		return 0;
	payload = packet_payload(packet, &length);
	if (!payload)
		return 0;
	d = packet->direction & 1;
	if (length > e->bytes - s->bytes[d])
		length = e->bytes - s->bytes[d];
	if (!s->seen[d])
		s->seen[d] = calloc(256, sizeof(*s->seen[d]));
	if (!s->seen[d])
		return -ENOMEM;
	for (uint32_t i = 0; i < length; i++)
		s->seen[d][payload[i]]++;
	s->bytes[d] += length;
	return 0;
}

/* H = log2(n) - sum of c * log2(c) / n. */
static double entropy_of(const uint64_t *seen, uint64_t bytes)
{
	double sum = 0, bits;

	for (int i = 0; i < 256; i++)
		if (seen[i])
			sum += (double)seen[i] * log2((double)seen[i]);
	bits = log2((double)bytes) - sum / (double)bytes;
	return bits > 0 ? bits : 0; /* not -0.0 */
}

static int entropy_expire(void *context, void *state, struct weir_flow *flow)
{
	struct entropy_state *s = state;

	(void)context;
	(void)flow;
	for (int d = 0; d < 2; d++)
		if (s->bytes[d])
			s->bits[d] = entropy_of(s->seen[d], s->bytes[d]);
	return 0;
}

static void entropy_release(void *context, void *state)
{
	struct entropy_state *s = state;

	(void)context;
	free(s->seen[0]);
	free(s->seen[1]);
}

const struct weir_plugin weir_plugin = {
	.abi = WEIR_PLUGIN_ABI,
	.packets = WEIR_EVERY_PACKET,
	.name = "entropy",
	.version = "1",
	.flow_size = sizeof(struct entropy_state),
	.column_count = sizeof(entropy_columns) / sizeof(entropy_columns[0]),
	.columns = entropy_columns,
	.open = entropy_open,
	.on_init = entropy_packet,
	.on_update = entropy_packet,
	.on_expire = entropy_expire,
	.on_release = entropy_release,
	.cleanup = free,
};
