// SPDX-License-Identifier: BSD-2-Clause
/*
 * Opening, preparing and running one measured program.
 *
 * A map that was filled once, in order, has its elements side by side in memory, and is faster than
 * it will be in use. So it is aged: four times its size of other flows are pushed through it and
 * removed, which leaves its free lists in the disorder of long use.
 */
#include "ns_case.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "meter/event.h"
#include "meter/probe.h"
#include "prelude.h"

#define ENTRIES     65536u
#define LRU_LOCAL   128u /* elements a CPU's free list may hold back, as in user/bpf_probe.c */
#define AGE_FACTOR  4
#define BATCH       4096u
#define FRAME_LEN   128
#define HEADERS_LEN 54 /* Ethernet, IPv4, TCP */

static int failed(const struct ns_case *c, const char *what, int err)
{
	fprintf(stderr, "ns: %s of %s: %s: %s\n", c->program, c->object, what, strerror(-err));
	return err;
}

static struct bpf_map *map_of(const struct ns_case *c, const char *name)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, c->opened) {
		if (strstr(bpf_map__name(map), name))
			return map;
	}
	return NULL;
}

/* --- loading ------------------------------------------------------------------------------ */

/* What an agent with --no-dissect sets: no packets are handed over but the first. */
static void fill_config(struct probe_config *config, bool statistics, uint32_t counted)
{
	*config = (struct probe_config){
		.meter.idle_ns = 3600000000000ull,
		.meter.active_ns = 3600000000000ull,
		.meter.tunnels = ~0u,
		.meter.stats = statistics,
		.meter.tcp = statistics,
		.max_live = ENTRIES,
		.ring_bytes = 32u << 20,
		.flow_end_size =
			sizeof(struct event_flow_end) - sizeof(struct flow_counters) + counted,
	};
}

static int set_sizes(const struct ns_case *c)
{
	uint32_t counted = sizeof(struct flow_counters);
	struct bpf_map *flows = map_of(c, "flows"), *constants = map_of(c, ".rodata");
	struct probe_config config;
	int err;

	if (c->statistics)
		counted += sizeof(struct flow_tcp) + sizeof(struct flow_stats);
	err = bpf_map__set_max_entries(flows,
				       ENTRIES + LRU_LOCAL * (libbpf_num_possible_cpus() + 1));
	if (!err)
		err = bpf_map__set_value_size(flows, FLOW_VALUE_SIZE(counted));
	if (err || !constants)
		return err;
	fill_config(&config, c->statistics, counted);
	return bpf_map__set_initial_value(constants, &config, sizeof(config));
}

static void choose_program(const struct ns_case *c)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, c->opened)
		bpf_program__set_autoload(program, !strcmp(bpf_program__name(program), c->program));
}

static int load(struct ns_case *c, const char *folder)
{
	char path[4096];
	int err;

	snprintf(path, sizeof(path), "%s/%s.bpf.o", folder, c->object);
	c->opened = bpf_object__open_file(path, NULL);
	if (!c->opened)
		return failed(c, "opening", -errno);
	choose_program(c);
	err = set_sizes(c);
	if (!err)
		err = bpf_object__load(c->opened);
	if (err)
		return failed(c, "loading", err);
	c->fd = bpf_program__fd(bpf_object__find_program_by_name(c->opened, c->program));
	return c->fd < 0 ? failed(c, "finding the program", -ENOENT) : 0;
}

/* --- the map ------------------------------------------------------------------------------ */

static int push_through(int map, uint32_t value_size)
{
	uint8_t value[FLOW_VALUE_MAX] = { 0 };
	struct flow_key key = { .protocol = 6 };

	if (value_size > sizeof(value))
		return -E2BIG;
	for (uint32_t i = 0; i < AGE_FACTOR * ENTRIES; i++) {
		memcpy(key.addr[0], &i, sizeof(i));
		if (bpf_map_update_elem(map, &key, value, BPF_ANY))
			return -errno;
	}
	return 0;
}

/* Looks at, or removes, all entries; how many, or a negative errno. */
static int64_t walk(int map, uint32_t value_size, bool remove)
{
	struct flow_key *keys = calloc(BATCH, sizeof(*keys));
	uint8_t *values = calloc(BATCH, value_size);
	uint32_t at = 0, count;
	int64_t total = 0;
	bool first = true;
	int err = keys && values ? 0 : -ENOMEM;

	while (!err) {
		void *from = first ? NULL : &at;

		count = BATCH;
		err = remove ? bpf_map_lookup_and_delete_batch(map, from, &at, keys, values, &count,
							       NULL)
			     : bpf_map_lookup_batch(map, from, &at, keys, values, &count, NULL);
		if (!err || err == -ENOENT)
			total += count;
		first = false;
	}
	free(keys);
	free(values);
	return err == -ENOENT ? total : err;
}

static int age(const struct ns_case *c)
{
	struct bpf_map *flows = map_of(c, "flows");
	int64_t removed;
	int err;

	if (!c->counts)
		return 0;
	err = push_through(bpf_map__fd(flows), bpf_map__value_size(flows));
	if (err)
		return failed(c, "aging the map", err);
	removed = walk(bpf_map__fd(flows), bpf_map__value_size(flows), true);
	return removed < 0 ? failed(c, "emptying the map", removed) : 0;
}

