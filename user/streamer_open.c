/* SPDX-License-Identifier: BSD-2-Clause */
/* From settings to a source that waits for its first step. Inputs are opened before outputs. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "interface.h"
#include "names.h"
#include "options.h"
#include "output.h"
#include "streamer.h"
#include "watch_list.h"

static int out_of_memory(void)
{
	log_error("out of memory at the start; free some, or set --max-flows");
	return -ENOMEM;
}

/* --- settings --------------------------------------------------------------------------------- */

/* "name=value", or a flag's "name". */
static int apply_setting(struct config *config, const char *setting)
{
	size_t length = strcspn(setting, "=");
	const char *value = setting[length] ? setting + length + 1 : "true";
	char name[OPTION_NAME_SIZE + 1];
	const struct option_info *o = NULL;

	if (length <= OPTION_NAME_SIZE) {
		memcpy(name, setting, length);
		name[length] = '\0';
		o = option_by_name(name);
	}
	if (!o || o->type == OPTION_ACTION || o->type == OPTION_CONFIG) {
		log_error("%.*s: unknown setting; weir --help-all lists them", (int)length,
			  setting);
		return -EINVAL;
	}
	return option_set(config, o, value, o->name, LEVEL_ARGV);
}

static int apply_settings(struct config *config, const struct weir_streamer_opts *opts)
{
	const char *const *setting = opts->settings;
	int err = options_begin(config);

	while (!err && setting && *setting)
		err = apply_setting(config, *setting++);
	return err ? err : options_end(config);
}

/* A file if there is one of that name, else an interface. */
static int add_source(struct config *config, const char *source)
{
	struct stat st;
	bool file = !strcmp(source, "-") || stat(source, &st) == 0;
	const struct option_info *o = option_by_name(file ? "read" : "interface");

	return option_set(config, o, source, "source", LEVEL_ARGV);
}

static int check_source(const struct config *config)
{
	if (config->read_files.count && config->interfaces.count) {
		log_error("-r and -i: packets come from files or from interfaces; give one of "
			  "them");
		return -EINVAL;
	}
	if (!config->read_files.count && !config->interfaces.count) {
		log_error("nothing to read: give -r FILE or -i NAME; see weir --help");
		return -EINVAL;
	}
	return 0;
}

static int read_settings(struct config *config, const struct weir_streamer_opts *opts)
{
	enum options_action action = OPTIONS_RUN;
	int err;

	if (opts->argc)
		err = options_parse(config, opts->argc, (char **)opts->argv, &action);
	else
		err = apply_settings(config, opts);
	if (!err && action != OPTIONS_RUN) {
		log_error("--help and --version are for the weir command; leave them out");
		err = -EINVAL;
	}
	if (!err && opts->source)
		err = add_source(config, opts->source);
	return err ? err : check_source(config);
}

/* --- parts ------------------------------------------------------------------------------------ */

static int open_dissector(struct weir_streamer *s)
{
	const struct dissect_config config = {
		.max_tcp = s->config.max_tcp_dissections,
		.max_udp = s->config.max_udp_dissections,
		.max_other = 1,
	};

	if (!(s->columns.need & NEED_DISSECT))
		return 0;
	s->dissector = dissector_new(&config);
	return s->dissector ? 0 : out_of_memory();
}

/* Sockets of the namespace where weir runs are those of what it watches. */
static int open_owners(struct weir_streamer *s)
{
	struct owners_config config = { 0 };
	struct stat st;

	if (!s->config.attribute || !s->config.interfaces.count)
		return 0;
	if (stat("/proc/self/ns/net", &st) == 0)
		config.netns = (uint32_t)st.st_ino;
	if (s->config.attribute >> ATTRIBUTE_PODS & 1) {
		config.pod_logs = s->config.pod_logs;
		config.service_account = s->config.service_account;
	}
	s->owners = owners_new(&config);
	return s->owners ? 0 : out_of_memory();
}

