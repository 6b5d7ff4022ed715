/* SPDX-License-Identifier: BSD-2-Clause */
/* The option table and what its rows are called in other places. */
#include "options.h"

#include <ctype.h>
#include <string.h>

#include "meter/types.h"
#include "parse_value.h"
#include "record.h"

#define AT(member) offsetof(struct config, member)

static const struct named_value tunnel_names[] = {
	{ "gtp", TUNNEL_GTP },       { "tzsp", TUNNEL_TZSP },
	{ "capwap", TUNNEL_CAPWAP }, { "ipip", TUNNEL_IPIP },
	{ "gre", TUNNEL_GRE },       { "vxlan", TUNNEL_VXLAN },
	{ "geneve", TUNNEL_GENEVE }, { NULL, 0 },
};

static const struct named_value accounting_names[] = {
	{ "link", ACCOUNT_LINK },       { "ip", ACCOUNT_IP }, { "transport", ACCOUNT_TRANSPORT },
	{ "payload", ACCOUNT_PAYLOAD }, { NULL, 0 },
};

static const struct named_value profile_names[] = {
	{ "seed", PROFILE_SEED },
	{ "nfstream", PROFILE_NFSTREAM },
	{ "all", PROFILE_ALL },
	{ NULL, 0 },
};

static const struct named_value hook_names[] = {
	{ "auto", HOOK_AUTO },
	{ "tc", HOOK_TC },
	{ "xdp", HOOK_XDP },
	{ "xdp-generic", HOOK_XDP_GENERIC },
	{ "pcap", HOOK_PCAP },
	{ NULL, 0 },
};

static const struct named_value direction_names[] = {
	{ "both", DIRECTION_BOTH },
	{ "in", DIRECTION_IN },
	{ "out", DIRECTION_OUT },
	{ NULL, 0 },
};

