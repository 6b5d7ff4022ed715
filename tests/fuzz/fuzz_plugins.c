/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Hostile packets through the hooks of the plugins that come with weir. Input: a byte of settings;
 * then packets, each a byte of what it is, perhaps lengths that lie, a length, and the bytes. What
 * columns hold must be sane whatever was sent, and text must be clean.
 */
#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdbool.h>

#include "support.h"
#include "weir/plugin.h"

#define MAX_PACKETS 24
#define HEADERS     28 /* IPv4 and UDP */

extern const struct weir_plugin plugin_slicer, plugin_dump, plugin_splt, plugin_dhcp, plugin_mdns,
	plugin_entropy;

enum { SLICER, SPLT, DHCP, MDNS, ENTROPY, DUMP, PLUGINS };

static const struct weir_plugin *const plugins[PLUGINS] = {
	&plugin_slicer, &plugin_splt, &plugin_dhcp, &plugin_mdns, &plugin_entropy, &plugin_dump,
};

static char directory[] = "/tmp/weir-fuzz-XXXXXX";

static void remove_files(void)
{
	DIR *listing = opendir(directory);
	const struct dirent *entry;

	require(listing != NULL);
	while ((entry = readdir(listing)))
		unlinkat(dirfd(listing), entry->d_name, 0);
	closedir(listing);
}

static void remove_directory(void)
{
	remove_files();
	rmdir(directory);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	require(mkdtemp(directory) != NULL);
	atexit(remove_directory);
	return 0;
}

/* --- a flow ----------------------------------------------------------------------------------- */

struct run {
	const struct weir_plugin *ops;
	void *context, *state;
	uint64_t shown; /* packets */
};

static void run_open(struct run *r, int which, uint8_t setting)
{
	struct weir_plugin_option options[] = {
		[SLICER] = { "limit", setting & 1 ? "3" : "1000" },
		[SPLT] = { "packets", setting & 1 ? "3" : "300" },
		[DHCP] = { "split", setting & 1 ? "yes" : "no" },
		[MDNS] = { "packets", setting & 1 ? "3" : "300" },
		[ENTROPY] = { "bytes", setting & 1 ? "100" : "1000000" },
		[DUMP] = { "dir", directory },
		[PLUGINS] = { "rotate", setting & 1 ? "0" : "500" },
	};
	uint32_t packets = plugins[which]->packets;
	char why[64];
	const struct weir_plugin_args args = {
		.sz = sizeof(args),
		.options = options + which,
		.count = which == DUMP ? 2 : 1,
		.why = why,
		.why_size = sizeof(why),
		.packets = &packets,
	};

	*r = (struct run){ .ops = plugins[which] };
	require(r->ops->open(&r->context, &args) == 0 && packets > 0);
	r->state = calloc(1, r->ops->flow_size + 1);
	require(r->state != NULL);
}

static const void *column(const struct run *r, uint32_t i)
{
	return (const char *)r->state + r->ops->columns[i].offset;
}

/* No control character: texts of packets are escaped. */
static void check_text(const char *text)
{
	for (; text && *text; text++)
		require((unsigned char)*text >= ' ' && *text != 0x7f);
}

static void check_column(const struct run *r, uint32_t i)
{
	const double *bits = column(r, i);

	switch (r->ops->columns[i].storage) {
	case WEIR_STORE_STRING: check_text(*(const char *const *)column(r, i)); return;
	case WEIR_STORE_CHARS: check_text(column(r, i)); return;
	case WEIR_STORE_DOUBLE: require(*bits >= 0 && *bits <= 8); return;
	default: return;
	}
}

static void run_show(struct run *r, const struct weir_packet *packet, struct weir_flow *flow)
{
	void *moved = malloc(r->ops->flow_size + 1);
	int err;

	require(moved != NULL);
	memcpy(moved, r->state, r->ops->flow_size);
	free(r->state);
	r->state = moved;
	err = (r->shown++ ? r->ops->on_update : r->ops->on_init)(r->context, r->state, packet,
								 flow);
	require(err == 0);
}

