/* SPDX-License-Identifier: BSD-2-Clause */
#include "run.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "clock.h"
#include "counters.h"
#include "dissect.h"
#include "exporter.h"
#include "flow_table.h"
#include "host_meter.h"
#include "interface.h"
#include "log.h"
#include "record.h"
#include "source_bpf.h"
#include "source_live.h"
#include "source_pcap.h"
#include "stats_line.h"
#include "summary.h"

#define NS_PER_S 1000000000ull

struct run {
	const struct config *config;
	struct meter_config meter_config;
	struct columns columns;
	struct dissector *dissector;
	struct exporters *exporters;
	struct flow_table *flows;
	struct host_meter *meter;
	struct source_bpf *bpf; /* one of the two, or NULL: files */
	struct source_live *live;
	struct ledger ledger;
	struct stats_line stats;
};

static volatile bool stop_requested;
static volatile bool summary_requested;

static void on_stop(int signal)
{
	(void)signal;
	stop_requested = true;
}

static void on_summary(int signal)
{
	(void)signal;
	summary_requested = true;
}

/* SIGUSR1 must not interrupt a read or a write: it would look like a broken file. */
static void catch_signals(void)
{
	struct sigaction stop = { .sa_handler = on_stop };
	struct sigaction summary = { .sa_handler = on_summary, .sa_flags = SA_RESTART };
	struct sigaction ignore = { .sa_handler = SIG_IGN };

	sigaction(SIGINT, &stop, NULL);
	sigaction(SIGTERM, &stop, NULL);
	sigaction(SIGUSR1, &summary, NULL);
	sigaction(SIGPIPE, &ignore, NULL); /* a closed pipe shows as EPIPE */
}

static int out_of_memory(void)
{
	log_error("out of memory at the start; free some, or set --max-flows");
	return -ENOMEM;
}

static int open_dissector(struct run *run)
{
	const struct dissect_config config = {
		.max_tcp = run->config->max_tcp_dissections,
		.max_udp = run->config->max_udp_dissections,
		.max_other = 1,
	};

	if (!(run->columns.need & NEED_DISSECT))
		return 0;
	run->dissector = dissector_new(&config);
	return run->dissector ? 0 : out_of_memory();
}

static void fill_meter_config(struct run *run)
{
	run->meter_config = (struct meter_config){
		.idle_ns = run->config->idle_ns,
		.active_ns = run->config->active_ns,
		.tunnels = run->config->tunnels,
		.accounting = run->config->accounting,
		.stats = !!(run->columns.need & NEED_STATS),
		.tcp = !!(run->columns.need & NEED_TCP),
		.tcp_end = run->config->tcp_end,
	};
	flow_table_first_packets(run->config, &run->columns, run->dissector != NULL,
				 &run->meter_config);
}

/* The kernel program, or with --hook auto libpcap when that is not possible. */
static int open_interfaces(struct run *run)
{
	int err;

	if (run->config->hook == HOOK_PCAP)
		return source_live_open(&run->live, run->config);
	err = source_bpf_open(&run->bpf, run->config, &run->meter_config);
	if (!err || err == -EINVAL || run->config->hook != HOOK_AUTO)
		return err;
	if (err == -ENODEV) /* which no other hook mends */
		return err;
	if (run->config->pin) {
		log_error("%s", source_bpf_reason());
		return err;
	}
	if (!run->config->quiet)
		log_warning("watching through libpcap: %s", source_bpf_reason());
	return source_live_open(&run->live, run->config);
}

/* Counts that are not what somebody may expect; source_live.c knows its own. */
static void warn_of_interfaces(const struct config *config)
{
	for (size_t i = 0; i < config->interfaces.count; i++) {
		const char *name = config->interfaces.items[i];

		if (config->direction == DIRECTION_OUT && interface_is_loopback(name))
			log_warning("%s: a packet is counted where it comes in again, so with "
				    "--direction out none is; leave it out",
				    name);
		if (config->hook == HOOK_XDP_GENERIC)
			interface_warn_of_offloads(name);
	}
}

