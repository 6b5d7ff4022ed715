/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One meter: each packet of each capture through the kernel (BPF_PROG_TEST_RUN on XDP) and through
 * the host, with the same clock and small timeouts. The parsed packet, the end of the flow it found
 * and the flow's counters afterwards must be equal in every byte. Prints TAP.
 *
 * usage: parity OBJECT CAPTURE...
 */
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture.h"
#include "parity.h"

#define MIN_FRAME 14   /* XDP's test_run takes no less */
#define MAX_FRAME 3500 /* and without fragments a page less headroom */

struct host_flow {
	struct flow_key key;
	struct parity_flow flow;
	struct host_flow *next;
};

struct check {
	struct bpf_object *object;
	int program, state, fragments, flows;
	struct meter_config config;
	struct fragment_slot slots[FRAGMENT_SLOTS];
	struct host_flow *buckets[4096];
	uint64_t packets, refused, skipped, flow_count, ended;
	char why[256];
};

static struct host_flow *host_find(struct check *c, const struct packet *p)
{
	const struct key_words *w = (const struct key_words *)&p->key;
	uint64_t hash = 0;
	struct host_flow **at, *f;

	for (int i = 0; i < 6; i++)
		hash = (hash ^ w->word[i]) * 0x9e3779b97f4a7c15ull;
	at = &c->buckets[hash >> 52];
	for (f = *at; f; f = f->next)
		if (key_equal(&f->key, &p->key))
			return f;
	f = calloc(1, sizeof(*f));
	f->key = p->key;
	meter_open(&f->flow.counters, p);
	f->next = *at;
	*at = f;
	c->flow_count++;
	return f;
}

/* Some packets stand for several: sizes tell which, so that what is repeated is so alike. */
static uint32_t gso_size_of(const struct capture_packet *in)
{
	return in->wire_len % 3 ? 0 : 1 + in->wire_len % 200;
}

static struct host_flow *host_meter(struct check *c, const struct capture_packet *in,
				    struct parity *out)
{
	struct window w = { in->bytes, in->captured < METER_WINDOW ? in->captured : METER_WINDOW };
	struct packet *p = &out->parser.pkt;
	struct host_flow *f;

	parser_init(&out->parser, in->wire_len, c->config.tunnels);
	out->status = parse_packet(&w, &out->parser, PARSE_LINK);
	if (out->status != PARSE_DONE)
		return NULL;
	p->time_ns = in->time_ns;
	meter_segment(p, p->payload_offset, gso_size_of(in), 0);
	key_canonicalize(p);
	if (p->fragment)
		fragment_resolve(&c->slots[fragment_slot_of(p)], p);
	f = host_find(c, p);
	out->ended = meter_expired(&f->flow.counters, p, &c->config);
	if (out->ended) {
		memset(&f->flow, 0, sizeof(f->flow));
		meter_open(&f->flow.counters, p);
		c->ended++;
	}
	meter_update(&f->flow.counters, &f->flow.stats, &f->flow.tcp, p, &c->config);
	return f;
}

static int kernel_meter(struct check *c, const struct capture_packet *in, struct parity *out)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts, .data_in = in->bytes, .data_size_in = in->captured);
	uint32_t zero = 0;

	out->config = c->config;
	out->time_ns = in->time_ns;
	out->captured = in->captured;
	out->wire_len = in->wire_len;
	out->gso_size = gso_size_of(in);
	if (bpf_map_update_elem(c->state, &zero, out, BPF_ANY) ||
	    bpf_prog_test_run_opts(c->program, &opts) || opts.retval != 2 /* XDP_PASS */)
		return -errno;
	return bpf_map_lookup_elem(c->state, &zero, out);
}

static bool same(struct check *c, const char *what, const void *a, const void *b, size_t size)
{
	const uint8_t *x = a, *y = b;

	for (size_t i = 0; i < size; i++) {
		if (x[i] == y[i])
			continue;
		snprintf(c->why, sizeof(c->why),
			 "packet %lu: %s differs at byte %zu: kernel %u, host %u",
			 (unsigned long)c->packets, what, i, x[i], y[i]);
		return false;
	}
	return true;
}

