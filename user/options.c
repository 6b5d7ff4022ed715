/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What setting an option means, and the order of the sources: defaults, file, environment, command
 * line.
 */
#include "options.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "log.h"
#include "metrics_address.h"
#include "names.h"
#include "parse_value.h"

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
	case OPTION_SIZE: return parse_size(text, o->min, o->max, to);
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
			  o->min, o->max,
			  o->type == OPTION_DURATION ? " seconds"
			  : o->type == OPTION_SIZE   ? " bytes"
						     : "");
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
	case OPTION_SIZE:
		log_error("%s: \"%s\" is not a size; give one with its unit, as in 64MiB or 10MB",
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

/*
 * --max-flows by source: a file ends, a wire does not, and may carry a flood of new flows. Until
 * every level was read MAX_FLOWS_UNSET, above what may be given, stands for "nobody said"; so an
 * explicit 0 is still no bound.
 */
#define MAX_FLOWS_UNSET UINT64_MAX
#define MAX_FLOWS_LIVE  1048576

static void bound_flows(struct config *config)
{
	if (config->max_flows == MAX_FLOWS_UNSET)
		config->max_flows = config->interfaces.count ? MAX_FLOWS_LIVE : 0;
}

int options_begin(struct config *config)
{
	*config = (struct config){ .dissect = true, .max_flows = MAX_FLOWS_UNSET };
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
	if (set_text(&config->probe_name, host) == 0)
		return 0;
	log_error("--probe-name: out of memory; free some");
	return -ENOMEM;
}

/* Together with the probe's name and a flow's number it names a record among those of a fleet. */
static int name_run(struct config *config)
{
	uint64_t bits;

	if (getrandom(&bits, sizeof(bits), 0) != sizeof(bits)) {
		int err = -errno;

		log_error("no random number for the run's id: %s; allow getrandom(2)",
			  strerror(-err));
		return err;
	}
	snprintf(config->run_id, sizeof(config->run_id), "%016" PRIx64, bits);
	return 0;
}

static bool writes_to_file(const struct config *config)
{
	for (size_t i = 0; i < config->outputs.count; i++) {
		const char *target = strchr(config->outputs.items[i], ':');

		if (target && strcmp(target, ":-"))
			return true;
	}
	return false;
}

static bool writes_json(const struct config *config)
{
	for (size_t i = 0; i < config->outputs.count; i++) {
		const char *text = config->outputs.items[i];

		if (!strncmp(text, "json", 4) && (!text[4] || text[4] == ':'))
			return true;
	}
	return false;
}

static int check_metrics(const struct config *config)
{
	struct metrics_address address;

	if (!config->metrics || !metrics_address_parse(config->metrics, &address))
		return 0;
	log_error("--metrics: \"%s\" is no place to listen; give a port, as 9435, or an address of "
		  "this host with it, as 192.0.2.1:9435 or [::1]:9435",
		  config->metrics);
	return -EINVAL;
}

/*
 * An option without effect is no mistake where a file sets it for many runs, so it is only told;
 * but nobody may take a record for anonymous that is not.
 */
static int check_together(const struct config *config)
{
	if ((config->rotate.interval_ns || config->rotate.bytes) && !writes_to_file(config))
		log_warning("--rotate: no output goes to a file; give -o FORMAT:FILE");
	if (config->names != NAMES_PLAIN && !writes_json(config))
		log_warning("--names: no output is json; give -o json");
	if (config->append && !writes_to_file(config))
		log_warning("--append: no output goes to a file; give -o FORMAT:FILE");
	if (config->pin && config->hook == HOOK_PCAP)
		log_warning("--pin: --hook pcap keeps nothing in the kernel; give --hook tc or "
			    "xdp");
	if (config->attribute && !config->interfaces.count)
		log_warning("--attribute: a capture tells no processes; watch an interface");
	if (config->attribute && config->interfaces.count && config->hook == HOOK_PCAP) {
		log_error("--attribute: --hook pcap sees no sockets; give --hook tc or xdp");
		return -EINVAL;
	}
	if (config->netns.count && (config->pin || config->promisc || config->hook == HOOK_PCAP)) {
		log_error("--netns: another namespace is entered for a moment alone; leave out "
			  "--pin, --promisc and --hook pcap");
		return -EINVAL;
	}
	if (config->anonymize_key && !config->anonymize && !config->anonymize_prefix) {
		log_error("--anonymize-key: hides nothing by itself; add --anonymize COLUMNS or "
			  "--anonymize-prefix");
		return -EINVAL;
	}
	return 0;
}

int options_end(struct config *config)
{
	int err = name_probe(config);

	if (!err)
		err = name_run(config);
	bound_flows(config);
	if (!err)
		err = check_metrics(config);
	return err ? err : check_together(config);
}

int options_action(int argc, char **argv, enum options_action *action)
{
	struct config none = { 0 };
	int err;

	*action = OPTIONS_RUN;
	err = options_read_argv(&none, argc, argv, action, 0);
	config_free(&none);
	return err;
}

int options_parse(struct config *config, int argc, char **argv, enum options_action *action)
{
	int err = options_begin(config);

	*action = OPTIONS_RUN;
	if (!err)
		err = options_read_argv(config, argc, argv, action, 0);
	if (err || *action != OPTIONS_RUN)
		return err;
	err = read_file(config);
	if (!err)
		err = options_read_environment(config);
	if (!err)
		err = options_read_argv(config, argc, argv, action, 1);
	return err ? err : options_end(config);
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