/* --- running ------------------------------------------------------------------------------ */

static int64_t thread_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return now.tv_sec * 1000000000ll + now.tv_nsec;
}

/* TCP over IPv4; the prelude writes the source and the sequence number. */
static void make_frame(uint8_t frame[FRAME_LEN])
{
	static const uint8_t headers[] = {
		2,    0,    0,    0,
		0,    2,    2,    0,
		0,    0,    0,    1,
		8,    0, /* Ethernet */
		0x45, 0,    0,    FRAME_LEN - 14,
		0,    0,    0,    0,
		64,   6,    0,    0,
		10,   0,    0,    1,
		192,  168,  0,    1,
		0x12, 0x34, 1,    0xbb,
		0,    0,    0,    1,
		0,    0,    0,    1,
		0x50, 0x10, 0xff, 0xff, /* TCP, ACK */
	};

	memset(frame, 0, FRAME_LEN);
	memcpy(frame, headers, sizeof(headers));
}

int64_t ns_case_run(const struct ns_case *c, uint32_t runs)
{
	uint8_t frame[FRAME_LEN];
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = frame, .data_size_in = sizeof(frame),
		    .repeat = runs);
	int64_t began;
	int err;

	make_frame(frame);
	began = thread_ns();
	err = bpf_prog_test_run_opts(c->fd, &opts);
	began = thread_ns() - began;
	if (!err && opts.retval != (c->tc ? 0u : 2u) && opts.retval != ~0u)
		err = -EBADMSG; /* neither TC_ACT_OK nor XDP_PASS nor TCX_NEXT */
	return err ? failed(c, "running", err) : began;
}

static uint32_t common_divisor(uint32_t a, uint32_t b)
{
	return b ? common_divisor(b, a % b) : a;
}

/* Near the golden section, and meets every flow before it meets one again. */
static uint32_t stride_of(uint32_t flows)
{
	uint32_t stride = flows * 0.6180339887 + 1;

	while (common_divisor(flows, stride) != 1)
		stride++;
	return stride;
}

static int set_flows(const struct ns_case *c, uint32_t flows)
{
	struct prelude prelude = {
		.flows = flows,
		.stride = stride_of(flows),
		.payload = FRAME_LEN - HEADERS_LEN,
	};
	struct bpf_map *map = map_of(c, ".data.prelude");
	uint32_t zero = 0;

	if (bpf_map_update_elem(bpf_map__fd(map), &zero, &prelude, BPF_ANY))
		return failed(c, "setting the flows", -errno);
	return 0;
}

/* The news of the flows' first packets is read, so that the ring is not full. */
static int ignore(void *context, void *data, size_t size)
{
	(void)context;
	(void)data;
	(void)size;
	return 0;
}

static void drain(const struct ns_case *c)
{
	struct bpf_map *events = map_of(c, "events");
	struct ring_buffer *ring;

	if (!events)
		return;
	ring = ring_buffer__new(bpf_map__fd(events), ignore, NULL, NULL);
	if (!ring)
		return;
	ring_buffer__consume(ring);
	ring_buffer__free(ring);
}

/* Meets every flow, some of them twice: then it has its entry. */
static int fill(const struct ns_case *c, uint32_t flows)
{
	int64_t took = ns_case_run(c, flows + 1000);

	drain(c);
	return took < 0 ? took : 0;
}

int ns_case_open(struct ns_case *c, const char *folder, uint32_t flows)
{
	int err = load(c, folder);

	if (!err)
		err = age(c);
	if (!err)
		err = set_flows(c, flows);
	if (!err)
		err = fill(c, flows);
	return err;
}

void ns_case_close(struct ns_case *c)
{
	bpf_object__close(c->opened);
	c->opened = NULL;
}

/* --- what was measured -------------------------------------------------------------------- */

/* Packets that weir did not count into an entry. */
static uint64_t strays(const struct ns_case *c)
{
	struct bpf_map *map = map_of(c, "ledger");
	int cpus = libbpf_num_possible_cpus();
	struct kernel_ledger ledger[cpus];
	uint64_t stray = 0;
	uint32_t zero = 0;

	if (!map || bpf_map_lookup_elem(bpf_map__fd(map), &zero, ledger))
		return 0;
	for (int i = 0; i < cpus; i++)
		stray += ledger[i].value[KERNEL_SEEN] - ledger[i].value[KERNEL_METERED] +
			 ledger[i].value[KERNEL_OVERFLOW] + ledger[i].value[KERNEL_MISSED_COPIES];
	return stray;
}

int ns_case_check(const struct ns_case *c, uint32_t flows)
{
	struct bpf_map *map = map_of(c, "flows");
	int64_t entries =
		c->counts ? walk(bpf_map__fd(map), bpf_map__value_size(map), false) : flows;

	if (entries == flows && !strays(c))
		return 0;
	fprintf(stderr, "ns: %s of %s: %lld entries instead of %u, %llu packets elsewhere\n",
		c->program, c->object, (long long)entries, flows, (unsigned long long)strays(c));
	return -EBADMSG;
}