static bool compare(struct check *c, const struct capture_packet *in)
{
	struct parity kernel = { 0 }, host = { 0 };
	struct parity_flow flow;
	struct host_flow *f;

	c->packets++;
	if (in->captured < MIN_FRAME || in->captured > MAX_FRAME) {
		c->skipped++;
		return true;
	}
	f = host_meter(c, in, &host);
	if (kernel_meter(c, in, &kernel)) {
		snprintf(c->why, sizeof(c->why), "packet %lu: test_run: %s",
			 (unsigned long)c->packets, strerror(errno));
		return false;
	}
	if (!same(c, "status", &kernel.status, &host.status, sizeof(host.status)))
		return false;
	c->refused += !f;
	if (!f)
		return true;
	if (!same(c, "packet", &kernel.parser.pkt, &host.parser.pkt, sizeof(struct packet)) ||
	    !same(c, "end", &kernel.ended, &host.ended, sizeof(host.ended)))
		return false;
	if (bpf_map_lookup_elem(c->flows, &f->key, &flow)) {
		snprintf(c->why, sizeof(c->why), "packet %lu: no such flow in the kernel",
			 (unsigned long)c->packets);
		return false;
	}
	return same(c, "flow", &flow, &f->flow, sizeof(flow));
}

static bool on_packet(void *context, const struct capture_packet *packet)
{
	return compare(context, packet);
}

/* Both sides forget what the capture before left. */
static void forget(struct check *c)
{
	struct fragment_slot none = { 0 };

	for (uint32_t i = 0; i < FRAGMENT_SLOTS; i++) {
		if (c->slots[i].noted)
			bpf_map_update_elem(c->fragments, &i, &none, BPF_ANY);
		c->slots[i] = none;
	}
	for (int i = 0; i < 4096; i++) {
		while (c->buckets[i]) {
			struct host_flow *f = c->buckets[i];

			bpf_map_delete_elem(c->flows, &f->key);
			c->buckets[i] = f->next;
			free(f);
		}
	}
	c->packets = c->refused = c->skipped = c->flow_count = c->ended = 0;
	c->why[0] = '\0';
}

static int quiet(enum libbpf_print_level level, const char *format, va_list args)
{
	return level == LIBBPF_WARN ? vfprintf(stderr, format, args) : 0;
}

static int load(struct check *c, const char *path)
{
	struct bpf_object *object;

	libbpf_set_print(quiet);
	object = c->object = bpf_object__open_file(path, NULL);
	if (!object || bpf_object__load(object))
		return -errno;
	c->program = bpf_program__fd(bpf_object__find_program_by_name(object, "parity"));
	c->state = bpf_object__find_map_fd_by_name(object, "state");
	c->fragments = bpf_object__find_map_fd_by_name(object, "fragments");
	c->flows = bpf_object__find_map_fd_by_name(object, "flows");
	return 0;
}

int main(int argc, char **argv)
{
	static struct check c;
	int failed = 0, count = 0;

	if (argc > 1 && load(&c, argv[1]) == -EPERM) {
		printf("ok 1 - parity # SKIP loading BPF programs is not permitted here\n1..1\n");
		bpf_object__close(c.object);
		return 0;
	}
	if (argc < 2 || !c.program) {
		printf("not ok 1 - parity: the meter loads into the kernel: %s\n1..1\n",
		       strerror(errno));
		bpf_object__close(c.object);
		return 1;
	}
	c.config = (struct meter_config){
		.idle_ns = 1000000000ull,
		.active_ns = 5000000000ull,
		.tunnels = ~0u,
		.stats = 1,
		.tcp = 1,
		.tcp_end = 1,
	};
	for (int i = 2; i < argc; i++) {
		const char *name = strrchr(argv[i], '/') ? strrchr(argv[i], '/') + 1 : argv[i];
		bool good;

		forget(&c);
		if (!capture_read(argv[i], on_packet, &c))
			continue; /* not Ethernet */
		good = !c.why[0];
		failed |= !good;
		printf("%sok %d - parity %s: %lu packets (%lu refused, %lu too long or short), %lu "
		       "flows, "
		       "%lu ended\n",
		       good ? "" : "not ", ++count, name, (unsigned long)c.packets,
		       (unsigned long)c.refused, (unsigned long)c.skipped,
		       (unsigned long)c.flow_count, (unsigned long)c.ended);
		if (!good)
			printf("# %s\n", c.why);
	}
	printf("1..%d\n", count);
	forget(&c);
	bpf_object__close(c.object);
	return failed;
}
