/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two streamers in two threads, each opened, read, stopped by the other and freed, again and again,
 * with errors in between: built with ThreadSanitizer, which ends the program at a race. Prints TAP.
 *
 * usage: two_threads CAPTURE FLOWS
 */
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "weir/plugin.h"

#define ROUNDS 10

struct reader {
	const char *capture;
	unsigned long flows;
	bool good;
};

static int count_packet(void *context, void *state, const struct weir_packet *packet,
			struct weir_flow *flow)
{
	(void)context;
	(void)packet;
	(void)flow;
	++*(unsigned long *)state;
	return 0;
}

static const struct weir_plugin counter = {
	.abi = WEIR_PLUGIN_ABI,
	.packets = WEIR_EVERY_PACKET,
	.name = "counter",
	.flow_size = sizeof(unsigned long),
	.on_init = count_packet,
	.on_update = count_packet,
};

static bool read_once(const struct reader *r)
{
	static const char *const settings[] = { "stats", "splt=4", "profile=all", NULL };
	static const struct weir_plugin *const plugins[] = { &counter, NULL };
	const struct weir_streamer_opts opts = {
		.sz = sizeof(opts),
		.source = r->capture,
		.settings = settings,
		.plugins = plugins,
	};
	const struct weir_record *record;
	struct weir_streamer *s;
	unsigned long flows = 0;
	char text[64];

	if (weir_streamer__open(&s, &opts))
		return false;
	while (weir_streamer__next(s, &record, -1) == 1) {
		weir_record__format(record, 0, text, sizeof(text));
		flows++;
	}
	weir_streamer__free(s);
	return flows == r->flows;
}

static bool fail_once(void)
{
	static const char *const settings[] = { "fields=nope", NULL };
	const struct weir_streamer_opts opts = { .sz = sizeof(opts),
						 .source = "-",
						 .settings = settings };
	struct weir_streamer *s;

	return weir_streamer__open(&s, &opts) && strstr(weir_last_error(), "nope");
}

static void *read_often(void *context)
{
	struct reader *r = context;

	r->good = true;
	for (int i = 0; i < ROUNDS; i++)
		r->good = r->good && read_once(r) && fail_once();
	return NULL;
}

static void *read_to_the_end(void *context)
{
	const struct weir_record *record;
	int n;

	do
		n = weir_streamer__next(context, &record, 100);
	while (n != 0);
	return NULL;
}

/* The end comes from another thread, while this one waits or reads. */
static bool stop_from_outside(const char *capture)
{
	const struct weir_streamer_opts opts = { .sz = sizeof(opts), .source = capture };
	struct weir_streamer *s;
	pthread_t thread;

	if (weir_streamer__open(&s, &opts) || pthread_create(&thread, NULL, read_to_the_end, s))
		return false;
	weir_streamer__stop(s);
	pthread_join(thread, NULL);
	weir_streamer__free(s);
	return true;
}

/* A collector that reads everything. */
struct collector {
	int fd;
	unsigned long lines;
};

static void *collect(void *context)
{
	struct collector *c = context;
	int connection = accept(c->fd, NULL, NULL);
	char bytes[4096];
	ssize_t n;

	while ((n = read(connection, bytes, sizeof(bytes))) > 0)
		for (ssize_t i = 0; i < n; i++)
			c->lines += bytes[i] == '\n';
	close(connection);
	return NULL;
}

static bool listen_somewhere(struct collector *c, char *setting, size_t size)
{
	struct sockaddr_in address = { .sin_family = AF_INET };
	socklen_t length = sizeof(address);

	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	c->fd = socket(AF_INET, SOCK_STREAM, 0);
	if (bind(c->fd, (struct sockaddr *)&address, sizeof(address)) || listen(c->fd, 4) ||
	    getsockname(c->fd, (struct sockaddr *)&address, &length))
		return false;
	snprintf(setting, size, "output=json:tcp://127.0.0.1:%u", ntohs(address.sin_port));
	return true;
}

/* The thread that sends, next to the one that meters. */
static bool write_to_collector(const char *capture)
{
	struct collector c = { 0 };
	char output[64];
	const char *const settings[] = { output, "fields=flow_id", "active-timeout=0", NULL };
	const struct weir_streamer_opts opts = { .sz = sizeof(opts),
						 .source = capture,
						 .settings = settings };
	struct weir_streamer *s;
	unsigned long flows;
	pthread_t thread;
	int n;

	if (!listen_somewhere(&c, output, sizeof(output)) || weir_streamer__open(&s, &opts))
		return false;
	pthread_create(&thread, NULL, collect, &c);
	while ((n = weir_streamer__write(s, 10)) == 1)
		;
	flows = weir_streamer__counter_by_name(s, "flows");
	n |= weir_streamer__counter_by_name(s, "export.sent") != flows;
	weir_streamer__free(s);
	pthread_join(thread, NULL);
	close(c.fd);
	return !n && c.lines == flows;
}

int main(int argc, char **argv)
{
	struct reader readers[2];
	pthread_t threads[2];
	bool stopped, written;

	if (argc < 3)
		return 2;
	for (int i = 0; i < 2; i++) {
		readers[i] = (struct reader){ argv[1], strtoul(argv[2], NULL, 10), false };
		pthread_create(&threads[i], NULL, read_often, &readers[i]);
	}
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	stopped = stop_from_outside(argv[1]);
	printf("%sok 1 - threads: two streamers at once\n",
	       readers[0].good && readers[1].good ? "" : "not ");
	written = write_to_collector(argv[1]);
	printf("%sok 2 - threads: stopped by another one\n", stopped ? "" : "not ");
	printf("%sok 3 - threads: records to a collector\n1..3\n", written ? "" : "not ");
	return !(readers[0].good && readers[1].good && stopped && written);
}
