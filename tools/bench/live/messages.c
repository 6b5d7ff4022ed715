// SPDX-License-Identifier: BSD-2-Clause
/*
 * Nanoseconds of CPU that a message through lo costs its process, sending and receiving together:
 *     messages udp|tcp|sockets BYTES ROUNDS MILLISECONDS
 * sockets: UDP, with two new sockets for each. In every other round the programs of --attribute are
 * attached. Prints a JSON line: messages of all rounds, and the least and the median of the means
 * of rounds without and with them.
 */
#include <arpa/inet.h>
#include <bpf/libbpf.h>
#include <errno.h>
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
#define MAX_BYTES  1448 /* a segment */
#define BATCH      64   /* messages between two looks at the clock */

struct pair {
	int from, to;
};

static int fail(const char *what)
{
	fprintf(stderr, "messages: %s: %s\n", what, strerror(errno));
	return -1;
}

static uint64_t cpu_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
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
	int type = udp ? SOCK_DGRAM : SOCK_STREAM, on = 1;
	struct sockaddr_in address;

	p->to = socket(AF_INET, type, 0);
	p->from = socket(AF_INET, type, 0);
	if (p->to < 0 || p->from < 0 || bind_to_lo(p->to, &address))
		return fail("socket");
	if (!udp && listen(p->to, 1))
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
static double measure(struct pair *p, size_t bytes, bool sockets, double round_ns,
		      uint64_t *messages)
{
	uint64_t began = cpu_ns(), now, sent = 0;
	char buffer[MAX_BYTES] = { 0 };

	do {
		if (pass(p, buffer, bytes, sockets))
			return -1;
		sent += BATCH;
		now = cpu_ns();
	} while (now - began < round_ns);
	*messages += sent;
	return (double)(now - began) / sent;
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
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

static int run(struct pair *p, const char *kind, size_t bytes, double round_ns, int rounds)
{
	static double ns[2][MAX_ROUNDS];
	struct attribute_bpf *program;
	uint64_t messages = 0;

	if (load(&program))
		return -1;
	for (int i = 0; i < 2 * rounds; i++) {
		double *mean = &ns[i % 2][i / 2];

		if (i % 2 && attribute_bpf__attach(program))
			return fail("attach");
		*mean = measure(p, bytes, !strcmp(kind, "sockets"), round_ns, &messages);
		if (*mean < 0)
			return -1;
		attribute_bpf__detach(program);
	}
	for (int i = 0; i < 2; i++)
		qsort(ns[i], rounds, sizeof(**ns), compare);
	printf("{\"messages\":%lu,\"min\":[%.1f,%.1f],\"median\":[%.1f,%.1f]}\n",
	       (unsigned long)messages, ns[0][0], ns[1][0], ns[0][rounds / 2], ns[1][rounds / 2]);
	attribute_bpf__destroy(program);
	return 0;
}

int main(int argc, char **argv)
{
	struct pair pair;
	int rounds, bytes;

	if (argc != 5 || (rounds = atoi(argv[3])) < 1 || rounds > MAX_ROUNDS ||
	    (bytes = atoi(argv[2])) < 1 || bytes > MAX_BYTES) {
		fprintf(stderr, "usage: messages udp|tcp|sockets BYTES ROUNDS MILLISECONDS\n");
		return 2;
	}
	if (open_pair(&pair, strcmp(argv[1], "tcp") != 0))
		return 1;
	return run(&pair, argv[1], bytes, atof(argv[4]) * 1e6, rounds) ? 1 : 0;
}
