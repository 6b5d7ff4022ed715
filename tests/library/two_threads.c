/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Two streamers in two threads, each opened, read, stopped by the other and freed, again and again,
 * with errors in between: built with ThreadSanitizer, which ends the program at a race. Prints TAP.
 *
 * usage: two_threads CAPTURE FLOWS
 */
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

int main(int argc, char **argv)
{
	struct reader readers[2];
	pthread_t threads[2];
	bool stopped;

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
	printf("%sok 2 - threads: stopped by another one\n1..2\n", stopped ? "" : "not ");
	return !(readers[0].good && readers[1].good && stopped);
}
