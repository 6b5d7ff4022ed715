/* SPDX-License-Identifier: BSD-2-Clause */
#include "attribution.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "attribute.skel.h"
#include "bpf_reason.h"
#include "clock.h"
#include "log.h"

#define RING_BYTES (4u << 20)
#define CLEAR_NS   (ATTRIBUTE_RETELL_NS / 4)
#define LIST_BYTES 65536u /* a message has less than 2 KiB */

#define HOST_PIDS 0xeffffffcu /* inode of the first PID namespace: the kernel's PROC_PID_INIT_INO */

struct attribution {
	struct attribute_bpf *program;
	struct ring_buffer *ring;
	struct owners *owners;
	uint64_t lost;    /* counted so far */
	uint64_t refused; /* the same, by owners */
	uint64_t cleared_ns;
};

/* --- loading ---------------------------------------------------------------------------------- */

/* Ticks of the kernel: its coarse clocks advance with them. */
static uint64_t retell_jiffies(void)
{
	struct timespec tick;

	if (clock_getres(CLOCK_MONOTONIC_COARSE, &tick) || !tick.tv_nsec)
		return ATTRIBUTE_RETELL_NS / 4000000; /* 250 a second, the commonest */
	return ATTRIBUTE_RETELL_NS / (uint64_t)tick.tv_nsec;
}

static bool kernel_traces(const struct btf *kernel, const char *event)
{
	char name[64];

	snprintf(name, sizeof(name), "btf_trace_%s", event);
	return btf__find_by_name_kind(kernel, name, BTF_KIND_TYPEDEF) > 0;
}

/* Linux 6.3 tells of every message that a socket sends or receives; before, of TCP's receives. */
static void choose_programs(struct attribute_bpf *program)
{
	struct btf *kernel = btf__load_vmlinux_btf();
	bool all = kernel && kernel_traces(kernel, "sock_send_length") &&
		   kernel_traces(kernel, "sock_recv_length");

	bpf_program__set_autoload(program->progs.on_send, all);
	bpf_program__set_autoload(program->progs.on_receive, all);
	bpf_program__set_autoload(program->progs.on_tcp_receive, !all);
	if (!all)
		log_warning("--attribute: before Linux 6.3 UDP is not attributed, nor TCP servers "
			    "that only write until they close");
	btf__free(kernel);
}

static int refuse(int err)
{
	if (err == -EPERM || err == -EACCES)
		return bpf_reason(-EPERM, "--attribute: tracing is not permitted",
				  "run as root or with CAP_BPF, CAP_NET_ADMIN and CAP_PERFMON, or "
				  "leave it out");
	return bpf_reason(-EOPNOTSUPP, "--attribute: the kernel refuses the programs",
			  "Linux 6.1 or later with BTF is needed (%s), or leave it out",
			  strerror(-err));
}

static int load(struct attribution *a, const struct config *config)
{
	struct attribute_config *constants;
	int err;

	a->program = attribute_bpf__open();
	if (!a->program)
		return -errno;
	constants = (struct attribute_config *)&a->program->rodata->attribute_config;
	constants->paths =
		(config->attribute & (1u << ATTRIBUTE_CGROUPS | 1u << ATTRIBUTE_PODS)) != 0;
	constants->retell_jiffies = retell_jiffies();
	choose_programs(a->program);
	bpf_map__set_max_entries(a->program->maps.attributions, RING_BYTES);
	err = attribute_bpf__load(a->program);
	return err ? err : attribute_bpf__attach(a->program);
}

int attribution_open(struct attribution **out, const struct config *config)
{
	struct attribution *a = calloc(1, sizeof(*a));
	int err;

	*out = NULL;
	bpf_reason_begin();
	if (!a)
		return bpf_reason(-ENOMEM, "out of memory at the start", "free some");
	err = load(a, config);
	if (err) {
		attribution_close(a);
		return refuse(err);
	}
	*out = a;
	return 0;
}

void attribution_close(struct attribution *a)
{
	if (!a)
		return;
	ring_buffer__free(a->ring);
	attribute_bpf__destroy(a->program);
	free(a);
}

/* --- who holds sockets already ---------------------------------------------------------------- */

/* Hands on the whole messages; what is left of one moves to the front. */
static size_t take_list(struct attribution *a, char *buffer, size_t used)
{
	size_t at = 0, size;

	while ((size = owners_message_size(buffer + at, used - at))) {
		owners_message(a->owners, buffer + at, size, true);
		at += size;
	}
	memmove(buffer, buffer + at, used - at);
	return used - at;
}

static int read_list(struct attribution *a, int fd)
{
	char *buffer = malloc(LIST_BYTES);
	size_t used = 0;
	ssize_t n = -ENOMEM;

	while (buffer) {
		n = read(fd, buffer + used, LIST_BYTES - used);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			continue;
		if (n <= 0)
			break;
		used = take_list(a, buffer, used + (size_t)n);
	}
	free(buffer);
	return n < 0 ? -1 : 0;
}

/* The kernel lists the processes of the caller's PID namespace alone. */
static void tell_if_contained(void)
{
	struct stat st;

	if (!stat("/proc/self/ns/pid", &st) && st.st_ino != HOST_PIDS)
		log_warning("--attribute: the host's processes are not seen from here (--pid host, "
			    "hostPID); flows of those that do nothing more with a socket stay "
			    "unknown");
}

static void list_sockets(struct attribution *a)
{
	int fd = bpf_iter_create(bpf_link__fd(a->program->links.list_sockets));

	if (fd < 0 || read_list(a, fd))
		log_warning("--attribute: who holds sockets already cannot be listed: %s; flows "
			    "of processes that do nothing more stay unknown",
			    strerror(errno));
	if (fd >= 0)
		close(fd);
}

/* --- what happens ----------------------------------------------------------------------------- */

static int on_message(void *context, void *message, size_t size)
{
	struct attribution *a = context;

	owners_message(a->owners, message, size, false);
	return 0;
}

int attribution_begin(struct attribution *a, struct owners *owners)
{
	if (!a)
		return 0;
	a->owners = owners;
	a->ring = ring_buffer__new(bpf_map__fd(a->program->maps.attributions), on_message, a, NULL);
	if (!a->ring) {
		log_error("out of memory at the start; free some");
		return -ENOMEM;
	}
	tell_if_contained();
	list_sockets(a);
	return 0;
}

/* Sockets that are used all the time are told of again now and then, too. */
static void clear_known(struct attribution *a)
{
	uint64_t now = monotonic_ns();

	if (now - a->cleared_ns < CLEAR_NS)
		return;
	a->cleared_ns = now;
	for (uint32_t i = 0; i < ATTRIBUTE_KNOWN; i++)
		__atomic_store_n(&a->program->bss->known[i], 0, __ATOMIC_RELAXED);
}

void attribution_read(struct attribution *a, struct ledger *ledger)
{
	uint64_t lost, refused;

	if (!a || !a->ring)
		return;
	ring_buffer__consume(a->ring);
	clear_known(a);
	lost = __atomic_load_n(&a->program->bss->lost, __ATOMIC_RELAXED);
	refused = owners_refused(a->owners);
	ledger_add(ledger, COUNTER_ATTRIBUTION_LOST, lost - a->lost + refused - a->refused);
	a->lost = lost;
	a->refused = refused;
}
