/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Nothing is lost and nothing goes to a wrong flow, whatever the rate: a thread on each CPU runs
 * the kernel program as fast as it can, over flows that end all the time, while the agent's own
 * loop reads, sweeps and collects. Afterwards the packets of all records, flow by flow, are held
 * against the generator's own counts. Prints TAP.
 *
 * usage: exactness STORM_OBJECT [--no-grace | --emulated]
 * --no-grace breaks the closing: the test must fail. --emulated: the machine is too slow for the
 * agent to keep up, so packets may be lost, by name.
 */
#include <bpf/bpf.h>
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include "bpf_probe.h"
#include "counters.h"
#include "exporter.h"
#include "flow_table.h"
#include "host_meter.h"
#include "options.h"
#include "record.h"
#include "source_bpf.h"
#include "storm.h"

#define THREADS    2
#define FRAME_SIZE 60u
#define BATCH      5000 /* runs of the program a system call */

struct scenario {
	const char *name;
	uint32_t flows, spin;
	uint32_t rate; /* packets a second on each CPU at most; 0 = all it can */
	double seconds;
	bool nothing_lost; /* the agent keeps up with what found no room in the map */
	const char *settings[8];
};

#define SPIN 500000 /* some 15 ms, for every 256th packet */

/* spin widens the window between an entry's check and the addition, which the scheme must cover. */
static const struct scenario scenarios[] = {
	{ "5 hot flows cut all the time",
	  5,
	  SPIN,
	  100000,
	  4,
	  true,
	  { "--active-timeout", "0.1", NULL } },
	{ "5,000 flows that fall idle and are cut",
	  5000,
	  SPIN,
	  100000,
	  4,
	  true,
	  { "--idle-timeout", "0.02", "--active-timeout", "2", NULL } },
	{ "200 hot flows, as fast as it goes",
	  200,
	  SPIN,
	  0,
	  4,
	  false,
	  { "--active-timeout", "0.3", NULL } },
	{ "60,000 flows in a map of 65,536",
	  60000,
	  0,
	  0,
	  4,
	  true,
	  { "--map-entries", "65536", NULL } },
	{ "300,000 flows in a map of 65,536",
	  300000,
	  0,
	  0,
	  4,
	  false,
	  { "--map-entries", "65536", NULL } },
	{ "1,000,000 flows in a map of 65,536",
	  1000000,
	  0,
	  0,
	  4,
	  false,
	  { "--map-entries", "65536", NULL } },
};

struct storm {
	const struct scenario *scenario;
	struct config config;
	struct meter_config meter_config;
	struct columns columns;
	struct exporters *exporters;
	struct flow_table *flows;
	struct host_meter *meter;
	struct source_bpf *source;
	struct ledger ledger;
	uint64_t *truth;
	char records[64];
	int program;
	atomic_bool stop;
	uint64_t sent[THREADS];
	bool failed[THREADS];
};

struct generator {
	struct storm *storm;
	int number;
};

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec + now.tv_nsec / 1e9;
}

/* An Ethernet frame with UDP over IPv4; the program fills in the source. */
static void make_frame(uint8_t frame[FRAME_SIZE])
{
	static const uint8_t head[] = { 2,    0,
					0,    0,
					0,    2,
					2,    0,
					0,    0,
					0,    1,
					8,    0, /* Ethernet */
					0x45, 0,
					0,    FRAME_SIZE - 14,
					0,    0,
					0,    0,
					64,   17,
					0,    0,
					10,   0,
					0,    0,
					192,  0,
					2,    1,
					0x9c, 0x40,
					0x23, 0x28,
					0,    FRAME_SIZE - 34,
					0,    0 };

	memset(frame, 0, FRAME_SIZE);
	memcpy(frame, head, sizeof(head));
}

/* A batch that took long is not caught up with: that would be a burst. */
static void pace(const struct storm *s, double batch_began)
{
	double ahead;

	if (!s->scenario->rate)
		return;
	ahead = batch_began + (double)BATCH / s->scenario->rate - seconds();
	if (ahead > 0)
		usleep(ahead * 1e6);
}

static void *generate(void *context)
{
	struct generator *g = context;
	struct storm *s = g->storm;
	uint8_t frame[FRAME_SIZE];
	double began = seconds(), end = began + s->scenario->seconds;
	cpu_set_t cpu;

	CPU_ZERO(&cpu);
	CPU_SET(g->number % sysconf(_SC_NPROCESSORS_ONLN), &cpu);
	pthread_setaffinity_np(pthread_self(), sizeof(cpu), &cpu);
	make_frame(frame);
	for (; began < end && !s->failed[g->number]; began = seconds()) {
		LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = FRAME_SIZE,
			    .repeat = BATCH);

		s->failed[g->number] =
			bpf_prog_test_run_opts(s->program, &opts) || opts.retval != 2;
		s->sent[g->number] += BATCH;
		pace(s, began);
	}
	return NULL;
}

