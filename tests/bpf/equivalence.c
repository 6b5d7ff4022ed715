/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One meter, the whole way: each capture through weir as a file, and through weir's kernel program
 * (BPF_PROG_TEST_RUN, as XDP and as TC) with the agent that joins its events. The records, every
 * column of them, must be the same text. Prints TAP.
 *
 * usage: equivalence CAPTURE...
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bpf_probe.h"
#include "bpf_ring.h"
#include "capture.h"
#include "dissect.h"
#include "ethernet.h"
#include "exporter.h"
#include "flow_table.h"
#include "host_meter.h"
#include "kernel_flows.h"
#include "meter/fragment.h"
#include "options.h"
#include "record.h"
#include "run.h"

#define MIN_FRAME    14   /* XDP's test_run takes no less */
#define MIN_FRAME_TC 54   /* TC's refuses some that are shorter than their IP header */
#define MAX_FRAME_TC 3712 /* and TC's no more: a page less what surrounds an skb's data */
#define MAX_FRAME    37000

/* Variables of the program: its .bss. */
struct test_variables {
	uint64_t now_ns;
	uint32_t wire_len;
};

struct kernel_run {
	struct config config;
	struct meter_config meter_config;
	struct columns columns;
	struct dissector *dissector;
	struct exporters *exporters;
	struct flow_table *flows;
	struct host_meter *meter;
	struct kernel_flows *kernel;
	struct bpf_probe *probe;
	struct bpf_ring *ring;
	struct ledger ledger;
	struct test_variables *variables;
	int program;
	uint64_t packets, metered, packet_ns, clock_ns;
	uint32_t sweep_every; /* packets; 0 = at the end only */
	int error;
};

/* --- the agent's turn, by the test's clock ---------------------------------------------------- */

static int port_reopen(void *context, struct reopen_args *args)
{
	return bpf_probe_reopen(context, args);
}

static void port_sate(void *context, const struct sated_flow *flows, uint32_t count)
{
	bpf_probe_sate(context, flows, count);
}

static void read_ring(struct kernel_run *k)
{
	bpf_ring_read(k->ring);
	kernel_flows_flush(k->kernel);
}

/* No packet is in flight in a test of one thread, so an epoch ends without a grace period. */
static void collect(struct kernel_run *k, uint32_t count, bool all)
{
	struct collect_args args = {
		.count = count,
		.all = all,
		.epoch = bpf_probe_control(k->probe)->epoch++,
		.now_ns = k->clock_ns ? k->clock_ns : 1,
	};

	k->error |= bpf_probe_collect(k->probe, &args);
	read_ring(k);
}

static void collect_closed(struct kernel_run *k)
{
	uint32_t count = kernel_flows_closed(k->kernel, bpf_probe_closing(k->probe), CLOSING_KEYS);

	if (!count)
		return;
	collect(k, count, false);
	kernel_flows_collected(k->kernel, count);
}

static uint32_t sweep(struct kernel_run *k, bool all)
{
	struct sweep_args args = {
		.all = all,
		.idle_ns = k->config.idle_ns,
		.now_ns = k->clock_ns ? k->clock_ns : 1,
	};

	k->error |= bpf_probe_sweep(k->probe, &args);
	return args.listed;
}

/* The host meter's clock: the older of the last two times of packets that were counted. */
static void advance_clock(struct kernel_run *k, uint64_t now_ns)
{
	struct kernel_ledger ledger;

	k->error |= bpf_probe_ledger(k->probe, &ledger);
	if (ledger.value[KERNEL_METERED] == k->metered)
		return;
	k->metered = ledger.value[KERNEL_METERED];
	k->clock_ns = now_ns < k->packet_ns ? now_ns : k->packet_ns;
	k->packet_ns = now_ns;
}

static bool on_packet(void *context, const struct capture_packet *packet)
{
	struct kernel_run *k = context;
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = packet->bytes,
		    .data_size_in = packet->captured);
	uint32_t listed;

	k->variables->now_ns = packet->time_ns;
	k->variables->wire_len = packet->wire_len;
	if (bpf_prog_test_run_opts(k->program, &opts))
		k->error = -errno;
	read_ring(k);
	collect_closed(k);
	advance_clock(k, packet->time_ns);
	k->packets++;
	if (k->sweep_every && k->packets % k->sweep_every == 0) {
		listed = sweep(k, false);
		if (listed)
			collect(k, listed, false);
	}
	return !k->error;
}

/*
 * Variants of settings and of how often the agent looks. A record does not depend on that, but for
 * its reason where a file's time runs backwards; the last variant has no column of it.
 */
