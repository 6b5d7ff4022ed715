/* SPDX-License-Identifier: BSD-2-Clause */
/* Ends each flow after a number of packets: limit=N. The next packet begins a new flow. */
#include "plugin_options.h"

struct slicer {
	uint64_t limit; /* packets */
};

static int slicer_open(void **context, const struct weir_plugin_args *args)
{
	uint64_t limit = 0;
	struct slicer *s;
	int err = 0;

	for (size_t i = 0; i < args->count && !err; i++)
		err = option_is(&args->options[i], "limit")
			      ? option_number(args, &args->options[i], 1, UINT32_MAX, &limit)
			      : option_unknown(args, &args->options[i], "limit");
	if (err)
		return err;
	if (!limit)
		return option_refuse(args, "limit is missing, as in limit=10");
	s = malloc(sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->limit = limit;
	*context = s;
	return 0;
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
