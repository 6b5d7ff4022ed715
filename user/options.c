/* SPDX-License-Identifier: BSD-2-Clause */
#include "options.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "parse_value.h"

#define AT(member) offsetof(struct config, member)

/* clang-format off: a table */
const struct option_info option_table[] = {
	{ .section = "Source",
	  .name = "read",
	  .letter = 'r',
	  .type = OPTION_LIST,
	  .offset = AT(read_files),
	  .metavar = "FILE",
	  .brief = true,
	  .help = "read packets from a capture file, - for stdin; repeatable, flows go on across "
		  "files" },
	{ .name = "filter",
	  .type = OPTION_TEXT,
	  .offset = AT(filter),
	  .metavar = "EXPR",
	  .help = "capture filter (pcap-filter(7)); the words behind the options are one too" },
	{ .section = "Metering",
	  .name = "idle-timeout",
	  .type = OPTION_DURATION,
	  .offset = AT(idle_ns),
	  .default_text = "30",
	  .max = 1000000000,
	  .metavar = "SEC",
	  .brief = true,
	  .help = "a flow ends after so long without a packet" },
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
	  .help = "live flows at most; the longest idle one makes way; 0 = no bound" },
	{ .name = "stop-after",
	  .type = OPTION_COUNT,
	  .offset = AT(stop_after),
	  .default_text = "0",
	  .max = UINT64_MAX,
	  .metavar = "N",
	  .help = "stop after so many flow records; 0 = never" },
	{ .name = "tunnels",
	  .type = OPTION_TUNNELS,
	  .offset = AT(tunnels),
	  .default_text = "all",
	  .metavar = "LIST",
	  .help = "tunnels to look into: gtp,tzsp,capwap,ipip,gre,vxlan,geneve, all or none" },
	{ .name = "accounting",
	  .type = OPTION_CHOICE,
	  .offset = AT(accounting),
	  .default_text = "link",
	  .choices = "link|ip|transport|payload",
	  .metavar = "LAYER",
	  .help = "which size of a packet counts: link, ip, transport or payload" },
	{ .section = "Columns",
	  .name = "profile",
	  .type = OPTION_CHOICE,
	  .offset = AT(profile),
	  .default_text = "seed",
	  .choices = "seed|nfstream|all",
	  .metavar = "NAME",
	  .brief = true,
	  .help = "set of columns: seed, nfstream or all" },
	{ .name = "fields",
	  .type = OPTION_TEXT,
	  .offset = AT(fields),
	  .metavar = "A,B,C",
	  .brief = true,
	  .help = "these columns instead; `weir fields` lists them" },
	{ .name = "stats",
	  .type = OPTION_FLAG,
	  .offset = AT(stats),
	  .brief = true,
	  .help = "add statistics of packet sizes, inter-arrival times and TCP flags" },
	{ .name = "splt",
	  .type = OPTION_COUNT,
	  .offset = AT(splt),
	  .default_text = "0",
	  .max = 65535,
	  .metavar = "N",
	  .brief = true,
	  .help = "add sizes, times and directions of the first N packets" },
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
	  .help = "value of the probe column; default: the host's name" },
	{ .section = "Output",
	  .name = "output",
	  .letter = 'o',
	  .type = OPTION_LIST,
	  .offset = AT(outputs),
	  .metavar = "FORMAT[:TARGET]",
	  .brief = true,
	  .help = "csv, json or table, to a file or - (stdout); repeatable; default csv:-" },
	{ .name = "rotate",
	  .type = OPTION_ROTATION,
	  .offset = AT(rotate),
	  .metavar = "60s|100MB",
	  .help = "begin a new file by packet time or size; the name is a strftime(3) pattern" },
	{ .name = "anonymize",
	  .type = OPTION_TEXT,
	  .offset = AT(anonymize),
	  .metavar = "COLUMNS",
	  .help = "replace columns by a keyed hash; all columns that tell an address go together" },
	{ .name = "anonymize-prefix",
	  .type = OPTION_FLAG,
	  .offset = AT(anonymize_prefix),
	  .help = "replace addresses, keeping common prefixes (Crypto-PAn)" },
	{ .name = "anonymize-key",
	  .type = OPTION_TEXT,
	  .offset = AT(anonymize_key),
	  .metavar = "FILE",
	  .help = "key of 32 to 64 bytes; default: random in each run" },
	{ .name = "summary",
	  .type = OPTION_TEXT,
	  .offset = AT(summary),
	  .metavar = "FILE",
	  .brief = true,
	  .help = "write the accounting as JSON; - for stdout" },
	{ .name = "quiet",
	  .letter = 'q',
	  .type = OPTION_FLAG,
	  .offset = AT(quiet),
	  .brief = true,
	  .help = "no progress and no summary on stderr" },
	{ .section = "General",
	  .name = "config",
	  .letter = 'c',
	  .type = OPTION_TEXT,
	  .offset = AT(config_file),
	  .metavar = "FILE",
	  .brief = true,
	  .help = "read options from a YAML file; keys are the long names" },
	{ .name = "help",
	  .letter = 'h',
	  .type = OPTION_ACTION,
	  .help = "show the usual options",
	  .brief = true },
	{ .name = "help-all", .type = OPTION_ACTION, .help = "show all options", .brief = true },
	{ .name = "version",
	  .letter = 'V',
	  .type = OPTION_ACTION,
	  .help = "show version, features and libraries" },
};
/* clang-format on */

