/* SPDX-License-Identifier: BSD-2-Clause */
/* A column that counts SYN packets. cc -shared -fPIC count_syn.c $(pkg-config --cflags weir) */
#include <weir/plugin.h>

struct count {
	uint32_t syn;
};

static int on_packet(void *context, void *state, const struct weir_packet *packet,
		     struct weir_flow *flow)
{
	struct count *count = state;

	(void)context;
	(void)flow;
	if (packet && packet->tcp_flags & WEIR_SYN)
		count->syn++;
	return 0;
}

static const struct weir_plugin_column columns[] = {
	{ "syn_count", "packets", "packets with SYN", WEIR_STORE_U32, 0 },
};

const struct weir_plugin weir_plugin = {
	.abi = WEIR_PLUGIN_ABI,
	.packets = WEIR_EVERY_PACKET,
	.name = "count_syn",
	.version = "1.0",
	.flow_size = sizeof(struct count),
	.column_count = 1,
	.columns = columns,
	.on_init = on_packet,
	.on_update = on_packet,
};
