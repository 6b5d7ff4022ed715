/* SPDX-License-Identifier: BSD-2-Clause */
#include "bpf_probe.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "bpf_pin.h"
#include "bpf_reason.h"
#include "filter_install.h"
#include "interface_names.h"
#include "meter/dedup.h"
#include "netns.h"
#include "weir.skel.h"

/* A CPU's free list may keep this many elements for itself: kernel/bpf/bpf_lru_list.c */
#define LRU_LOCAL 128

/* Called by the agent. */
enum call { CALL_SWEEP, CALL_COLLECT, CALL_REOPEN, CALL_SATE, CALLS };

static const char *const call_names[CALLS] = { "sweep", "collect", "reopen", "sate" };
static const char *const program_names[PROBE_PROGRAMS] = {
	"weir_xdp", "weir_tc", "weir_tc_l3", "weir_tc_out", "weir_tc_l3_out",
};

/* The packet programs for another namespace, as far as they were asked for. */
struct probe_copy {
	struct probe_copy *next;
	uint64_t netns;
	int programs[PROBE_PROGRAMS]; /* fd or -1 */
};

struct bpf_probe {
	struct bpf_object *object;
	int calls[CALLS];
	int ledger, grace, grace_token;
	struct control *control;
	struct flow_key *closing;
	struct sated_flow *sated;
	uint64_t *watched;           /* DEDUP_SET_WORDS of them */
	const struct config *config; /* for copies */
	struct meter_config meter;
	struct probe_copy *copies;
	uint64_t left_run_time_ns; /* of copies that are no more */
	int pin_lock;              /* fd, or -1 */
	bool adopted;
	bool needs_ethernet; /* the filter lets no packet without such a header by */
	bool no_grace;
};

static uint32_t counted_size(const struct meter_config *meter)
{
	return sizeof(struct flow_counters) + (meter->stats ? sizeof(struct flow_stats) : 0) +
	       (meter->tcp ? sizeof(struct flow_tcp) : 0);
}

/*
 * What is not attached is not loaded, so a kernel that lacks what it needs does not mind. The
 * programs for interfaces without link header come when there is one: bpf_probe_program_in().
 */
static void choose_programs(struct bpf_object *object, const struct config *config,
			    const struct bpf_probe_test *test)
{
	bool xdp = config->hook == HOOK_XDP || config->hook == HOOK_XDP_GENERIC;

	for (int i = 0; i < PROBE_PROGRAMS && !test; i++)
		if ((i == PROBE_XDP && !xdp) || i == PROBE_TC_L3 || i == PROBE_TC_L3_OUT)
			bpf_program__set_autoload(
				bpf_object__find_program_by_name(object, program_names[i]), false);
}

uint32_t bpf_probe_reserve(void)
{
	return LRU_LOCAL * (libbpf_num_possible_cpus() + 1);
}

static int set_sizes(struct bpf_object *object, const struct config *config,
		     const struct meter_config *meter)
{
	struct bpf_map *flows = bpf_object__find_map_by_name(object, "flows");
	int err = bpf_map__set_max_entries(flows, config->map_entries + bpf_probe_reserve());

	if (!err)
		err = bpf_map__set_value_size(flows, FLOW_VALUE_SIZE(counted_size(meter)));
	if (!err)
		err = bpf_map__set_max_entries(bpf_object__find_map_by_name(object, "events"),
					       BPF_PROBE_RING_BYTES);
	return err;
}

static void fill_config(struct probe_config *to, const struct config *config,
			const struct meter_config *meter, const struct bpf_probe_test *test,
			uint64_t netns)
{
	to->meter = *meter;
	to->max_live = meter->every_packet ? 0 : config->map_entries;
	to->snaplen = config->snaplen < EVENT_MAX_BYTES ? config->snaplen : EVENT_MAX_BYTES;
	to->ring_bytes = BPF_PROBE_RING_BYTES;
	to->flow_end_size =
		sizeof(struct event_flow_end) - sizeof(struct flow_counters) + counted_size(meter);
	to->filter = config->filter && *config->filter;
	to->many = interface_names_are_many(config);
	to->interface = config->interfaces.count == 1;
	to->dedup = config->dedup;
	to->sockets = config->attribute != 0;
	to->netns = netns;
	if (!test)
		return;
	to->test_clock = test->clock;
	to->test_spin = test->spin;
}