static void fill_meter_config(struct weir_streamer *s, const struct flow_table_parts *parts)
{
	s->meter_config = (struct meter_config){
		.idle_ns = s->config.idle_ns,
		.active_ns = s->config.active_ns,
		.tunnels = s->config.tunnels,
		.accounting = s->config.accounting,
		.stats = !!(s->columns.need & NEED_STATS),
		.tcp = !!(s->columns.need & NEED_TCP),
		.tcp_end = s->config.tcp_end,
		.every_packet = plugins_first_packets(s->plugins) == WEIR_EVERY_PACKET,
	};
	flow_table_first_packets(parts, &s->meter_config);
}

/* The kernel program, or with --hook auto libpcap when that is not possible. */
static int open_interfaces(struct weir_streamer *s)
{
	int err;

	if (s->config.hook == HOOK_PCAP)
		return source_live_open(&s->live, &s->config);
	err = source_bpf_open(&s->bpf, &s->config, &s->meter_config);
	if (!err || err == -EINVAL || s->config.hook != HOOK_AUTO)
		return err;
	if (err == -ENODEV) /* which no other hook mends */
		return err;
	/* which libpcap cannot do */
	if (s->config.pin || s->config.attribute || s->config.netns.count) {
		log_error("%s", source_bpf_reason());
		return err;
	}
	if (!s->config.quiet)
		log_warning("watching through libpcap: %s", source_bpf_reason());
	return source_live_open(&s->live, &s->config);
}

/* NULL: files. */
static const struct watch_list *watched_of(const struct weir_streamer *s)
{
	if (s->bpf)
		return source_bpf_watched(s->bpf);
	return s->live ? source_live_watched(s->live) : NULL;
}

/* Counts that are not what somebody may expect; source_live.c knows its own. */
static void warn_of_interfaces(const struct config *config, const struct watch_list *watched)
{
	for (uint32_t i = 1; i <= watch_list_last(watched); i++) {
		const struct watched *w = watch_list_at(watched, i);
		const char *name = w ? w->name : "";

		if (config->direction == DIRECTION_OUT && interface_is_loopback(name))
			log_warning("%s: a packet is counted where it comes in again, so with "
				    "--direction out none is; leave it out",
				    name);
		if (w && config->hook == HOOK_XDP_GENERIC)
			interface_warn_of_offloads(name);
	}
}

static int open_source(struct weir_streamer *s)
{
	int err;

	if (!s->config.interfaces.count)
		return source_pcap_open(&s->pcap, &s->config);
	err = open_interfaces(s);
	if (!err && !s->config.quiet)
		warn_of_interfaces(&s->config, watched_of(s));
	return err;
}

static void tell_metrics(void *context)
{
	streamer_tell_metrics(context);
}

int streamer_begin(struct weir_streamer *s)
{
	const struct source_parts parts = {
		.meter_config = &s->meter_config,
		.meter = s->meter,
		.flows = s->flows,
		.owners = s->owners,
		.ledger = &s->ledger,
		.stop = &s->stop,
		.waits = s->metrics ? tell_metrics : NULL,
		.waits_context = s,
	};

	if (s->bpf)
		return source_bpf_begin(s->bpf, &parts);
	return s->live ? source_live_begin(s->live, &parts) : source_pcap_begin(s->pcap, &parts);
}

static int describe_columns(struct weir_streamer *s)
{
	s->infos = calloc(s->columns.count + 1, sizeof(*s->infos));
	if (!s->infos)
		return out_of_memory();
	for (size_t i = 0; i < s->columns.count; i++) {
		const struct field *f = s->columns.items[i];

		s->infos[i] = (struct weir_column){
			.name = f->name,
			.unit = f->unit,
			.help = f->help,
			.type = weir_type_of(f->type),
			.ipfix_enterprise = IPFIX_IS_OWN(f->ipfix) ? s->config.ipfix_pen
								   : IPFIX_ENTERPRISE(f->ipfix),
			.ipfix_id = IPFIX_ID(f->ipfix),
		};
	}
	return 0;
}

static bool any_output_has(const struct config *config, enum output_columns columns)
{
	for (size_t i = 0; i < config->outputs.count; i++)
		if (output_columns_of(config->outputs.items[i]) == columns)
			return true;
	return false;
}