/* Inputs before outputs: no file is made for a run that cannot begin. */
static int run_open(struct run *run)
{
	int err = columns_select(&run->columns, run->config);

	if (!err)
		err = open_dissector(run);
	if (err)
		return err;
	fill_meter_config(run);
	err = run->config->interfaces.count ? open_interfaces(run) : source_pcap_check(run->config);
	if (!err)
		err = exporters_open(&run->exporters, run->config, &run->columns);
	if (err)
		return err;
	if (!run->config->quiet)
		warn_of_interfaces(run->config);
	run->flows = flow_table_new(run->config, &run->columns, run->dissector, run->exporters,
				    &run->ledger);
	if (!run->flows)
		return out_of_memory();
	run->meter = host_meter_new(&run->meter_config, run->config->max_flows, run->flows,
				    &run->ledger);
	return run->meter ? 0 : out_of_memory();
}

/* What happened so far, the kernel's part included. */
static struct ledger run_ledger(const struct run *run)
{
	struct ledger all = run->ledger;

	if (run->bpf)
		source_bpf_ledger(run->bpf, &run->ledger, &all);
	return all;
}

static uint64_t cpu_ns(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * NS_PER_S +
	       (usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1000ull;
}

static struct stats_moment run_moment(const struct run *run)
{
	struct ledger all = run_ledger(run);
	struct stats_moment now = {
		.time_ns = monotonic_ns(),
		.packets = all.value[COUNTER_SEEN],
		.bytes = all.value[COUNTER_BYTES],
		.lost = ledger_lost(&all),
		.cpu_ns = cpu_ns(),
		.flows = host_meter_flows(run->meter),
	};

	if (run->bpf) {
		source_bpf_fill(run->bpf, &now.extras.map_flows, &now.extras.map_max);
		now.extras.bpf_ns = source_bpf_run_time_ns(run->bpf);
	}
	return now;
}

static void print_rates(struct run *run)
{
	struct stats_moment now = run_moment(run);
	char line[STATS_LINE_SIZE];

	stats_line_next(&run->stats, &now, line);
	log_progress(NULL);
	fprintf(stderr, "weir: %s\n", line);
}

/* Sources call it now and then where the ledger is whole: what somebody asked to see is told. */
static void run_tick(void *context)
{
	struct run *run = context;

	if (summary_requested) {
		struct ledger all = run_ledger(run);

		summary_requested = false;
		summary_print(&all);
	}
	if (run->stats.interval_ns && stats_line_due(&run->stats, monotonic_ns()))
		print_rates(run);
}

static int run_source(struct run *run)
{
	struct stats_moment now = run_moment(run);

	stats_line_begin(&run->stats, run->config->stats_interval_ns, &now);
	if (run->bpf)
		return source_bpf_run(run->bpf, run->meter, run->flows, &run->ledger,
				      &stop_requested, run_tick, run);
	if (run->live)
		return source_live_run(run->live, &run->meter_config, run->meter, run->flows,
				       &run->ledger, &stop_requested, run_tick, run);
	return source_pcap_run(run->config, &run->meter_config, run->meter, run->flows,
			       &run->ledger, &stop_requested, run_tick, run);
}

static void run_close(struct run *run)
{
	source_bpf_close(run->bpf);
	source_live_close(run->live);
	host_meter_free(run->meter);
	flow_table_free(run->flows);
	dissector_free(run->dissector);
	columns_free(&run->columns);
}

/* What was metered is exported and accounted for, whatever stopped the source. */
static int run_finish(struct run *run, int err)
{
	struct ledger all;
	int export_err;

	host_meter_end_all(run->meter, FLOW_END_FORCED);
	export_err = flow_table_error(run->flows);
	if (export_err)
		exporters_discard(run->exporters);
	else
		export_err = exporters_close(run->exporters);
	if (export_err)
		flow_table_unwritten(run->flows);
	run->exporters = NULL;
	if (export_err == -EPIPE) /* the reader has seen enough: weir ... | head */
		export_err = 0;
	all = run_ledger(run);
	if (!run->config->quiet)
		summary_print(&all);
	if (!err)
		err = export_err;
	if (run->config->summary) {
		int summary_err = summary_write(&all, run->config->summary);

		if (!err)
			err = summary_err;
	}
	return err;
}

int weir_run(const struct config *config)
{
	struct run run = { .config = config };
	int err;

	catch_signals();
	err = run_open(&run);
	if (!err) {
		err = run_source(&run);
		err = run_finish(&run, err);
	} else if (run.exporters) {
		exporters_discard(run.exporters);
	}
	run_close(&run);
	return err == -EINVAL ? RUN_USAGE : err;
}
