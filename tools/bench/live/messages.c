// SPDX-License-Identifier: BSD-2-Clause
/*
 * Nanoseconds of CPU that a message through lo costs its process, sending and receiving together:
 *     messages udp|tcp|sockets BYTES ROUNDS MILLISECONDS
 * sockets: UDP, with two new sockets for each. Or nanoseconds between packets that an interface
 * receives, of a transfer that takes all of a CPU:
 *     messages interface NAME ROUNDS MILLISECONDS
 * A round is measured three times: as it is, with programs that do nothing where those of
 * --attribute are for calls on known sockets, and with those. Prints a JSON line: messages or
 * packets of all rounds, and of each of the three the rounds' means.
 */
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <inttypes.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "meter/attribute.h"

#include "attribute.skel.h"

#define MAX_ROUNDS 1000
#define MAX_BYTES  65536 /* sent whole before any of it is received */
#define BATCH      64    /* messages between two looks at the clock */

struct pair {
	int from, to;
};

static int fail(const char *what)
{
	fprintf(stderr, "messages: %s: %s\n", what, strerror(errno));
	return -1;
}

static uint64_t now_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int bind_to_lo(int fd, struct sockaddr_in *address)
{
	socklen_t size = sizeof(*address);

	*address = (struct sockaddr_in){ .sin_family = AF_INET };
	address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (bind(fd, (struct sockaddr *)address, size))
		return -1;
	return getsockname(fd, (struct sockaddr *)address, &size);
}

static int open_pair(struct pair *p, bool udp)
{
	int type = udp ? SOCK_DGRAM : SOCK_STREAM, on = 1, room = 4 * MAX_BYTES;
	struct sockaddr_in address;

	p->to = socket(AF_INET, type, 0);
	p->from = socket(AF_INET, type, 0);
	if (p->to < 0 || p->from < 0 || bind_to_lo(p->to, &address))
		return fail("socket");
	if (!udp &&
	    (setsockopt(p->to, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room)) ||
	     setsockopt(p->from, SOL_SOCKET, SO_SNDBUF, &room, sizeof(room)) || listen(p->to, 1)))
		return fail("listen");
	if (connect(p->from, (struct sockaddr *)&address, sizeof(address)))
		return fail("connect");
	if (udp)
		return 0;
	p->to = accept(p->to, NULL, NULL);
	if (p->to < 0 || setsockopt(p->from, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)))
		return fail("accept");
	return 0;
}

static int pass(struct pair *p, char *buffer, size_t bytes, bool sockets)
{
	for (int i = 0; i < BATCH; i++) {
		if (sockets) {
			close(p->from);
			close(p->to);
			if (open_pair(p, true))
				return -1;
		}
		if (send(p->from, buffer, bytes, 0) != (ssize_t)bytes)
			return fail("send");
		if (recv(p->to, buffer, bytes, MSG_WAITALL) != (ssize_t)bytes)
			return fail("recv");
	}
	return 0;
}

/* Mean of one round; *messages counts on. Negative: it failed. */
static double measure_messages(struct pair *p, size_t bytes, bool sockets, double round_ns,
			       uint64_t *messages)
{
	uint64_t began = now_ns(CLOCK_THREAD_CPUTIME_ID), now, sent = 0;
	static char buffer[MAX_BYTES];

	do {
		if (pass(p, buffer, bytes, sockets))
			return -1;
		sent += BATCH;
		now = now_ns(CLOCK_THREAD_CPUTIME_ID);
	} while (now - began < round_ns);
	*messages += sent;
	return (double)(now - began) / sent;
}

static int received(const char *interface, uint64_t *packets)
{
	char path[128];
	FILE *file;
	int found;

	snprintf(path, sizeof(path), "/sys/class/net/%s/statistics/rx_packets", interface);
	file = fopen(path, "r");
	if (!file)
		return fail(path);
	found = fscanf(file, "%" SCNu64, packets);
	fclose(file);
	return found == 1 ? 0 : fail(path);
}

static double measure_interface(const char *name, double round_ns, uint64_t *packets)
{
	uint64_t began = now_ns(CLOCK_MONOTONIC), before, after;

	if (received(name, &before))
		return -1;
	usleep(round_ns / 1000);
	if (received(name, &after))
		return -1;
	errno = ENODATA;
	if (after == before)
		return fail(name);
	*packets += after - before;
	return (double)(now_ns(CLOCK_MONOTONIC) - began) / (after - before);
}