const size_t option_count = sizeof(option_table) / sizeof(option_table[0]);

const struct option_info *option_by_name(const char *name)
{
	for (size_t i = 0; i < option_count; i++)
		if (!strcmp(option_table[i].name, name))
			return &option_table[i];
	return NULL;
}

static int refuse(const char *where, const char *text, const char *why)
{
	log_error("%s: \"%s\" is not %s", where, text, why);
	return -EINVAL;
}

static int set_count(uint64_t *to, const struct option_info *o, const char *text, const char *where)
{
	uint64_t value;

	if (parse_count(text, &value) < 0)
		return refuse(where, text, "a whole number");
	if (value < o->min || value > o->max) {
		log_error("%s: %s is out of range: %" PRIu64 " to %" PRIu64, where, text, o->min,
			  o->max);
		return -EINVAL;
	}
	*to = value;
	return 0;
}

static int set_duration(uint64_t *to, const struct option_info *o, const char *text,
			const char *where)
{
	uint64_t ns;

	if (parse_duration(text, &ns) < 0)
		return refuse(where, text, "a time: give seconds, as 30, 0.5, 5m");
	if (ns / 1000000000 > o->max) {
		log_error("%s: %s is out of range: 0 to %" PRIu64 " seconds", where, text, o->max);
		return -EINVAL;
	}
	*to = ns;
	return 0;
}

static int set_choice(uint32_t *to, const struct option_info *o, const char *text,
		      const char *where)
{
	uint32_t place = 0;

	for (const char *c = o->choices;; place++) {
		size_t length = strcspn(c, "|");

		if (strlen(text) == length && !memcmp(c, text, length)) {
			*to = place;
			return 0;
		}
		if (!c[length])
			break;
		c += length + 1;
	}
	log_error("%s: \"%s\" is not one of %s", where, text, o->choices);
	return -EINVAL;
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

static void list_clear(struct string_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i]);
	free(list->items);
	*list = (struct string_list){ 0 };
}

static int list_add(struct string_list *list, const char *text, int level)
{
	char **items;

	if (list->level != level)
		list_clear(list);
	list->level = level;
	items = reallocarray(list->items, list->count + 1, sizeof(*items));
	if (!items)
		return -ENOMEM;
	list->items = items;
	items[list->count] = strdup(text);
	return items[list->count] ? (list->count++, 0) : -ENOMEM;
}

