/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a program pays that reads flows by libweir: five values of each record of a capture, with
 * the settings of the weir command that it is compared with. Prints sums, so that nothing is free.
 *
 * usage: iterate CAPTURE
 */
#include <stdio.h>
#include <string.h>

#include <weir/weir.h>

struct sums {
	unsigned long flows, packets, bytes, characters;
};

/* Ids of the five columns, asked for once. */
struct ids {
	int src, dst, packets, bytes, application;
};

static struct ids ids_of(const struct weir_streamer *s)
{
	return (struct ids){
		.src = weir_streamer__column_id(s, "src_ip"),
		.dst = weir_streamer__column_id(s, "dst_ip"),
		.packets = weir_streamer__column_id(s, "total_packets"),
		.bytes = weir_streamer__column_id(s, "total_bytes"),
		.application = weir_streamer__column_id(s, "application_name"),
	};
}

static void add(struct sums *sums, const struct weir_record *r, const struct ids *ids)
{
	uint64_t packets = 0, bytes = 0;
	const char *application = "";
	char address[64];

	weir_record__u64(r, ids->packets, &packets);
	weir_record__u64(r, ids->bytes, &bytes);
	weir_record__text(r, ids->application, &application);
	sums->flows++;
	sums->packets += packets;
	sums->bytes += bytes;
	sums->characters += strlen(application);
	sums->characters += weir_record__format(r, ids->src, address, sizeof(address));
	sums->characters += weir_record__format(r, ids->dst, address, sizeof(address));
}

int main(int argc, char **argv)
{
	static const char *const settings[] = { "stats", "splt=20", NULL };
	struct weir_streamer_opts opts = { .sz = sizeof(opts), .settings = settings };
	const struct weir_record *record;
	struct weir_streamer *s;
	struct sums sums = { 0 };
	struct ids ids;
	int n;

	if (argc < 2)
		return 2;
	opts.source = argv[1];
	if (weir_streamer__open(&s, &opts)) {
		fprintf(stderr, "iterate: %s\n", weir_last_error());
		return 1;
	}
	ids = ids_of(s);
	while ((n = weir_streamer__next(s, &record, -1)) == 1)
		add(&sums, record, &ids);
	weir_streamer__free(s);
	printf("%lu flows, %lu packets, %lu bytes, %lu characters\n", sums.flows, sums.packets,
	       sums.bytes, sums.characters);
	return n != 0;
}
