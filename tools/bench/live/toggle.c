// SPDX-License-Identifier: BSD-2-Clause
/*
 * Traffic through an interface without programs, with empty ones, the floor's and weir's, in turn,
 * within one transfer:
 *     toggle FLOORS_OBJECT ROUNDS MILLISECONDS NAMESPACE/INTERFACE NAMESPACE/INTERFACE
 * Takes the TCX programs that a running weir has attached to both interfaces off, puts each kind
 * on for so long and prints, a line a round, the bytes that the second interface received a second
 * with each, in that order. What a machine's other guests take changes by the second and hits all
 * alike.
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* enum values of Linux 6.6, which Debian 12's headers lack. */
#define TCX_INGRESS   46
#define TCX_EGRESS    47
#define TCX_LINK_TYPE 11

#define ENDS 2
#define WAYS 2

static const int attach_types[WAYS] = { TCX_INGRESS, TCX_EGRESS };

enum kind { NOTHING, EMPTY, FLOOR, WEIR, KINDS };

struct end {
	char interface[IF_NAMESIZE];
	int netns;
	unsigned int index;
	uint32_t ids[WAYS];
	int programs[KINDS][WAYS]; /* fds */
	int links[WAYS];           /* fds while they are on */
};

static int failed(const char *what, int err)
{
	fprintf(stderr, "toggle: %s: %s\n", what, strerror(-err));
	return err;
}

/* weir's program is the only one on each hook. */
static int find_programs(struct end *e)
{
	for (int way = 0; way < WAYS; way++) {
		uint32_t count = 1;
		int err =
			bpf_prog_query(e->index, attach_types[way], 0, NULL, &e->ids[way], &count);

		if (err)
			return failed("asking for TCX programs, which take Linux 6.6", -errno);
		if (count != 1)
			return failed("weir's program is not alone on the interface", -EEXIST);
		e->programs[WEIR][way] = bpf_prog_get_fd_by_id(e->ids[way]);
		if (e->programs[WEIR][way] < 0)
			return failed(e->interface, -errno);
	}
	return 0;
}

static int open_end(struct end *e, const char *name)
{
	const char *slash = strchr(name, '/');
	char path[256];

	if (!slash || strlen(slash + 1) >= sizeof(e->interface))
		return failed(name, -EINVAL);
	strcpy(e->interface, slash + 1);
	snprintf(path, sizeof(path), "/run/netns/%.*s", (int)(slash - name), name);
	e->netns = open(path, O_RDONLY | O_CLOEXEC);
	if (e->netns < 0 || setns(e->netns, CLONE_NEWNET))
		return failed(path, -errno);
	e->index = if_nametoindex(e->interface);
	return e->index ? find_programs(e) : failed(name, -errno);
}

static bool is_programs(const struct end *e, uint32_t id)
{
	return id == e->ids[0] || id == e->ids[1];
}

/* The running weir's own links, once; it keeps its maps and goes on reading them. */
static int detach_links(const struct end *ends)
{
	uint32_t id = 0;

	while (!bpf_link_get_next_id(id, &id)) {
		struct bpf_link_info info = { 0 };
		uint32_t size = sizeof(info);
		int fd = bpf_link_get_fd_by_id(id), err = 0;

		if (fd >= 0 && !bpf_obj_get_info_by_fd(fd, &info, &size) &&
		    info.type == TCX_LINK_TYPE &&
		    (is_programs(&ends[0], info.prog_id) || is_programs(&ends[1], info.prog_id)))
			err = bpf_link_detach(fd);
		if (fd >= 0)
			close(fd);
		if (err)
			return failed("detaching a link", -errno);
	}
	return 0;
}

/* NOTHING: one of the other floors. */
static enum kind kind_of(const struct bpf_program *program)
{
	if (!strcmp(bpf_program__name(program), "empty_tc"))
		return EMPTY;
	return !strcmp(bpf_program__name(program), "wire_floor_tc") ? FLOOR : NOTHING;
}

static struct bpf_object *load_floors(const char *path, struct end *ends)
{
	struct bpf_object *object = bpf_object__open_file(path, NULL);
	struct bpf_program *program;
	int err;