/* The program's constants are this struct alone. */
static int set_config(struct bpf_object *object, const struct config *config,
		      const struct meter_config *meter, const struct bpf_probe_test *test,
		      uint64_t netns)
{
	struct probe_config value = { 0 };
	struct bpf_map *map;

	fill_config(&value, config, meter, test, netns);
	bpf_object__for_each_map(map, object) {
		if (strstr(bpf_map__name(map), ".rodata"))
			return bpf_map__set_initial_value(map, &value, sizeof(value));
	}
	return -ENOENT;
}

static void *map_memory(const struct bpf_probe *p, const char *map, size_t size)
{
	void *memory =
		mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, bpf_probe_map(p, map), 0);

	return memory == MAP_FAILED ? NULL : memory;
}

static int find_parts(struct bpf_probe *p)
{
	for (int i = 0; i < CALLS; i++)
		p->calls[i] = bpf_probe_program_named(p, call_names[i]);
	p->ledger = bpf_probe_map(p, "ledger");
	p->grace = bpf_probe_map(p, "grace");
	p->grace_token = bpf_probe_map(p, "grace_token");
	p->control = map_memory(p, "control", sizeof(*p->control));
	p->closing = map_memory(p, "closing", CLOSING_KEYS * sizeof(*p->closing));
	p->sated = map_memory(p, "sated", SATED_FLOWS * sizeof(*p->sated));
	p->watched = map_memory(p, "watched", DEDUP_SET_WORDS * sizeof(*p->watched));
	if (!p->control || !p->closing || !p->sated || !p->watched)
		return bpf_reason(-ENOMEM, "memory of the maps cannot be shared", "free some");
	if (!p->control->epoch)
		p->control->epoch = 1;
	return 0;
}

/* Why a filter cannot go into the kernel; -EINVAL was told about by libpcap's side already. */
static int refuse_filter(int err, const char *expression)
{
	switch (err) {
	case -ELOOP:
		return bpf_reason(-EOPNOTSUPP, "the filter has a loop, which the kernel refuses",
				  "\"%s\" needs --hook pcap", expression);
	case -E2BIG:
		return bpf_reason(-EOPNOTSUPP, "the filter is too long for the kernel program",
				  "\"%s\" needs --hook pcap", expression);
	case -EINVAL: return err;
	}
	return bpf_reason(err, "the filter cannot be put into the program", "%s", strerror(-err));
}

static int install_filter(struct bpf_probe *p, const struct config *config, void *image,
			  size_t size)
{
	int err =
		config->filter && *config->filter ? filter_install(config->filter, image, size) : 0;

	p->needs_ethernet = err == FILTER_NEEDS_ETHERNET;
	return err < 0 ? refuse_filter(err, config->filter) : 0;
}

/* A copy of the program's file, with the filter in it. */
static int open_object(struct bpf_probe *p, const struct config *config,
		       const struct bpf_probe_test *test, struct bpf_object **out)
{
	LIBBPF_OPTS(bpf_object_open_opts, opts, .object_name = "weir");
	size_t size;
	const void *elf = weir_bpf__elf_bytes(&size);
	void *image;
	int err;

	if (test && test->object) {
		*out = bpf_object__open_file(test->object, &opts);
		return *out ? 0 : -errno;
	}
	image = malloc(size);
	if (!image)
		return bpf_reason(-ENOMEM, "out of memory at the start", "free some");
	memcpy(image, elf, size);
	err = install_filter(p, config, image, size);
	if (!err)
		*out = bpf_object__open_mem(image, size, &opts);
	if (!err && !*out)
		err = bpf_reason(-errno, "the kernel program cannot be opened", "%s",
				 strerror(errno));
	free(image);
	return err;
}