static const struct variant {
	const char *name, *program;
	uint32_t min_frame, max_frame, sweep_every;
	const char *settings[12];
} variants[] = {
	{ "xdp",
	  "weir_xdp",
	  MIN_FRAME,
	  MAX_FRAME,
	  1,
	  { "--profile", "all", "--stats", "--splt", "8", "--idle-timeout", "1", "--active-timeout",
	    "5", NULL } },
	{ "tc",
	  "weir_tc",
	  MIN_FRAME_TC,
	  MAX_FRAME_TC,
	  1,
	  { "--profile", "all", "--stats", "--splt", "8", "--idle-timeout", "30",
	    "--active-timeout", "300", "--tcp-end", NULL } },
	{ "xdp, no sweep",
	  "weir_xdp",
	  MIN_FRAME,
	  MAX_FRAME,
	  0,
	  { "--profile", "seed", "--tunnels", "none", "--accounting", "ip", "--idle-timeout", "2",
	    "--active-timeout", "3", NULL } },
};

/* --- both runs -------------------------------------------------------------------------------- */

#define WORDS 32

/* The command line of a run; its length. */
static int command_line(const char **argv, const char *capture, const char *records,
			const char *const *settings)
{
	const char *const front[] = { "weir",          "-q",   "-r",
				      capture,         "-o",   records,
				      "--map-entries", "4096", "--probe-name",
				      "test" };
	int argc = sizeof(front) / sizeof(front[0]);

	memcpy(argv, front, sizeof(front));
	while (*settings)
		argv[argc++] = *settings++;
	argv[argc] = NULL;
	return argc;
}

static int parse(struct config *config, const char *capture, const char *records,
		 const char *const *settings)
{
	const char *argv[WORDS];
	int argc = command_line(argv, capture, records, settings);
	enum options_action action;

	return options_parse(config, argc, (char **)argv, &action);
}

static void close_kernel(struct kernel_run *k)
{
	if (k->variables)
		munmap(k->variables, sizeof(*k->variables));
	bpf_ring_free(k->ring);
	kernel_flows_free(k->kernel);
	host_meter_free(k->meter);
	flow_table_free(k->flows);
	dissector_free(k->dissector);
	columns_free(&k->columns);
	config_free(&k->config);
}

static int open_agent(struct kernel_run *k)
{
	const struct dissect_config dissect = { .max_tcp = k->config.max_tcp_dissections,
						.max_udp = k->config.max_udp_dissections,
						.max_other = 1 };

	const struct exporters_parts outputs = {
		.config = &k->config,
		.columns = &k->columns,
		.ledger = &k->ledger,
	};
	struct flow_table_parts parts = {
		.config = &k->config,
		.columns = &k->columns,
		.ledger = &k->ledger,
	};

	if (columns_select(&k->columns, &k->config, NULL, 0))
		return -1;
	k->dissector = dissector_new(&dissect);
	k->meter_config = (struct meter_config){
		.idle_ns = k->config.idle_ns,
		.active_ns = k->config.active_ns,
		.tunnels = k->config.tunnels,
		.accounting = k->config.accounting,
		.stats = !!(k->columns.need & NEED_STATS),
		.tcp = !!(k->columns.need & NEED_TCP),
		.tcp_end = k->config.tcp_end,
	};
	parts.dissector = k->dissector;
	flow_table_first_packets(&parts, &k->meter_config);
	if (exporters_open(&k->exporters, &outputs) || exporters_begin(k->exporters))
		return -1;
	parts.sink = exporters_sink(k->exporters);
	k->flows = flow_table_new(&parts);
	k->meter = host_meter_new(&k->meter_config, 0, k->flows, &k->ledger);
	return 0;
}

/* Later fragments of one capture have no first ones in another. */
static void forget_fragments(const struct bpf_probe *probe)
{
	static const char none[8 + sizeof(struct fragment_slot)];
	int map = bpf_probe_map(probe, "fragments");

	for (uint32_t i = 0; i < FRAGMENT_SLOTS; i++)
		bpf_map_update_elem(map, &i, none, BPF_ANY);
}

/* The program is loaded once for all captures: whatever they leave in its maps is a failure. */
static int open_kernel(struct kernel_run *k, const char *program, struct bpf_probe **probe)
{
	const struct bpf_probe_test test = { .clock = true };
	struct kernel_port port = { .reopen = port_reopen, .sate = port_sate };
	struct kernel_ledger before;
	void *bss;

	if (open_agent(k))
		return -1;
	if (!*probe && bpf_probe_open(probe, &k->config, &k->meter_config, &test)) {
		printf("# %s\n", bpf_probe_reason());
		return -1;
	}
	k->probe = *probe;
	forget_fragments(k->probe);
	port.context = k->probe;
	k->program = bpf_probe_program_named(k->probe, program);
	bss = mmap(NULL, sizeof(*k->variables), PROT_READ | PROT_WRITE, MAP_SHARED,
		   bpf_probe_map(k->probe, "weir.bss"), 0);
	if (bss == MAP_FAILED)
		return -1;
	k->variables = bss;
	if (bpf_probe_ledger(k->probe, &before))
		return -1;
	k->metered = before.value[KERNEL_METERED];
	k->kernel = kernel_flows_new(&k->meter_config, &port, k->meter, k->flows, &k->ledger);
	k->ring = bpf_ring_new(bpf_probe_map(k->probe, "events"), BPF_PROBE_RING_BYTES,
			       &bpf_probe_control(k->probe)->account, k->kernel);
	return 0;
}

