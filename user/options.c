/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The option table, what setting an option means, and the order of the sources: defaults, file,
 * environment, command line.
 */
#include "options.h"

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
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

const struct option_info option_table[] = {
	{ .section = "Source",
	  .name = "read",
	  .letter = 'r',
	  .type = OPTION_LIST,
	  .offset = AT(read_files),
	  .metavar = "FILE",
	  .brief = true,
	  .help = "read a capture file, - is stdin; repeatable" },
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

static int set_text(char **to, const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		return -ENOMEM;
	free(*to);
	*to = copy;
	return 0;
}

static int set_names(char **to, const char *text)
{
	char *names;
	int err = parse_names(text, &names);

	if (err)
		return err;
	free(*to);
	*to = names;
	return 0;
}

/* A variable holds the whole list, the other sources an item at a time. */
static int set_list(struct string_list *list, const char *text, enum config_level level)
{
	if (list->level != (int)level)
		string_list_clear(list);
	list->level = level;
	if (level == LEVEL_ENVIRONMENT)
		return string_list_add_words(list, text);
	return string_list_add(list, text);
}

static int set_flag(bool *to, const char *text, bool meaning)
{
	bool value;
	int err = parse_bool(text, &value);

	if (!err)
		*to = value == meaning;
	return err;
}

static int set_value(struct config *config, const struct option_info *o, const char *text,
		     enum config_level level)
{
	void *to = (char *)config + o->offset;

	switch (o->type) {
	case OPTION_FLAG: return set_flag(to, text, true);
	case OPTION_NO_FLAG: return set_flag(to, text, false);
	case OPTION_COUNT: return parse_count(text, o->min, o->max, to);
	case OPTION_DURATION:
		return parse_duration(text, o->min * 1000000000, o->max * 1000000000, to);
	case OPTION_TEXT:
	case OPTION_CONFIG: return set_text(to, text);
	case OPTION_NAMES: return set_names(to, text);
	case OPTION_LIST: return set_list(to, text, level);
	case OPTION_CHOICE: return parse_choice(text, o->values, to);
	case OPTION_SET: return parse_set(text, o->values, to);
	case OPTION_ROTATION: return parse_rotation(text, to);
	case OPTION_ACTION: break;
	}
	return -EINVAL;
}

/* "a, b, c" */
static void join_values(const struct named_value *values, char *out, size_t size)
{
	size_t n = 0;

	*out = '\0';
	for (; values->name && n < size; values++)
		n += snprintf(out + n, size - n, "%s%s", n ? ", " : "", values->name);
}

static void refuse_range(const struct option_info *o, const char *text, const char *where)
{
	if (o->type == OPTION_ROTATION)
		log_error("%s: %s is out of range: more than 0, up to %llus or %lluTB", where, text,
			  ROTATION_MAX_SECONDS, ROTATION_MAX_TB);
	else
		log_error("%s: %s is out of range: %" PRIu64 " to %" PRIu64 "%s", where, text,
			  o->min, o->max, o->type == OPTION_DURATION ? " seconds" : "");
}

static void refuse_form(const struct option_info *o, const char *text, const char *where)
{
	char names[200];

	switch (o->type) {
	case OPTION_FLAG:
	case OPTION_NO_FLAG:
		log_error("%s: \"%s\" is neither true nor false; give one of them", where, text);
		return;
	case OPTION_COUNT:
		log_error("%s: \"%s\" is not a whole number; give %" PRIu64 " to %" PRIu64, where,
			  text, o->min, o->max);
		return;
	case OPTION_DURATION:
		log_error("%s: \"%s\" is not a time; give seconds, or a unit as in 500ms, 5m, 1h",
			  where, text);
		return;
	case OPTION_ROTATION:
		log_error("%s: \"%s\" is neither a time nor a size; give one as 60s, 5m or 100MB",
			  where, text);
		return;
	case OPTION_CHOICE:
		join_values(o->values, names, sizeof(names));
		log_error("%s: unknown value \"%s\"; give one of %s", where, text, names);
		return;
	case OPTION_SET:
		join_values(o->values, names, sizeof(names));
		log_error("%s: unknown value \"%s\"; give all, none or a list of %s", where, text,
			  names);
		return;
	default:
		log_error("%s: \"%s\" has an empty name; separate names by one comma", where, text);
	}
}

int option_set(struct config *config, const struct option_info *o, const char *text,
	       const char *where, enum config_level level)
{
	int err;

	if (!*text) {
		log_error("%s: is empty; give %s", where,
			  o->metavar ? o->metavar : "true or false");
		return -EINVAL;
	}
	err = set_value(config, o, text, level);
	if (err == -ENOMEM)
		log_error("%s: out of memory; free some", where);
	else if (err == -ERANGE)
		refuse_range(o, text, where);
	else if (err)
		refuse_form(o, text, where);
	return err == -ERANGE ? -EINVAL : err;
}

static int set_defaults(struct config *config)
{
	*config = (struct config){ .dissect = true };
	for (size_t i = 0; i < option_count; i++) {
		const struct option_info *o = &option_table[i];
		int err = o->default_text
				  ? option_set(config, o, o->default_text, o->name, LEVEL_DEFAULT)
				  : 0;

		if (err)
			return err;
	}
	return 0;
}

/* An empty variable is as good as none. */
static int read_environment(struct config *config)
{
	for (size_t i = 0; i < option_count; i++) {
		const struct option_info *o = &option_table[i];
		char name[OPTION_VARIABLE_SIZE];
		const char *value;
		int err;

		option_variable(o, name);
		value = getenv(name);
		if (!value || !*value || o->type == OPTION_ACTION || o->type == OPTION_CONFIG)
			continue;
		err = option_set(config, o, value, name, LEVEL_ENVIRONMENT);
		if (err)
			return err;
	}
	return 0;
}

static int read_file(struct config *config)
{
	const char *path = config->config_file;

	if (!path)
		path = getenv("WEIR_CONFIG");
	return path && *path ? options_read_yaml(config, path, LEVEL_FILE) : 0;
}

/* Records of a fleet are told apart by the host's name. */
static int name_probe(struct config *config)
{
	char host[256] = "";

	if (config->probe_name)
		return 0;
	gethostname(host, sizeof(host) - 1);
	return set_text(&config->probe_name, host);
}

int options_parse(struct config *config, int argc, char **argv, enum options_action *action)
{
	int err = set_defaults(config);

	*action = OPTIONS_RUN;
	if (!err)
		err = options_read_argv(config, argc, argv, action, 0);
	if (err || *action != OPTIONS_RUN)
		return err;
	err = read_file(config);
	if (!err)
		err = read_environment(config);
	if (!err)
		err = options_read_argv(config, argc, argv, action, 1);
	if (!err)
		err = name_probe(config);
	return err;
}

void config_free(struct config *config)
{
	for (size_t i = 0; i < option_count; i++) {
		const struct option_info *o = &option_table[i];
		void *at = (char *)config + o->offset;

		if (o->type == OPTION_TEXT || o->type == OPTION_NAMES || o->type == OPTION_CONFIG)
			free(*(char **)at);
		else if (o->type == OPTION_LIST)
			string_list_clear(at);
	}
	*config = (struct config){ 0 };
}