static int adopt_pins(struct bpf_probe *p, const struct config *config,
		      const struct meter_config *meter)
{
	p->pin_lock = bpf_pin_open(config->pin);
	if (p->pin_lock < 0)
		return p->pin_lock;
	return bpf_pin_adopt(p->object, config->pin, meter, &p->adopted);
}

static int load(struct bpf_probe *p, const struct config *config, const struct meter_config *meter,
		const struct bpf_probe_test *test)
{
	int err = set_config(p->object, config, meter, test, netns_cookie());

	choose_programs(p->object, config, test);
	if (!err)
		err = set_sizes(p->object, config, meter);
	if (!err && config->pin)
		err = adopt_pins(p, config, meter);
	if (err)
		return err;
	err = bpf_object__load(p->object);
	if (err)
		return bpf_reason_load(err, config);
	err = find_parts(p);
	if (!err && config->pin)
		err = bpf_pin_maps(p->object, config->pin, meter);
	return err;
}

int bpf_probe_open(struct bpf_probe **out, const struct config *config,
		   const struct meter_config *meter, const struct bpf_probe_test *test)
{
	struct bpf_probe *p = calloc(1, sizeof(*p));
	int err;

	*out = NULL;
	bpf_reason_begin();
	if (p)
		p->pin_lock = -1;
	err = p ? open_object(p, config, test, &p->object)
		: bpf_reason(-ENOMEM, "out of memory at the start", "free some");
	if (!err)
		err = load(p, config, meter, test);
	if (!err && test)
		p->no_grace = test->no_grace;
	if (p) {
		p->config = config;
		p->meter = *meter;
	}
	if (err) {
		bpf_probe_close(p);
		return err;
	}
	*out = p;
	return 0;
}

const char *bpf_probe_reason(void)
{
	return bpf_reason_text();
}

void bpf_probe_close(struct bpf_probe *p)
{
	if (!p)
		return;
	while (p->copies)
		bpf_probe_leave(p, p->copies->netns);
	if (p->control)
		munmap(p->control, sizeof(*p->control));
	if (p->closing)
		munmap(p->closing, CLOSING_KEYS * sizeof(*p->closing));
	if (p->sated)
		munmap(p->sated, SATED_FLOWS * sizeof(*p->sated));
	if (p->watched)
		munmap(p->watched, DEDUP_SET_WORDS * sizeof(*p->watched));
	bpf_object__close(p->object);
	if (p->pin_lock >= 0)
		close(p->pin_lock);
	free(p);
}

int bpf_probe_map(const struct bpf_probe *p, const char *name)
{
	return bpf_object__find_map_fd_by_name(p->object, name);
}

int bpf_probe_program_named(const struct bpf_probe *p, const char *name)
{
	return bpf_program__fd(bpf_object__find_program_by_name(p->object, name));
}

int bpf_probe_program(const struct bpf_probe *p, enum bpf_probe_program which)
{
	return bpf_probe_program_named(p, program_names[which]);
}

bool bpf_probe_needs_ethernet(const struct bpf_probe *p)
{
	return p->needs_ethernet;
}

bool bpf_probe_adopted(const struct bpf_probe *p)
{
	return p->adopted;
}

struct control *bpf_probe_control(const struct bpf_probe *p)
{
	return p->control;
}

struct flow_key *bpf_probe_closing(const struct bpf_probe *p)
{
	return p->closing;
}

int bpf_probe_ledger(const struct bpf_probe *p, struct kernel_ledger *out)
{
	return bpf_ledger_sum(p->ledger, out);
}