	if (!object) {
		failed(path, -errno);
		return NULL;
	}
	bpf_object__for_each_program(program, object)
		bpf_program__set_autoload(program, kind_of(program) != NOTHING);
	err = bpf_object__load(object);
	if (err) {
		failed(path, err);
		bpf_object__close(object);
		return NULL;
	}
	bpf_object__for_each_program(program, object) {
		for (int i = 0; i < ENDS * WAYS; i++)
			ends[i / WAYS].programs[kind_of(program)][i % WAYS] =
				bpf_program__fd(program);
	}
	return object;
}

static int switch_on(struct end *e, enum kind kind)
{
	if (setns(e->netns, CLONE_NEWNET))
		return failed(e->interface, -errno);
	for (int way = 0; way < WAYS; way++) {
		e->links[way] =
			bpf_link_create(e->programs[kind][way], e->index, attach_types[way], NULL);
		if (e->links[way] < 0)
			return failed("attaching", -errno);
	}
	return 0;
}

static void switch_off(struct end *e)
{
	for (int way = 0; way < WAYS; way++) {
		bpf_link_detach(e->links[way]);
		close(e->links[way]);
	}
}

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ll + now.tv_nsec;
}

static int received(const struct end *e, uint64_t *bytes)
{
	FILE *file = setns(e->netns, CLONE_NEWNET) ? NULL : fopen("/proc/thread-self/net/dev", "r");
	char line[512], name[IF_NAMESIZE];
	int err = -ENODEV;

	if (!file)
		return failed(e->interface, -errno);
	while (err && fgets(line, sizeof(line), file))
		if (sscanf(line, " %15[^:]: %" SCNu64, name, bytes) == 2 &&
		    !strcmp(name, e->interface))
			err = 0;
	fclose(file);
	return err ? failed(e->interface, err) : 0;
}

/* Bytes a second over so long, or a negative errno. */
static int64_t rate(const struct end *e, int milliseconds)
{
	int64_t began = now_ns();
	uint64_t before, after;
	int err = received(e, &before);

	if (!err) {
		usleep(milliseconds * 1000);
		err = received(e, &after);
	}
	return err ? err : (after - before) * 1e9 / (now_ns() - began);
}

static int64_t rate_with(struct end *ends, enum kind kind, int milliseconds)
{
	int64_t found;
	int err;

	if (kind == NOTHING)
		return rate(&ends[1], milliseconds);
	err = switch_on(&ends[0], kind);
	if (!err)
		err = switch_on(&ends[1], kind);
	if (err)
		return err;
	found = rate(&ends[1], milliseconds);
	switch_off(&ends[0]);
	switch_off(&ends[1]);
	return found;
}

/* Each round begins with another kind: a drift favours none. */
static int measure(struct end *ends, int rounds, int milliseconds)
{
	for (int round = 0; round < rounds; round++) {
		int64_t found[KINDS];

		for (int i = 0; i < KINDS; i++) {
			enum kind kind = (i + round) % KINDS;

			found[kind] = rate_with(ends, kind, milliseconds);
			if (found[kind] < 0)
				return -1;
		}
		for (int kind = 0; kind < KINDS; kind++)
			printf("%" PRId64 "%c", found[kind], kind < KINDS - 1 ? ' ' : '\n');
	}
	return 0;
}

static int silent(enum libbpf_print_level level, const char *format, va_list args)
{
	return level == LIBBPF_WARN ? vfprintf(stderr, format, args) : 0;
}

int main(int argc, char **argv)
{
	struct end ends[ENDS] = { 0 };
	struct bpf_object *floors;
	int err = 0;

	if (argc != 6) {
		fputs("usage: toggle FLOORS_OBJECT ROUNDS MILLISECONDS NAMESPACE/INTERFACE "
		      "NAMESPACE/INTERFACE\n",
		      stderr);
		return 2;
	}
	libbpf_set_print(silent);
	floors = load_floors(argv[1], ends);
	if (!floors)
		return 1;
	for (int i = 0; i < ENDS && !err; i++)
		err = open_end(&ends[i], argv[4 + i]);
	if (!err)
		err = detach_links(ends);
	if (!err)
		err = measure(ends, atoi(argv[2]), atoi(argv[3]));
	bpf_object__close(floors);
	return err ? 1 : 0;
}