static void *generate_all(void *context)
{
	struct storm *s = context;
	struct generator generators[THREADS];
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++) {
		generators[i] = (struct generator){ s, i };
		pthread_create(&threads[i], NULL, generate, &generators[i]);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	s->stop = true;
	return NULL;
}

static int parse(struct storm *s, char target[80])
{
	const char *argv[24] = { "weir",    "-q",           "-i",
				 "none",    "--no-dissect", "--max-flows",
				 "1048576", "--fields",     "src_ip,total_packets,total_bytes",
				 "-o",      target };
	enum options_action action;
	int argc = 11, err;

	for (const char *const *setting = s->scenario->settings; *setting; setting++)
		argv[argc++] = *setting;
	err = options_parse(&s->config, argc, (char **)argv, &action);
	s->config.interfaces.count = 0; /* nothing is attached */
	return err;
}

static int open_storm(struct storm *s, const struct bpf_probe_test *test)
{
	const struct bpf_probe *probe;
	struct storm_params params = { .flows = s->scenario->flows };
	uint32_t zero = 0;

	const struct exporters_parts outputs = {
		.config = &s->config,
		.columns = &s->columns,
		.ledger = &s->ledger,
	};
	struct flow_table_parts parts = {
		.config = &s->config,
		.columns = &s->columns,
		.ledger = &s->ledger,
	};

	if (columns_select(&s->columns, &s->config, NULL, 0))
		return -1;
	s->meter_config = (struct meter_config){
		.idle_ns = s->config.idle_ns,
		.active_ns = s->config.active_ns,
		.tunnels = s->config.tunnels,
	};
	flow_table_first_packets(&parts, &s->meter_config);
	if (exporters_open(&s->exporters, &outputs) || exporters_begin(s->exporters) ||
	    source_bpf_open_test(&s->source, &s->config, &s->meter_config, test))
		return -1;
	parts.sink = exporters_sink(s->exporters);
	s->flows = flow_table_new(&parts);
	s->meter = host_meter_new(&s->meter_config, s->config.max_flows, s->flows, &s->ledger);
	probe = source_bpf_probe(s->source);
	s->program = bpf_probe_program_named(probe, "storm");
	s->truth = mmap(NULL, STORM_FLOWS * sizeof(*s->truth), PROT_READ, MAP_SHARED,
			bpf_probe_map(probe, "storm_truth"), 0);
	return bpf_map_update_elem(bpf_probe_map(probe, "storm_params"), &zero, &params, BPF_ANY);
}

/* Until somebody says stop; then everything that the kernel and the agent hold. */
static int run_source(struct storm *s, void (*tick)(struct storm *))
{
	const struct source_parts parts = {
		.meter_config = &s->meter_config,
		.meter = s->meter,
		.flows = s->flows,
		.ledger = &s->ledger,
		.stop = &s->stop,
	};
	int err = source_bpf_begin(s->source, &parts);

	while (!err && source_bpf_step(s->source, 20) == 1)
		if (tick)
			tick(s);
	while (!err && source_bpf_finish(s->source))
		;
	host_meter_end_all(s->meter, FLOW_END_FORCED);
	return err;
}

static int run(struct storm *s)
{
	pthread_t generators;
	int err;

	pthread_create(&generators, NULL, generate_all, s);
	err = run_source(s, NULL);
	pthread_join(generators, NULL);
	err |= exporters_close(s->exporters);
	for (int i = 0; i < THREADS; i++)
		err |= s->failed[i];
	return err;
}

struct verdict {
	uint64_t sent, seen, metered, lost, overflow, recorded, bytes, records, wrong, unaccounted;
};

/* What the records hold, flow by flow, against the truth. */
static void read_records(const struct storm *s, struct verdict *v)
{
	uint64_t *held = calloc(STORM_FLOWS, sizeof(*held));
	FILE *f = fopen(s->records, "r");
	unsigned int a, b, c, d;
	unsigned long packets, bytes;
	char line[256];

	while (f && held && fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%u.%u.%u.%u,%lu,%lu", &a, &b, &c, &d, &packets, &bytes) != 6)
			continue;
		held[(b << 16 | c << 8 | d) & (STORM_FLOWS - 1)] += packets;
		v->recorded += packets;
		v->bytes += bytes;
		v->records++;
	}
	for (uint32_t i = 0; held && i < STORM_FLOWS; i++)
		v->wrong += held[i] > s->truth[i] ? held[i] - s->truth[i] : 0;
	if (f)
		fclose(f);
	free(held);
}

static void judge(const struct storm *s, struct verdict *v)
{
	struct ledger all;

	source_bpf_ledger(s->source, &s->ledger, &all);
	for (int i = 0; i < THREADS; i++)
		v->sent += s->sent[i];
	v->seen = all.value[COUNTER_SEEN];
	v->metered = all.value[COUNTER_METERED];
	v->overflow = all.value[COUNTER_OVERFLOW];
	v->lost = all.value[COUNTER_LOST_RING_FULL] + all.value[COUNTER_LOST_NO_MEMORY];
	read_records(s, v);
	v->unaccounted = v->sent - v->lost - v->recorded;
}