/* The law of the ledger, which a reading amid a packet's counters misses. */
static bool adds_up(const struct kernel_ledger *l)
{
	uint64_t sum = 0;

	for (int i = KERNEL_METERED; i <= KERNEL_RING_FULL; i++)
		sum += l->value[i];
	return sum == l->value[KERNEL_SEEN];
}

static int sum_cpus(int fd, struct kernel_ledger *each, int cpus, struct kernel_ledger *out)
{
	uint32_t zero = 0;

	memset(out, 0, sizeof(*out));
	if (bpf_map_lookup_elem(fd, &zero, each))
		return -errno;
	for (int cpu = 0; cpu < cpus; cpu++)
		for (int i = 0; i < KERNEL_COUNTERS; i++)
			out->value[i] += each[cpu].value[i];
	return 0;
}

int bpf_ledger_sum(int fd, struct kernel_ledger *out)
{
	int cpus = libbpf_num_possible_cpus(), tries = 1000, err;
	struct kernel_ledger *each = calloc(cpus, sizeof(*each));

	if (!each)
		return -ENOMEM;
	do
		err = sum_cpus(fd, each, cpus, out);
	while (!err && !adds_up(out) && --tries);
	free(each);
	return err;
}

int bpf_probe_name_interface(const struct bpf_probe *p, uint64_t netns, uint32_t index,
			     const struct interface_value *value)
{
	const struct interface_key key = { .netns = netns, .index = index };
	int map = bpf_probe_map(p, "interfaces");

	return bpf_map_update_elem(map, &key, value, BPF_ANY) ? -errno : 0;
}

void bpf_probe_set_watched(const struct bpf_probe *p, uint16_t number, bool watched)
{
	uint64_t *word = &p->watched[DEDUP_WORD(number)];

	if (watched)
		__atomic_or_fetch(word, DEDUP_BIT(number), __ATOMIC_SEQ_CST);
	else
		__atomic_and_fetch(word, ~DEDUP_BIT(number), __ATOMIC_SEQ_CST);
}

void bpf_probe_forget_interface(const struct bpf_probe *p, uint64_t netns, uint32_t index)
{
	const struct interface_key key = { .netns = netns, .index = index };

	bpf_map_delete_elem(bpf_probe_map(p, "interfaces"), &key);
}

/* The kernel hands the changed arguments back in the same place. */
static int call(int program, void *args, size_t size)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .ctx_in = args, .ctx_size_in = size);

	return bpf_prog_test_run_opts(program, &opts) ? -errno : 0;
}

int bpf_probe_sweep(struct bpf_probe *p, struct sweep_args *args)
{
	return call(p->calls[CALL_SWEEP], args, sizeof(*args));
}

int bpf_probe_collect(struct bpf_probe *p, struct collect_args *args)
{
	return call(p->calls[CALL_COLLECT], args, sizeof(*args));
}

int bpf_probe_reopen(struct bpf_probe *p, struct reopen_args *args)
{
	int err = call(p->calls[CALL_REOPEN], args, sizeof(*args));

	return err ? err : args->done ? 0 : -ENOENT;
}

int bpf_probe_sate(struct bpf_probe *p, const struct sated_flow *flows, uint32_t count)
{
	struct sate_args args = { .count = count };

	memcpy(p->sated, flows, count * sizeof(*flows));
	return call(p->calls[CALL_SATE], &args, sizeof(args));
}

uint32_t bpf_probe_grace(struct bpf_probe *p)
{
	uint64_t epoch = p->control->epoch;
	uint32_t zero = 0;

	__atomic_store_n(&p->control->epoch, epoch + 1, __ATOMIC_SEQ_CST);
	if (p->no_grace)
		return epoch;
	bpf_map_update_elem(p->grace, &zero, &p->grace_token, BPF_ANY);
	return epoch;
}

/* --- copies for other namespaces -------------------------------------------------------------- */