/* Programs are loaded once; nobody reads their messages, of which a socket makes one. */
static int load(struct attribute_bpf **out)
{
	struct attribute_bpf *program = attribute_bpf__open();
	struct attribute_config *constants;

	*out = program;
	if (!program)
		return fail("attribute.bpf.o");
	constants = (struct attribute_config *)&program->rodata->attribute_config;
	constants->paths = 1;
	constants->retell_jiffies = UINT64_MAX / 2;
	bpf_program__set_autoload(program->progs.on_tcp_receive, false);
	return attribute_bpf__load(program) ? fail("attribute.bpf.o") : 0;
}

enum { CALLS = 2 }; /* that are traced: to send and to receive */

/* The least that tracing a call costs: the kernel's way to a program. */
static int load_empty(int programs[CALLS])
{
	static const char *const traced[CALLS] = { "sock_send_length", "sock_recv_length" };
	const struct bpf_insn nothing[] = {
		{ .code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0 },
		{ .code = BPF_JMP | BPF_EXIT },
	};
	LIBBPF_OPTS(bpf_prog_load_opts, opts, .expected_attach_type = BPF_TRACE_RAW_TP);

	for (int i = 0; i < CALLS; i++) {
		opts.attach_btf_id = libbpf_find_vmlinux_btf_id(traced[i], BPF_TRACE_RAW_TP);
		programs[i] =
			bpf_prog_load(BPF_PROG_TYPE_TRACING, "nothing", "GPL", nothing, 2, &opts);
		if (programs[i] < 0)
			return fail(traced[i]);
	}
	return 0;
}

static int attach_empty(const int programs[CALLS], int links[CALLS])
{
	for (int i = 0; i < CALLS; i++) {
		links[i] = bpf_raw_tracepoint_open(NULL, programs[i]);
		if (links[i] < 0)
			return fail("attach");
	}
	return 0;
}

static void detach_empty(const int links[CALLS])
{
	for (int i = 0; i < CALLS; i++)
		close(links[i]);
}

enum { WITHOUT, EMPTY, WITH, STATES };

static void print(double ns[STATES][MAX_ROUNDS], int rounds, uint64_t messages)
{
	printf("{\"messages\":%lu,\"ns\":[", (unsigned long)messages);
	for (int state = 0; state < STATES; state++)
		for (int i = 0; i < rounds; i++)
			printf("%s%.1f%s",
			       i       ? ","
			       : state ? ",["
				       : "[",
			       ns[state][i], i == rounds - 1 ? "]" : "");
	printf("]}\n");
}

struct work {
	struct pair pair;
	size_t bytes;
	bool sockets;
	const char *interface; /* NULL: messages by the pair */
	double round_ns;
	uint64_t count;
};

static double measure(struct work *w)
{
	if (w->interface)
		return measure_interface(w->interface, w->round_ns, &w->count);
	return measure_messages(&w->pair, w->bytes, w->sockets, w->round_ns, &w->count);
}

static int run(struct work *w, int rounds)
{
	static double ns[STATES][MAX_ROUNDS];
	int empty[CALLS] = { 0 }, links[CALLS];
	struct attribute_bpf *program;

	if (load(&program) || load_empty(empty))
		return -1;
	for (int i = 0; i < rounds; i++) {
		ns[WITHOUT][i] = measure(w);
		if (attach_empty(empty, links))
			return -1;
		ns[EMPTY][i] = measure(w);
		detach_empty(links);
		if (attribute_bpf__attach(program))
			return fail("attach");
		ns[WITH][i] = measure(w);
		attribute_bpf__detach(program);
		if (ns[WITHOUT][i] < 0 || ns[EMPTY][i] < 0 || ns[WITH][i] < 0)
			return -1;
	}
	print(ns, rounds, w->count);
	attribute_bpf__destroy(program);
	return 0;
}

static int prepare(struct work *w, const char *kind, const char *what)
{
	if (!strcmp(kind, "interface")) {
		w->interface = what;
		return 0;
	}
	w->sockets = !strcmp(kind, "sockets");
	w->bytes = atoi(what);
	if (w->bytes < 1 || w->bytes > MAX_BYTES) {
		errno = EMSGSIZE;
		return fail(what);
	}
	return open_pair(&w->pair, strcmp(kind, "tcp") != 0);
}

int main(int argc, char **argv)
{
	struct work work = { 0 };
	int rounds;

	if (argc != 5 || (rounds = atoi(argv[3])) < 1 || rounds > MAX_ROUNDS) {
		fputs("usage: messages udp|tcp|sockets BYTES ROUNDS MILLISECONDS\n"
		      "       messages interface NAME ROUNDS MILLISECONDS\n",
		      stderr);
		return 2;
	}
	work.round_ns = atof(argv[4]) * 1e6;
	if (prepare(&work, argv[1], argv[2]))
		return 1;
	return run(&work, rounds) ? 1 : 0;
}
