/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Flow records of any kind, from random bytes, as IPFIX in a file or as NetFlow v9 in a capture,
 * for other programs to decode. Each run of columns is an observation domain of its own; every
 * record has a flow_end_reason, so that records can be counted. Prints how many there are.
 * usage: ipfix_fuzzed ipfix|netflow9 OUT SEED RUNS
 */
#include "datagrams.h"
#include "ipfix.h"

#include "../fuzz/ipfix_material.h"

#define RECORDS 24
#define BYTES   (1 << 16)
#define NOW_NS  1900000000000000000ull

struct run {
	FILE *out;
	bool frames;
};

static int emit(void *context, const void *bytes, size_t length, uint32_t flows)
{
	const struct run *run = context;

	(void)flows;
	if (run->frames)
		pcap_frame(run->out, bytes, length);
	else
		write_all(run->out, bytes, length);
	return 0;
}

/* xorshift64: the same everywhere. */
static void fill(uint8_t *bytes, size_t size, uint64_t *state)
{
	for (size_t i = 0; i < size; i++) {
		*state ^= *state << 13;
		*state ^= *state >> 7;
		*state ^= *state << 17;
		bytes[i] = *state >> 32;
	}
}

/* Columns with one more, if it is not there. */
static void add_reason(struct columns *columns)
{
	const struct field *reason = record_field_by_name("flow_end_reason");

	for (size_t i = 0; i < columns->count; i++)
		if (columns->items[i] == reason)
			return;
	columns->items = reallocarray(columns->items, columns->count + 1, sizeof(*columns->items));
	require(columns->items != NULL);
	columns->items[columns->count++] = reason;
}

static size_t data_records(const struct flow_record *r, enum ipfix_protocol protocol)
{
	if (protocol == IPFIX)
		return 1;
	return (r->side[SIDE_SRC2DST].packets != 0) + (r->side[SIDE_DST2SRC].packets != 0);
}

static size_t write_run(struct run *run, enum ipfix_protocol protocol, struct input *in,
			uint32_t domain)
{
	static struct material material;
	const struct config config = { .ipfix_pen = 1 + input_u16(in),
				       .ipfix_domain = domain,
				       .ipfix_point = input_u8(in) % 2,
				       .ipfix_mtu = 512 + input_u16(in) % 2048 };
	const struct ipfix_options options = {
		.protocol = protocol,
		.datagrams = protocol == NETFLOW9 || input_u8(in) % 2,
		.emit = emit,
		.context = run,
	};
	struct ipfix_encoder *e;
	struct columns columns;
	size_t count = 0;

	make_columns(&columns, in);
	add_reason(&columns);
	require(ipfix_encoder_new(&e, &config, &columns, &options) == 0);
	if (!options.datagrams)
		require(ipfix_encoder_preamble(e, NOW_NS, emit, run, NULL) == 0);
	make_material(&material, in);
	for (int i = 0; i < RECORDS && in->left; i++) {
		struct flow_record r;

		make_record(&r, &material, in);
		require(ipfix_encoder_encode(e, &r, NOW_NS) == 0);
		count += data_records(&r, protocol);
	}
	require(ipfix_encoder_finish(e, NOW_NS) == 0);
	ipfix_encoder_free(e);
	columns_free(&columns);
	free_material(&material);
	return count;
}

int main(int argc, char **argv)
{
	static uint8_t bytes[BYTES];
	uint64_t state, count = 0;
	struct run run;

	if (argc != 5) {
		fputs("usage: ipfix_fuzzed ipfix|netflow9 OUT SEED RUNS\n", stderr);
		return 2;
	}
	run.frames = !strcmp(argv[1], "netflow9");
	run.out = fopen(argv[2], "w");
	if (!run.out)
		die(argv[2]);
	if (run.frames)
		pcap_begin(run.out);
	state = strtoull(argv[3], NULL, 10) | 1;
	for (int i = 1; i <= atoi(argv[4]); i++) {
		struct input in = { bytes, sizeof(bytes) };

		fill(bytes, sizeof(bytes), &state);
		count += write_run(&run, run.frames ? NETFLOW9 : IPFIX, &in, i);
	}
	printf("%llu\n", (unsigned long long)count);
	return fclose(run.out) ? 1 : 0;
}