/* Flags take no value on the command line; elsewhere true or false. */
static int set_flag(bool *to, const char *text, const char *where, bool meaning)
{
	if (!strcmp(text, "true") || !strcmp(text, "1") || !strcmp(text, "yes"))
		*to = meaning;
	else if (!strcmp(text, "false") || !strcmp(text, "0") || !strcmp(text, "no"))
		*to = !meaning;
	else
		return refuse(where, text, "true or false");
	return 0;
}

int option_set(struct config *config, const struct option_info *o, const char *text,
	       const char *where, int level)
{
	void *to = (char *)config + o->offset;

	switch (o->type) {
	case OPTION_FLAG: return set_flag(to, text, where, true);
	case OPTION_NO_FLAG: return set_flag(to, text, where, false);
	case OPTION_COUNT: return set_count(to, o, text, where);
	case OPTION_DURATION: return set_duration(to, o, text, where);
	case OPTION_TEXT: return set_text(to, text);
	case OPTION_LIST: return list_add(to, text, level);
	case OPTION_CHOICE: return set_choice(to, o, text, where);
	case OPTION_TUNNELS:
		return parse_tunnels(text, to) < 0
			       ? refuse(where, text,
					"a list of gtp,tzsp,capwap,ipip,gre,vxlan,geneve, all or "
					"none")
			       : 0;
	case OPTION_ROTATION:
		return parse_rotation(text, to) < 0
			       ? refuse(where, text, "a time or a size: give 60s or 100MB")
			       : 0;
	case OPTION_ACTION: break;
	}
	return 0;
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

/* idle-timeout -> WEIR_IDLE_TIMEOUT */
static void variable_name(const struct option_info *o, char out[64])
{
	size_t n = 0;

	memcpy(out, "WEIR_", 5);
	for (; o->name[n] && n < 58; n++)
		out[5 + n] = o->name[n] == '-' ? '_' : toupper((unsigned char)o->name[n]);
	out[5 + n] = '\0';
}

static int read_environment(struct config *config)
{
	for (size_t i = 0; i < option_count; i++) {
		const struct option_info *o = &option_table[i];
		char name[64];
		const char *value;
		int err;

		variable_name(o, name);
		value = o->type == OPTION_ACTION ? NULL : getenv(name);
		err = value ? option_set(config, o, value, name, LEVEL_ENVIRONMENT) : 0;
		if (err)
			return err;
	}
	return 0;
}

static bool takes_value(const struct option_info *o)
{
	return o->type != OPTION_FLAG && o->type != OPTION_NO_FLAG && o->type != OPTION_ACTION;
}

struct getopt_tables {
	struct option longs[64];
	char shorts[128];
};

_Static_assert(sizeof(option_table) / sizeof(option_table[0]) < 64, "getopt_tables has room");

static void make_getopt_tables(struct getopt_tables *t)
{
	size_t n = 1;

	memset(t, 0, sizeof(*t));
	t->shorts[0] = ':';
	for (size_t i = 0; i < option_count; i++) {
		const struct option_info *o = &option_table[i];

		t->longs[i] = (struct option){
			.name = o->name,
			.has_arg = takes_value(o) ? required_argument : no_argument,
			.val = 256 + i,
		};
		if (!o->letter)
			continue;
		t->shorts[n++] = o->letter;
		if (takes_value(o))
			t->shorts[n++] = ':';
	}
}

static const struct option_info *option_of(int value)
{
	if (value >= 256 && value < 256 + (int)option_count)
		return &option_table[value - 256];
	for (size_t i = 0; i < option_count; i++)
		if (option_table[i].letter && option_table[i].letter == value)
			return &option_table[i];
	return NULL;
}

static size_t common_prefix(const char *a, const char *b)
{
	size_t n = 0;

	while (a[n] && a[n] == b[n])
		n++;
	return n;
}

/* The name most like a mistyped one: by common beginning, then by length. */
static const char *nearest_name(const char *text)
{
	const char *best = option_table[0].name;
	int best_score = -1000;

	for (size_t i = 0; i < option_count; i++) {
		const char *name = option_table[i].name;
		int score = 4 * (int)common_prefix(name, text) -
			    abs((int)strlen(name) - (int)strlen(text));

		if (score > best_score) {
			best = name;
			best_score = score;
		}
	}
	return best;
}

static int refuse_argument(int found, char **argv)
{
	const char *word = argv[optind - 1];
	const struct option_info *o = option_of(optopt);

	if (found == ':') {
		log_error("%s: needs a value: %s; see weir --help-all", word,
			  o && o->metavar ? o->metavar : "one");
	} else if (optopt >= 256) {
		log_error("%s: takes no value; see weir --help-all", word);
	} else if (optopt) {
		log_error("-%c: unknown option; see weir --help-all", optopt);
	} else {
		int length = strcspn(word, "=");

		log_error("%.*s: unknown option; did you mean --%s? See weir --help-all", length,
			  word, nearest_name(word + 2));
	}
	return -EINVAL;
}

/* The words behind the options, joined by spaces, are the filter: tcpdump's way. */
static int join_filter(struct config *config, int count, char **words)
{
	size_t length = 0;
	char *text;

	if (!count)
		return 0;
	if (config->filter && *config->filter) {
		log_error("filter: \"%s\" comes after --filter; give one of them", words[0]);
		return -EINVAL;
	}
	for (int i = 0; i < count; i++)
		length += strlen(words[i]) + 1;
	text = calloc(1, length);
	if (!text)
		return -ENOMEM;
	for (int i = 0; i < count; i++) {
		if (i)
			strcat(text, " ");
		strcat(text, words[i]);
	}
	free(config->filter);
	config->filter = text;
	return 0;
}

static enum options_action action_of(const struct option_info *o)
{
	return !strcmp(o->name, "help")      ? OPTIONS_HELP
	       : !strcmp(o->name, "version") ? OPTIONS_VERSION
					     : OPTIONS_HELP_ALL;
}

/* pass 0 looks only for actions and -c, so that the file and the environment come before argv. */
static int read_argv(struct config *config, int argc, char **argv, enum options_action *action,
		     int pass)
{
	struct getopt_tables tables;
	char where[80];
	int found, err;

	make_getopt_tables(&tables);
	optind = 0;
	opterr = 0;
	while ((found = getopt_long(argc, argv, tables.shorts, tables.longs, NULL)) != -1) {
		const struct option_info *o = option_of(found);

		if (!o || found == '?' || found == ':')
			return refuse_argument(found, argv);
		if (o->type == OPTION_ACTION)
			*action = action_of(o);
		if (o->type == OPTION_ACTION || (pass == 0) != (o->offset == AT(config_file)))
			continue;
		snprintf(where, sizeof(where), "--%s", o->name);
		err = option_set(config, o, optarg ? optarg : "true", where, LEVEL_ARGV);
		if (err)
			return err;
	}
	return pass ? join_filter(config, argc - optind, argv + optind) : 0;
}

int options_parse(struct config *config, int argc, char **argv, enum options_action *action)
{
	const char *file;
	int err = set_defaults(config);

	*action = OPTIONS_RUN;
	if (!err)
		err = read_argv(config, argc, argv, action, 0);
	if (err || *action != OPTIONS_RUN)
		return err;
	file = config->config_file ? config->config_file : getenv("WEIR_CONFIG");
	if (file)
		err = options_read_yaml(config, file, LEVEL_FILE);
	if (!err)
		err = read_environment(config);
	if (!err)
		err = read_argv(config, argc, argv, action, 1);
	return err;
}

void config_free(struct config *config)
{
	for (size_t i = 0; i < option_count; i++) {
		const struct option_info *o = &option_table[i];

		if (o->type == OPTION_TEXT)
			free(*(char **)((char *)config + o->offset));
		else if (o->type == OPTION_LIST)
			list_clear((struct string_list *)((char *)config + o->offset));
	}
	*config = (struct config){ 0 };
}