static int finish_kernel(struct kernel_run *k)
{
	uint32_t listed = sweep(k, true);

	if (listed)
		collect(k, listed, true);
	host_meter_end_all(k->meter, FLOW_END_FORCED);
	if (bpf_probe_control(k->probe)->live)
		return -EBUSY;
	if (exporters_close(k->exporters))
		return -1;
	k->exporters = NULL;
	return k->error;
}

static int run_kernel(const char *capture, const char *records, const struct variant *v,
		      struct bpf_probe **probe)
{
	struct kernel_run k = { .sweep_every = v->sweep_every };
	int err = parse(&k.config, capture, records, v->settings);

	if (!err)
		err = open_kernel(&k, v->program, probe);
	if (!err && !capture_read(capture, on_packet, &k))
		err = -1;
	if (!err)
		err = finish_kernel(&k);
	else if (k.exporters)
		exporters_discard(k.exporters);
	close_kernel(&k);
	return err;
}

static int run_host(const char *capture, const char *records, const char *const *settings)
{
	const char *argv[WORDS];
	int argc = command_line(argv, capture, records, settings);

	return weir_run(argc, (char **)argv);
}

/* --- comparison ------------------------------------------------------------------------------- */

struct lines {
	char *text, **line;
	size_t count;
};

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void read_lines(struct lines *l, const char *path)
{
	FILE *f = fopen(path, "r");
	long size = 0;

	*l = (struct lines){ 0 };
	if (f && !fseek(f, 0, SEEK_END))
		size = ftell(f);
	l->text = calloc(1, size + 1);
	l->line = calloc(size + 1, sizeof(*l->line));
	if (f) {
		rewind(f);
		if (fread(l->text, 1, size, f) != (size_t)size)
			size = 0;
		fclose(f);
	}
	for (char *at = strtok(l->text, "\n"); at; at = strtok(NULL, "\n"))
		l->line[l->count++] = at;
	qsort(l->line, l->count, sizeof(*l->line), by_text);
}

static void free_lines(struct lines *l)
{
	free(l->text);
	free(l->line);
}

/* The first difference of two sorted sets of records, into why. */
static bool same_lines(const struct lines *a, const struct lines *b, char *why, size_t size)
{
	for (size_t i = 0; i < a->count || i < b->count; i++) {
		const char *x = i < a->count ? a->line[i] : "(no more)";
		const char *y = i < b->count ? b->line[i] : "(no more)";

		if (!strcmp(x, y))
			continue;
		snprintf(why, size, "records %zu and %zu\n#   file:   %s\n#   kernel: %s", a->count,
			 b->count, x, y);
		return false;
	}
	return true;
}

static char folder[] = "/tmp/weir-equivalence-XXXXXX";
static int failed, count;

static void compare(const struct variant *v, const char *path, struct bpf_probe **probe)
{
	const char *name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
	char capture[64], out[2][64], target[2][80], why[4400] = "";
	struct ethernet_counts frames;
	struct lines file, kernel;
	bool good;

	snprintf(capture, sizeof(capture), "%s/capture", folder);
	for (int i = 0; i < 2; i++) {
		snprintf(out[i], sizeof(out[i]), "%s/%d.csv", folder, i);
		snprintf(target[i], sizeof(target[i]), "csv:%.70s", out[i]);
		unlink(out[i]);
	}
	if (ethernet_convert(path, capture, v->min_frame, v->max_frame, &frames))
		return;
	good = !run_host(capture, target[0], v->settings) &&
	       !run_kernel(capture, target[1], v, probe);
	read_lines(&file, out[0]);
	read_lines(&kernel, out[1]);
	if (!good)
		snprintf(why, sizeof(why), "a run failed");
	good = good && file.count && same_lines(&file, &kernel, why, sizeof(why));
	failed |= !good;
	printf("%sok %d - equivalence %s %s: %lu frames, %zu records", good ? "" : "not ", ++count,
	       v->name, name, (unsigned long)frames.written, file.count ? file.count - 1 : 0);
	if (frames.longer || frames.shorter || frames.refused)
		printf(" (left out: %lu too long, %lu too short, %lu not readable)",
		       (unsigned long)frames.longer, (unsigned long)frames.shorter,
		       (unsigned long)frames.refused);
	if (frames.raised)
		printf(" (%lu of a time long past)", (unsigned long)frames.raised);
	printf("\n");
	if (!good)
		printf("# %s\n", why);
	fflush(stdout);
	free_lines(&file);
	free_lines(&kernel);
	unlink(capture);
	unlink(out[0]);
	unlink(out[1]);
}

int main(int argc, char **argv)
{
	if (!mkdtemp(folder))
		return 1;
	for (size_t v = 0; v < sizeof(variants) / sizeof(variants[0]); v++) {
		struct bpf_probe *probe = NULL;

		for (int i = 1; i < argc; i++)
			compare(&variants[v], argv[i], &probe);
		bpf_probe_close(probe);
	}
	printf("1..%d\n", count);
	rmdir(folder);
	return failed;
}
