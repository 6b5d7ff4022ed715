/* SPDX-License-Identifier: BSD-2-Clause */
/* Ends each flow after a number of packets: limit=N. The next packet begins a new flow. */
#include "plugin_options.h"

struct slicer {
	uint64_t limit; /* packets */
};

static int slicer_option(void *context, const struct weir_plugin_args *args,
			 const struct weir_plugin_option *o)
{
	struct slicer *s = context;

	return option_is(o, "limit") ? option_number(args, o, 1, UINT32_MAX, &s->limit)
				     : option_unknown(args, o, "limit");
}

static int slicer_open(void **context, const struct weir_plugin_args *args)
{
	const struct slicer defaults = { 0 };
	int err = options_open(context, args, &defaults, sizeof(defaults), slicer_option);
	struct slicer *s = err ? NULL : *context;

	if (err || s->limit)
		return err;
	free(s);
	return option_refuse(args, "limit is missing, as in limit=10");
}

static int slicer_packet(void *context, void *state, const struct weir_packet *packet,
			 struct weir_flow *flow)
{
	const struct slicer *s = context;

	(void)state;
	if (packet && flow->packets[0] + flow->packets[1] >= s->limit)
		flow->expiration_id = -1;
	return 0;
}

const struct weir_plugin weir_plugin = {
	.abi = WEIR_PLUGIN_ABI,
	.packets = WEIR_EVERY_PACKET,
	.name = "slicer",
	.version = "1",
	.open = slicer_open,
	.on_init = slicer_packet,
	.on_update = slicer_packet,
	.cleanup = free,
};
