/* SPDX-License-Identifier: BSD-2-Clause */
#include "bpf_admin.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <inttypes.h>
#include <net/if.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bpf_attach.h"
#include "bpf_pin.h"
#include "bpf_probe.h"
#include "bpf_reason.h"
#include "counters.h"
#include "interface_names.h"
#include "log.h"
#include "meter/probe.h"
#include "namespaces.h"
#include "summary.h"

#define MAX_PROBES   16 /* sets of maps that status tells apart */
#define MAX_MAPS     32 /* of one program */
#define MAX_PROGRAMS 16 /* on one hook */

/* By a pattern; what is named was looked at. */
static bool is_matched(const struct config *config, const char *name)
{
	const struct string_list *names = &config->interfaces;

	for (size_t i = 0; i < names->count; i++)
		if (interface_name_is_plain(names->items[i]) && !strcmp(names->items[i], name))
			return false;
	return !names->count || interface_names_match(names, name) == INTERFACE_WANTED;
}

/* Calls fn for each interface that was given, or for all there are. */
static int each_interface(const struct config *config, int (*fn)(const char *name, void *context),
			  void *context)
{
	struct if_nameindex *all;
	int err = 0;

	for (size_t i = 0; i < config->interfaces.count && !err; i++)
		if (interface_name_is_plain(config->interfaces.items[i]))
			err = fn(config->interfaces.items[i], context);
	if (config->interfaces.count && !interface_names_are_open(&config->interfaces))
		return err;
	all = if_nameindex();
	for (size_t i = 0; all && all[i].if_index && !err; i++)
		if (is_matched(config, all[i].if_name))
			err = fn(all[i].if_name, context);
	if_freenameindex(all);
	return err;
}

/* Without the right to look, programs of weir would seem not to be there. */
static int may_look(void)
{
	uint32_t id = 0;

	bpf_reason_begin();
	if (!bpf_prog_get_next_id(0, &id) || errno == ENOENT)
		return 0;
	log_error("looking at BPF programs: %s; run as root or with CAP_SYS_ADMIN",
		  strerror(errno));
	return -EPERM;
}

/* --- detach ----------------------------------------------------------------------------------- */

struct detach {
	FILE *to;
	int removed;
};

static int detach_interface(const char *name, void *context)
{
	struct detach *d = context;
	int removed = bpf_detach_leftovers(name);

	if (removed == -ENODEV) {
		log_error("-i %s: no such interface; `ip link` lists the interfaces", name);
		return removed;
	}
	if (removed < 0) {
		log_error("-i %s: removing filters: %s; run as root or with CAP_NET_ADMIN", name,
			  strerror(-removed));
		return removed;
	}
	if (removed)
		fprintf(d->to, "%s: %d filters removed\n", name, removed);
	d->removed += removed;
	return 0;
}

static int detach_pins(const char *dir, struct detach *d)
{
	struct control control = { 0 };
	int fd = bpf_pin_map_fd(dir, "control"), lock, removed;
	uint32_t zero = 0;

	if (fd < 0) {
		log_error("--pin %s: %s; nothing of weir is pinned there", dir, strerror(-fd));
		return fd;
	}
	bpf_map_lookup_elem(fd, &zero, &control);
	close(fd);
	lock = bpf_pin_lock(dir);
	if (lock < 0) {
		log_error("--pin %s: %s", dir, bpf_reason_text());
		return lock;
	}
	removed = bpf_pin_remove(dir);
	close(lock);
	d->removed += removed;
	fprintf(d->to, "%s: %d pins removed, with %" PRIu64 " flows that no record tells of\n", dir,
		removed, (uint64_t)control.live);
	return 0;
}

int bpf_admin_detach(const struct config *config, FILE *to)
{
	struct detach d = { .to = to };
	int err = may_look();

	if (!err && config->pin)
		err = detach_pins(config->pin, &d);
	if (!err)
		err = each_interface(config, detach_interface, &d);
	if (!err && !d.removed)
		fprintf(to, "nothing to detach\n");
	return err;
}

/* --- status ----------------------------------------------------------------------------------- */

/* The maps of one agent's programs. */
struct probe_maps {
	uint32_t id; /* of its ledger: tells agents apart */
	int ledger, control;
	uint64_t max_flows;
	struct ledger before;
};

struct status {
	FILE *to;
	const char *netns; /* of --netns; NULL: our own */
	struct probe_maps probes[MAX_PROBES];
	size_t count;
	bool head; /* the line of this interface has begun */
};

/* A map of a program by name: its fd and info, or negative. */
static int program_map(const struct bpf_prog_info *program, const char *name,
		       struct bpf_map_info *info)
{
	const uint32_t *ids = (const uint32_t *)(uintptr_t)program->map_ids;

	for (uint32_t i = 0; i < program->nr_map_ids && i < MAX_MAPS; i++) {
		uint32_t size = sizeof(*info);
		int fd = bpf_map_get_fd_by_id(ids[i]);

		memset(info, 0, sizeof(*info));
		if (fd < 0)
			continue;
		if (!bpf_obj_get_info_by_fd(fd, info, &size) && !strcmp(info->name, name))
			return fd;
		close(fd);
	}
	return -ENOENT;
}

static void read_ledger(const struct probe_maps *p, struct ledger *out)
{
	struct control control = { 0 };
	struct kernel_ledger kernel;
	uint32_t zero = 0;

	bpf_map_lookup_elem(p->control, &zero, &control);
	for (int i = 0; i < COUNTERS; i++)
		out->value[i] = control.agent[i];
	if (!bpf_ledger_sum(p->ledger, &kernel))
		ledger_add_kernel(out, &kernel);
}