/* All but what makes the copy another one, and the variables of tests. */
static int share_maps(const struct bpf_probe *p, struct bpf_object *copy)
{
	struct bpf_map *map;
	int err = 0;

	bpf_object__for_each_map(map, copy)
		if (!err && !bpf_map__is_internal(map))
			err = bpf_map__reuse_fd(map, bpf_probe_map(p, bpf_map__name(map)));
	return err;
}

static void load_only(struct bpf_object *object, const char *name)
{
	struct bpf_program *program;

	bpf_object__for_each_program(program, object)
		bpf_program__set_autoload(program, !strcmp(bpf_program__name(program), name));
}

/* The program alone is kept: it holds what it needs of the rest. */
static int load_copy(struct bpf_probe *p, uint64_t netns, const char *name)
{
	struct bpf_object *copy = NULL;
	int err = open_object(p, p->config, NULL, &copy), fd;

	if (!err)
		err = set_config(copy, p->config, &p->meter, NULL, netns);
	if (!err)
		err = share_maps(p, copy);
	if (!err) {
		load_only(copy, name);
		err = bpf_object__load(copy);
		if (err)
			err = bpf_reason_load(err, p->config);
	}
	fd = err ? err
		 : fcntl(bpf_program__fd(bpf_object__find_program_by_name(copy, name)),
			 F_DUPFD_CLOEXEC, 0);
	bpf_object__close(copy);
	return fd < 0 && !err ? bpf_reason(-errno, strerror(errno), BPF_REASON_FILES) : fd;
}

static struct probe_copy *find_copy(struct bpf_probe *p, uint64_t netns)
{
	struct probe_copy *c = p->copies;

	while (c && c->netns != netns)
		c = c->next;
	return c;
}

static struct probe_copy *add_copy(struct bpf_probe *p, uint64_t netns)
{
	struct probe_copy *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->netns = netns;
	for (int i = 0; i < PROBE_PROGRAMS; i++)
		c->programs[i] = -1;
	c->next = p->copies;
	p->copies = c;
	return c;
}

int bpf_probe_program_in(struct bpf_probe *p, uint64_t netns, enum bpf_probe_program which)
{
	struct probe_copy *c;

	if (!netns && bpf_probe_program(p, which) >= 0)
		return bpf_probe_program(p, which);
	if (!netns)
		netns = netns_cookie();
	c = find_copy(p, netns);
	if (!c)
		c = add_copy(p, netns);
	if (!c)
		return bpf_reason(-ENOMEM, "out of memory", "free some");
	if (c->programs[which] < 0) {
		int fd = load_copy(p, netns, program_names[which]);

		if (fd < 0)
			return fd;
		c->programs[which] = fd;
	}
	return c->programs[which];
}

static uint64_t run_time_of(int program)
{
	struct bpf_prog_info info = { 0 };
	uint32_t size = sizeof(info);

	return program >= 0 && !bpf_obj_get_info_by_fd(program, &info, &size) ? info.run_time_ns
									      : 0;
}

static uint64_t copy_run_time(const struct probe_copy *c)
{
	uint64_t sum = 0;

	for (int i = 0; i < PROBE_PROGRAMS; i++)
		sum += run_time_of(c->programs[i]);
	return sum;
}

void bpf_probe_leave(struct bpf_probe *p, uint64_t netns)
{
	struct probe_copy **at = &p->copies, *c;

	while (*at && (*at)->netns != netns)
		at = &(*at)->next;
	c = *at;
	if (!c)
		return;
	*at = c->next;
	p->left_run_time_ns += copy_run_time(c);
	for (int i = 0; i < PROBE_PROGRAMS; i++)
		if (c->programs[i] >= 0)
			close(c->programs[i]);
	free(c);
}

uint64_t bpf_probe_run_time_ns(const struct bpf_probe *p)
{
	uint64_t sum = p->left_run_time_ns;

	for (int i = 0; i < PROBE_PROGRAMS; i++)
		sum += run_time_of(bpf_probe_program(p, i));
	for (const struct probe_copy *c = p->copies; c; c = c->next)
		sum += copy_run_time(c);
	return sum;
}
