// SPDX-License-Identifier: BSD-2-Clause
/*
 * Owns the benchmark capture being written. Invariant: packets and bytes say what was handed to
 * the file; whether it got there is known after capture_out_close().
 */
#include "capture_out.h"

#include <errno.h>
#include <string.h>

#define PCAP_MAGIC_US          0xa1b2c3d4
#define PCAP_LINKTYPE_ETHERNET 1
#define USEC_PER_SEC           1000000
#define WRITE_BUFFER           (1 << 20)

static void put_le16(uint8_t *p, uint16_t value)
{
	p[0] = (uint8_t)value;
	p[1] = (uint8_t)(value >> 8);
}

static void put_le32(uint8_t *p, uint32_t value)
{
	put_le16(p, (uint16_t)value);
	put_le16(p + 2, (uint16_t)(value >> 16));
}

static void write_bytes(struct capture_out *out, const void *data, size_t len)
{
	fwrite(data, 1, len, out->file);
	out->bytes += len;
}

int capture_out_open(struct capture_out *out, const char *path)
{
	uint8_t header[24] = { 0 };

	memset(out, 0, sizeof(*out));
	out->file = fopen(path, "wb");
	if (!out->file)
		return -errno;
	setvbuf(out->file, NULL, _IOFBF, WRITE_BUFFER);
	put_le32(header, PCAP_MAGIC_US);
	put_le16(header + 4, 2); /* format version 2.4 */
	put_le16(header + 6, 4);
	put_le32(header + 16, CAPTURE_SNAPLEN);
	put_le32(header + 20, PCAP_LINKTYPE_ETHERNET);
	write_bytes(out, header, sizeof(header));
	return 0;
}

void capture_out_put(struct capture_out *out, uint64_t time_us, const uint8_t *data,
		     uint32_t caplen, uint32_t wirelen)
{
	uint8_t header[16];

	put_le32(header, (uint32_t)(CAPTURE_EPOCH + time_us / USEC_PER_SEC));
	put_le32(header + 4, (uint32_t)(time_us % USEC_PER_SEC));
	put_le32(header + 8, caplen);
	put_le32(header + 12, wirelen);
	write_bytes(out, header, sizeof(header));
	write_bytes(out, data, caplen);
	out->packets++;
}

int capture_out_close(struct capture_out *out)
{
	int failed;

	if (!out->file)
		return 0;
	failed = ferror(out->file);
	if (fclose(out->file))
		failed = 1;
	out->file = NULL;
	return failed ? (errno ? -errno : -EIO) : 0;
}