static void run_close(struct run *r, struct weir_flow *flow)
{
	if (r->shown && r->ops->on_expire)
		require(r->ops->on_expire(r->context, r->state, flow) == 0);
	for (uint32_t i = 0; i < r->ops->column_count; i++)
		check_column(r, i);
	if (r->ops->on_release)
		r->ops->on_release(r->context, r->state);
	r->ops->cleanup(r->context);
	free(r->state);
}

/* --- packets ---------------------------------------------------------------------------------- */

enum kind {
	KIND_DIRECTION = 1,
	KIND_PORTS = 6, /* DHCP, mDNS, TCP, others */
	KIND_SEGMENTS = 8,
	KIND_VERSION_6 = 16,
	KIND_NO_BYTES = 32,
	KIND_LIES = 64,
	KIND_NONE = 128, /* packets that were not shown */
};

static struct weir_packet make_packet(struct input *in, uint8_t kind, size_t *length)
{
	static const uint16_t ports[][2] = { { 68, 67 }, { 5353, 5353 }, { 40000, 80 }, { 1, 2 } };
	const uint16_t *port = ports[(kind & KIND_PORTS) >> 1];
	uint8_t d = kind & KIND_DIRECTION;
	struct weir_packet p = {
		.time_ns = input_u16(in) * 1000000ull,
		.segments = kind & KIND_SEGMENTS ? 1 + input_u8(in) : 1,
		.src_port = port[d],
		.dst_port = port[!d],
		.protocol = port[1] == 80 ? 6 : 17,
		.version = kind & KIND_VERSION_6 ? 6 : 4,
		.direction = d,
	};

	p.src_ip[15] = input_u8(in) & 1;
	p.delta_ns = p.time_ns;
	*length = input_u16(in) % 2000;
	p.payload_length = kind & KIND_LIES ? input_u16(in) : *length;
	p.transport_length = p.payload_length + 8;
	p.ip_length = kind & KIND_LIES ? input_u16(in) : HEADERS + *length;
	p.length = p.ip_length + 14;
	p.full_length = p.length + (kind & KIND_SEGMENTS ? input_u8(in) : 0);
	return p;
}

static void show_all(struct run *runs, int count, struct input *in, struct weir_flow *flow)
{
	uint8_t kind = input_u8(in);
	size_t length, taken;
	struct weir_packet p = make_packet(in, kind, &length);
	uint8_t *payload = input_block(in, length, &taken), *bytes = malloc(HEADERS + taken);

	require(bytes != NULL);
	memset(bytes, 0x45, HEADERS);
	if (taken)
		memcpy(bytes + HEADERS, payload, taken);
	p.capture_length = kind & KIND_NO_BYTES ? 0 : HEADERS + taken;
	p.raw = kind & KIND_NO_BYTES ? NULL : bytes;
	flow->packets[p.direction] += p.segments;
	flow->bytes[p.direction] += p.length;
	for (int i = 0; i < count; i++)
		run_show(&runs[i], kind & KIND_NONE && runs[i].shown ? NULL : &p, flow);
	free(bytes);
	free(payload);
}

/* Files are slow: only with 2 bits of the setting. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	uint8_t setting = input_u8(&in);
	int count = (setting & 6) == 6 ? PLUGINS : DUMP;
	struct weir_flow flow = { .flow_id = setting };
	struct run runs[PLUGINS];

	for (int i = 0; i < count; i++)
		run_open(&runs[i], i, setting);
	for (int i = 0; i < MAX_PACKETS && in.left; i++)
		show_all(runs, count, &in, &flow);
	for (int i = 0; i < count; i++)
		run_close(&runs[i], &flow);
	if (count == PLUGINS)
		remove_files();
	return 0;
}