/* Of outputs in which the records of many runs meet. */
static int open_identified(struct weir_streamer *s, struct columns *out,
			   const struct config *config, const struct field *added, size_t count)
{
	int err = columns_select(out, config, added, count);

	if (err)
		return err;
	columns_identify(out);
	s->columns.need |= out->need;
	return names_plan(out, config->names);
}

/* IPFIX and NetFlow v9 export everything, unless --fields or --profile say what. */
static int open_all_columns(struct weir_streamer *s, const struct field *added, size_t count)
{
	struct config everything = s->config;

	if (!any_output_has(&s->config, OUTPUT_ALL) || s->config.fields ||
	    s->config.profile != PROFILE_SEED)
		return 0;
	everything.profile = PROFILE_ALL;
	return open_identified(s, &s->all_columns, &everything, added, count);
}

static int open_named_columns(struct weir_streamer *s, const struct field *added, size_t count)
{
	if (!any_output_has(&s->config, OUTPUT_NAMED))
		return 0;
	return open_identified(s, &s->named_columns, &s->config, added, count);
}

static int open_columns(struct weir_streamer *s)
{
	size_t count;
	const struct field *added = plugins_fields(s->plugins, &count);
	int err = columns_select(&s->columns, &s->config, added, count);

	if (!err)
		err = names_plan(&s->columns, s->config.names);
	if (!err)
		err = open_all_columns(s, added, count);
	if (!err)
		err = open_named_columns(s, added, count);
	if (s->config.metrics && s->config.dissect)
		s->columns.need |= NEED_DISSECT; /* which tell applications, whatever the columns */
	return err ? err : describe_columns(s);
}

/* Sinks can be exchanged before the first record: weir_streamer__write() does. */
static int open_meter(struct weir_streamer *s, struct flow_table_parts *parts)
{
	s->queue = record_queue_new(s->plugins);
	if (!s->queue)
		return out_of_memory();
	parts->sink = record_queue_sink(s->queue);
	s->flows = flow_table_new(parts);
	if (!s->flows)
		return out_of_memory();
	s->meter = host_meter_new(&s->meter_config, s->config.max_flows, s->flows, &s->ledger);
	return s->meter ? 0 : out_of_memory();
}

int streamer_open_parts(struct weir_streamer *s, const struct weir_streamer_opts *opts)
{
	struct flow_table_parts parts = {
		.config = &s->config,
		.columns = &s->columns,
		.ledger = &s->ledger,
	};
	int err = read_settings(&s->config, opts);

	if (!err)
		err = plugins_open(&s->plugins, &s->config, opts->plugins, opts->plugin_data,
				   &s->ledger);
	if (!err)
		err = open_columns(s);
	if (!err)
		err = open_owners(s);
	if (!err)
		err = enricher_open(&s->enricher, &s->config, s->columns.need, &s->ledger);
	if (!err)
		err = open_dissector(s);
	if (err)
		return err;
	if (s->config.metrics)
		err = metrics_open(&s->metrics, &s->config);
	if (err)
		return err;
	parts.metrics = s->metrics;
	parts.owners = s->owners;
	parts.enricher = s->enricher;
	parts.dissector = s->dissector;
	parts.plugins = s->plugins;
	fill_meter_config(s, &parts);
	err = open_source(s);
	parts.watched = watched_of(s);
	if (!err)
		err = open_meter(s, &parts);
	s->record.columns = &s->columns;
	return err;
}

void streamer_close_parts(struct weir_streamer *s)
{
	metrics_free(s->metrics);
	source_bpf_close(s->bpf); /* it may hold packets of the meter's flows */
	source_live_close(s->live);
	source_pcap_close(s->pcap);
	if (s->meter)
		host_meter_forget_all(s->meter);
	host_meter_free(s->meter);
	flow_table_free(s->flows);
	record_queue_free(s->queue);
	if (s->exporters)
		exporters_discard(s->exporters);
	weir_record_destroy(&s->record);
	dissector_free(s->dissector);
	owners_free(s->owners);
	enricher_free(s->enricher);
	columns_free(&s->columns);
	columns_free(&s->all_columns);
	columns_free(&s->named_columns);
	plugins_close(s->plugins);
	free(s->infos);
	config_free(&s->config);
}