static void close_storm(struct storm *s)
{
	if (s->truth)
		munmap(s->truth, STORM_FLOWS * sizeof(*s->truth));
	source_bpf_close(s->source);
	host_meter_free(s->meter);
	flow_table_free(s->flows);
	columns_free(&s->columns);
	config_free(&s->config);
	unlink(s->records);
}

/* --- a stop at the worst moment -------------------------------------------------------------- */

#define BURST 5

static void send_burst(struct storm *s)
{
	uint8_t frame[FRAME_SIZE];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = FRAME_SIZE,
		    .repeat = BURST);

	make_frame(frame);
	s->failed[0] |= bpf_prog_test_run_opts(s->program, &opts) || opts.retval != 2;
	s->sent[0] += BURST;
}

/*
 * Between two turns of the agent: a flow is cut by a packet, its entry is sent and kept for the
 * agent, and before the agent has read that it is told to stop.
 */
static void keep_and_stop(struct storm *s)
{
	struct bpf_probe *probe = (struct bpf_probe *)source_bpf_probe(s->source);
	struct sweep_args sweep = { .idle_ns = s->config.idle_ns };
	struct collect_args collect = { 0 };

	send_burst(s);
	usleep(2 * s->config.active_ns / 1000);
	send_burst(s);
	s->failed[0] |= bpf_probe_sweep(probe, &sweep) != 0;
	collect.count = sweep.listed;
	collect.epoch = bpf_probe_grace(probe);
	collect.now_ns = sweep.now_ns;
	s->failed[0] |= bpf_probe_collect(probe, &collect) || collect.ended != 1;
	s->stop = true;
}

static bool check_stop(const struct bpf_probe_test *test, int number)
{
	static const struct scenario scenario = { .flows = 1,
						  .settings = { "--active-timeout", "0.05" } };
	struct storm s = { .scenario = &scenario };
	struct verdict v = { 0 };
	char target[80];
	bool good;

	snprintf(s.records, sizeof(s.records), "/tmp/weir-exactness-%d.csv", (int)getpid());
	snprintf(target, sizeof(target), "csv:%s", s.records);
	good = !parse(&s, target) && !open_storm(&s, test) && !run_source(&s, keep_and_stop) &&
	       !exporters_close(s.exporters) && !s.failed[0];
	if (good)
		judge(&s, &v);
	good = good && v.sent == 2 * BURST && v.metered == v.sent && v.recorded == v.sent &&
	       v.records == 2;
	printf("%sok %d - exactness a stop before kept numbers are read: %lu packets, %lu in %lu "
	       "records\n",
	       good ? "" : "not ", number, (unsigned long)v.sent, (unsigned long)v.recorded,
	       (unsigned long)v.records);
	close_storm(&s);
	return good;
}

static bool emulated;

static bool check(const struct scenario *scenario, const struct bpf_probe_test *base, int number)
{
	struct bpf_probe_test test = *base;
	struct storm s = { .scenario = scenario };
	struct verdict v = { 0 };
	char target[80];
	bool good;

	test.spin = scenario->spin;
	snprintf(s.records, sizeof(s.records), "/tmp/weir-exactness-%d.csv", (int)getpid());
	snprintf(target, sizeof(target), "csv:%s", s.records);
	good = !parse(&s, target) && !open_storm(&s, &test) && !run(&s);
	if (good)
		judge(&s, &v);
	good = good && v.sent && v.seen == v.sent && v.metered + v.lost == v.sent &&
	       v.recorded == v.metered && v.bytes == v.recorded * FRAME_SIZE && !v.wrong &&
	       !v.unaccounted && (!scenario->nothing_lost || emulated || !v.lost);
	printf("%sok %d - exactness %s: %lu packets, %lu records, unaccounted %ld, wrong %lu, lost "
	       "%lu, overflow %lu, %.2f Mpps\n",
	       good ? "" : "not ", number, scenario->name, (unsigned long)v.sent,
	       (unsigned long)v.records, (long)v.unaccounted, (unsigned long)v.wrong,
	       (unsigned long)v.lost, (unsigned long)v.overflow, v.sent / scenario->seconds / 1e6);
	if (!good)
		printf("# seen %lu metered %lu recorded %lu bytes %lu; %s\n", (unsigned long)v.seen,
		       (unsigned long)v.metered, (unsigned long)v.recorded, (unsigned long)v.bytes,
		       source_bpf_reason());
	fflush(stdout);
	close_storm(&s);
	return good;
}

int main(int argc, char **argv)
{
	struct bpf_probe_test test = { .object = argv[1] };
	int count = sizeof(scenarios) / sizeof(scenarios[0]), failed = 0, number = 0;

	if (argc < 2)
		return 2;
	emulated = argc > 2 && !strcmp(argv[2], "--emulated");
	test.no_grace = argc > 2 && !strcmp(argv[2], "--no-grace");
	for (int i = 0; i < count; i++)
		failed |= !check(&scenarios[i], &test, ++number);
	failed |= !check_stop(&test, ++number);
	printf("1..%d\n", number);
	return failed;
}