const struct option_info option_table[] = {
	{ .section = "Source",
	  .name = "read",
	  .letter = 'r',
	  .type = OPTION_LIST,
	  .offset = AT(read_files),
	  .metavar = "FILE",
	  .brief = true,
	  .help = "read a capture file, - is stdin; repeatable" },
	{ .name = "interface",
	  .letter = 'i',
	  .type = OPTION_LIST,
	  .offset = AT(interfaces),
	  .metavar = "NAME",
	  .brief = true,
	  .help = "watch an interface; repeatable" },
	{ .name = "snaplen",
	  .letter = 's',
	  .type = OPTION_COUNT,
	  .offset = AT(snaplen),
	  .default_text = "65535",
	  .min = 64,
	  .max = 262144,
	  .metavar = "BYTES",
	  .help = "bytes kept of a watched packet: all are counted, nDPI sees what is kept" },
	{ .name = "promisc",
	  .type = OPTION_FLAG,
	  .offset = AT(promisc),
	  .help = "watch packets for others too" },
	{ .name = "hook", .type = OPTION_CHOICE, .offset = AT(hook), .default_text = "auto", .values = hook_names, .metavar = "HOOK", .help = "hook" },
	{ .name = "direction", .type = OPTION_CHOICE, .offset = AT(direction), .default_text = "both", .values = direction_names, .metavar = "DIR", .help = "direction" },
	{ .name = "map-entries", .type = OPTION_COUNT, .offset = AT(map_entries), .default_text = "262144", .min = 64, .max = 16777216, .metavar = "N", .help = "flows" },
	{ .name = "pin", .type = OPTION_TEXT, .offset = AT(pin), .metavar = "DIR", .help = "pin" },
	{ .name = "stats-interval", .type = OPTION_DURATION, .offset = AT(stats_interval_ns), .default_text = "0", .max = 1000000000, .metavar = "SEC", .help = "stats" },
	{ .name = "filter",
	  .type = OPTION_TEXT,
	  .offset = AT(filter),
	  .metavar = "EXPR",
	  .help = "capture filter, see pcap-filter(7); the words after the options are one too" },
	{ .section = "Metering",
	  .name = "idle-timeout",
	  .type = OPTION_DURATION,
	  .offset = AT(idle_ns),
	  .default_text = "30",
	  .max = 1000000000,
	  .metavar = "SEC",
	  .brief = true,
	  .help = "a flow ends after this long without a packet" },
	{ .name = "active-timeout",
	  .type = OPTION_DURATION,
	  .offset = AT(active_ns),
	  .default_text = "300",
	  .max = 1000000000,
	  .metavar = "SEC",
	  .brief = true,
	  .help = "a flow this old is cut at its next packet" },
	{ .name = "tcp-end",
	  .type = OPTION_FLAG,
	  .offset = AT(tcp_end),
	  .help = "FIN in both directions or RST ends a TCP flow" },
	{ .name = "max-flows",
	  .type = OPTION_COUNT,
	  .offset = AT(max_flows),
	  .default_text = "0",
	  .max = 4000000000,
	  .metavar = "N",
	  .help = "live flows at most: the longest idle one makes way; 0 = no bound" },
	{ .name = "stop-after",
	  .type = OPTION_COUNT,
	  .offset = AT(stop_after),
	  .default_text = "0",
	  .max = 1000000000000,
	  .metavar = "N",
	  .help = "stop after this many flow records; 0 = never" },
	{ .name = "tunnels",
	  .type = OPTION_SET,
	  .offset = AT(tunnels),
	  .default_text = "all",
	  .values = tunnel_names,
	  .metavar = "LIST",
	  .help = "tunnels to look into: gtp,tzsp,capwap,ipip,gre,vxlan,geneve, or all or none" },
	{ .name = "accounting",
	  .type = OPTION_CHOICE,
	  .offset = AT(accounting),
	  .default_text = "link",
	  .values = accounting_names,
	  .metavar = "LAYER",
	  .help = "what counts as the bytes of a packet: link, ip, transport or payload" },
	{ .section = "Columns",
	  .name = "profile",
	  .type = OPTION_CHOICE,
	  .offset = AT(profile),
	  .default_text = "seed",
	  .values = profile_names,
	  .metavar = "NAME",
	  .brief = true,
	  .help = "set of columns: seed, nfstream or all" },
	{ .name = "fields",
	  .type = OPTION_NAMES,
	  .offset = AT(fields),
	  .metavar = "A,B,C",
	  .brief = true,
	  .help = "these columns only; `weir fields` lists them" },
	{ .name = "stats",
	  .type = OPTION_FLAG,
	  .offset = AT(stats),
	  .brief = true,
	  .help = "add statistics of sizes, gaps and TCP flags" },
	{ .name = "splt",
	  .type = OPTION_COUNT,
	  .offset = AT(splt),
	  .default_text = "0",
	  .max = 65535,
	  .metavar = "N",
	  .brief = true,
	  .help = "add size, gap, direction of the first N packets" },
	{ .name = "no-dissect",
	  .type = OPTION_NO_FLAG,
	  .offset = AT(dissect),
	  .brief = true,
	  .help = "do not name applications" },
	{ .name = "max-tcp-dissections",
	  .type = OPTION_COUNT,
	  .offset = AT(max_tcp_dissections),
	  .default_text = "10",
	  .max = 255,
	  .metavar = "N",
	  .help = "packets of a TCP flow that nDPI may see" },
	{ .name = "max-udp-dissections",
	  .type = OPTION_COUNT,
	  .offset = AT(max_udp_dissections),
	  .default_text = "16",
	  .max = 255,
	  .metavar = "N",
	  .help = "packets of a UDP flow that nDPI may see" },
	{ .name = "probe-name",
	  .type = OPTION_TEXT,
	  .offset = AT(probe_name),
	  .metavar = "NAME",
	  .help = "value of the probe column; without it the host's name" },
	{ .section = "Output",
	  .name = "output",
	  .letter = 'o',
	  .type = OPTION_LIST,
	  .offset = AT(outputs),
	  .default_text = "csv:-",
	  .metavar = "FORMAT[:TARGET]",
	  .brief = true,
	  .help = "csv, json, table; file or -; repeatable" },
	{ .name = "rotate",
	  .type = OPTION_ROTATION,
	  .offset = AT(rotate),
	  .metavar = "60s|100MB",
	  .help = "begin a new file by packet time or size; its name is a strftime(3) pattern" },
	{ .name = "anonymize",
	  .type = OPTION_NAMES,
	  .offset = AT(anonymize),
	  .metavar = "COLUMNS",
	  .help = "replace columns by a keyed hash; all columns that tell an address go together" },
	{ .name = "anonymize-prefix",
	  .type = OPTION_FLAG,
	  .offset = AT(anonymize_prefix),
	  .help = "replace addresses and keep their common prefixes (Crypto-PAn)" },
	{ .name = "anonymize-key",
	  .type = OPTION_TEXT,
	  .offset = AT(anonymize_key),
	  .metavar = "FILE",
	  .help = "key of 32 to 64 bytes; without it random in each run" },
	{ .name = "summary",
	  .type = OPTION_TEXT,
	  .offset = AT(summary),
	  .metavar = "FILE",
	  .brief = true,
	  .help = "write the packet accounting as JSON, - is stdout" },
	{ .name = "quiet",
	  .letter = 'q',
	  .type = OPTION_FLAG,
	  .offset = AT(quiet),
	  .brief = true,
	  .help = "no summary and no progress on stderr" },
	{ .section = "General",
	  .name = "config",
	  .letter = 'c',
	  .type = OPTION_CONFIG,
	  .offset = AT(config_file),
	  .metavar = "FILE",
	  .brief = true,
	  .help = "read options from YAML; keys are long names" },
	{ .name = "help",
	  .letter = 'h',
	  .type = OPTION_ACTION,
	  .action = OPTIONS_HELP,
	  .brief = true,
	  .help = "show this; --help-all shows every option" },
	{ .name = "help-all",
	  .type = OPTION_ACTION,
	  .action = OPTIONS_HELP_ALL,
	  .help = "show every option" },
	{ .name = "version",
	  .letter = 'V',
	  .type = OPTION_ACTION,
	  .action = OPTIONS_VERSION,
	  .brief = true,
	  .help = "show version, features and libraries" },
};

const size_t option_count = sizeof(option_table) / sizeof(option_table[0]);

const struct option_info *option_by_name(const char *name)
{
	for (size_t i = 0; i < option_count; i++)
		if (!strcmp(option_table[i].name, name))
			return &option_table[i];
	return NULL;
}

bool option_takes_value(const struct option_info *o)
{
	return o->type != OPTION_FLAG && o->type != OPTION_NO_FLAG && o->type != OPTION_ACTION;
}

void option_variable(const struct option_info *o, char out[OPTION_VARIABLE_SIZE])
{
	size_t n = strlen("WEIR_");

	memcpy(out, "WEIR_", n);
	for (const char *c = o->name; *c && n < OPTION_VARIABLE_SIZE - 1; c++)
		out[n++] = *c == '-' ? '_' : toupper((unsigned char)*c);
	out[n] = '\0';
}
