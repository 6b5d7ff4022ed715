/* SPDX-License-Identifier: BSD-2-Clause */
/* Prints who talks to whom, and by what. cc flows.c $(pkg-config --cflags --libs weir) */
#include <stdio.h>

#include <weir/weir.h>

int main(int argc, char **argv)
{
	const char *const settings[] = { "fields=src_ip,dst_ip,dst_port,application_name", NULL };
	struct weir_streamer_opts opts = { 0 };
	const struct weir_record *record;
	struct weir_streamer *streamer;
	char source[64], destination[64];
	const char *application;
	uint64_t port;
	int more;

	opts.sz = sizeof(opts);
	opts.source = argc > 1 ? argv[1] : "eth0"; /* a capture file or an interface */
	opts.settings = settings;
	if (weir_streamer__open(&streamer, &opts)) {
		fprintf(stderr, "flows: %s\n", weir_last_error());
		return 1;
	}
	while ((more = weir_streamer__next(streamer, &record, -1)) == 1) {
		weir_record__format(record, 0, source, sizeof(source));
		weir_record__format(record, 1, destination, sizeof(destination));
		weir_record__u64(record, 2, &port);
		weir_record__text(record, 3, &application);
		printf("%s -> %s port %u: %s\n", source, destination, (unsigned)port, application);
	}
	weir_streamer__free(streamer);
	return more ? 1 : 0;
}
