/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A writer of classic pcap: little endian whatever the host, microseconds, EN10MB. Times are
 * microseconds since CAPTURE_EPOCH. Write errors stick and are reported by capture_out_close().
 */
#ifndef WEIR_BENCH_CAPTURE_OUT_H
#define WEIR_BENCH_CAPTURE_OUT_H

#include <stdint.h>
#include <stdio.h>

#define CAPTURE_EPOCH   1700000000ULL /* seconds, UTC */
#define CAPTURE_SNAPLEN 262144

struct capture_out {
	FILE *file;
	uint64_t packets;
	uint64_t bytes; /* of the file */
};

int capture_out_open(struct capture_out *out, const char *path);
void capture_out_put(struct capture_out *out, uint64_t time_us, const uint8_t *data,
		     uint32_t caplen, uint32_t wirelen);
int capture_out_close(struct capture_out *out);

#endif