/* Remembers the maps behind a program, once for all places where it is attached. */
static void note_probe(struct status *s, const struct bpf_prog_info *program)
{
	struct bpf_map_info info, flows;
	int ledger = program_map(program, "ledger", &info);
	struct probe_maps *p = &s->probes[s->count];
	int fd;

	for (size_t i = 0; i < s->count && ledger >= 0; i++) {
		if (s->probes[i].id != info.id)
			continue;
		close(ledger);
		return;
	}
	if (ledger < 0 || s->count == MAX_PROBES)
		return;
	*p = (struct probe_maps){ .id = info.id, .ledger = ledger };
	fd = program_map(program, "flows", &flows);
	if (fd >= 0)
		close(fd);
	p->max_flows = flows.max_entries - bpf_probe_reserve();
	p->control = program_map(program, "control", &info);
	read_ledger(p, &p->before);
	s->count++;
}

static void show_program(struct status *s, const char *interface, const char *where, uint32_t id)
{
	uint32_t maps[MAX_MAPS];
	struct bpf_prog_info info = { .map_ids = (uintptr_t)maps, .nr_map_ids = MAX_MAPS };
	uint32_t size = sizeof(info);
	int fd = bpf_prog_get_fd_by_id(id);

	if (fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &size) &&
	    !strncmp(info.name, "weir_", 5)) {
		if (!s->head)
			fprintf(s->to, "%s%s%s: ", s->netns ? s->netns : "", s->netns ? "/" : "",
				interface);
		fprintf(s->to, "%s%s %s (program %u)", s->head ? ", " : "", where, info.name, id);
		s->head = true;
		note_probe(s, &info);
	}
	if (fd >= 0)
		close(fd);
}

static void show_tcx(struct status *s, const char *name, unsigned int index, int type,
		     const char *where)
{
	uint32_t ids[MAX_PROGRAMS], count = MAX_PROGRAMS, flags = 0;

	if (bpf_prog_query(index, type, 0, &flags, ids, &count))
		return; /* no TCX before Linux 6.6 */
	for (uint32_t i = 0; i < count && i < MAX_PROGRAMS; i++)
		show_program(s, name, where, ids[i]);
}

static int show_interface(const char *name, void *context)
{
	struct status *s = context;
	unsigned int index = if_nametoindex(name);
	uint32_t xdp = 0, filters[2];
	int count;

	if (!index && s->netns)
		return 0; /* this namespace has none of that name */
	if (!index) {
		log_error("-i %s: no such interface; `ip link` lists the interfaces", name);
		return -ENODEV;
	}
	s->head = false;
	if (!bpf_xdp_query_id(index, 0, &xdp) && xdp)
		show_program(s, name, "xdp", xdp);
	show_tcx(s, name, index, BPF_ATTACH_TCX_INGRESS, "in");
	show_tcx(s, name, index, BPF_ATTACH_TCX_EGRESS, "out");
	for (unsigned int handle = 1; handle <= BPF_ATTACH_HANDLES; handle++) {
		count = bpf_attach_filters(index, handle, filters);
		for (int i = 0; i < count; i++)
			show_program(s, name, "filter", filters[i]);
	}
	if (s->head)
		fputc('\n', s->to);
	return 0;
}

static void show_probe(const struct status *s, const struct probe_maps *p)
{
	struct control control = { 0 };
	struct ledger now;
	uint32_t zero = 0;

	bpf_map_lookup_elem(p->control, &zero, &control);
	read_ledger(p, &now);
	fprintf(s->to, "map: %" PRIu64 " of %" PRIu64 " flows (%.1f %%)\n", (uint64_t)control.live,
		p->max_flows, 100.0 * control.live / p->max_flows);
	fprintf(s->to, "rate: %" PRIu64 " packets/s, %.3f Mbit/s\n",
		now.value[COUNTER_SEEN] - p->before.value[COUNTER_SEEN],
		(now.value[COUNTER_BYTES] - p->before.value[COUNTER_BYTES]) * 8 / 1e6);
	fputs("ledger:", s->to);
	summary_print_to(&now, s->to);
}

static void ignore_namespace(void *context, struct namespace *ns)
{
	(void)context;
	(void)ns;
}

static int show_namespaces(const struct config *config, struct status *s)
{
	const struct namespaces_sink sink = { .appeared = ignore_namespace,
					      .gone = ignore_namespace };
	struct namespaces *all = namespaces_new(config);
	const char *missing;
	int err = all ? namespaces_look(all, &sink, &missing) : -ENOMEM;

	if (err)
		log_error("--netns: %s; `ip netns` lists namespaces", strerror(-err));
	for (size_t i = 0; !err && i < namespaces_count(all); i++) {
		const struct namespace *ns = namespaces_at(all, i);
		int own = namespace_enter(ns);

		if (own < 0)
			continue; /* gone since */
		s->netns = ns->name;
		each_interface(config, show_interface, s);
		namespace_leave(ns, own);
	}
	namespaces_free(all);
	return err;
}

int bpf_admin_status(const struct config *config, FILE *to)
{
	struct status s = { .to = to };
	int err = may_look();

	if (err)
		return err;
	if (config->netns.count)
		err = show_namespaces(config, &s);
	else
		err = each_interface(config, show_interface, &s);
	if (!err && !s.count)
		fprintf(to, "weir watches nothing here\n");
	fflush(to);
	if (s.count)
		sleep(1); /* for the rates */
	for (size_t i = 0; i < s.count; i++) {
		show_probe(&s, &s.probes[i]);
		close(s.probes[i].ledger);
		close(s.probes[i].control);
	}
	return err;
}
