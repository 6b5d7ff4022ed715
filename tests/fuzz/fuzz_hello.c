/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TLS ClientHellos in pieces. Input: a byte of settings; then segments, each a length and its
 * bytes. How the bytes are cut must not matter to the message or its JA4, unless one is missing.
 */
#include <ctype.h>
#include <stdbool.h>

#include "ja4.h"
#include "support.h"
#include "tls_hello.h"

#define MAX_SEGMENTS 64
#define MAX_STREAM   8192 /* far below tls_hello's own limit, which depends on the cuts */

struct stream {
	uint8_t bytes[MAX_STREAM];
	size_t length;
};

static uint32_t message_length(const struct tls_hello *h)
{
	return 4 + (h->bytes[1] << 16 | h->bytes[2] << 8 | h->bytes[3]);
}

static bool ja4_of(const uint8_t *hello, size_t length, char out[JA4_LENGTH + 1])
{
	bool good;

	memset(out, 0xff, JA4_LENGTH + 1);
	good = ja4_client(hello, length, 't', out);
	require(!good || strlen(out) == JA4_LENGTH);
	for (int i = 0; good && i < JA4_LENGTH; i++)
		require(isalnum((unsigned char)out[i]) || out[i] == '_');
	return good;
}

/* The bytes are the handshake message itself. */
static void check_bare(struct input *in)
{
	char ja4[JA4_LENGTH + 1];
	size_t length;
	uint8_t *hello = input_block(in, in->left, &length);

	ja4_of(hello, length, ja4);
	free(hello);
}

static void check_complete(const struct tls_hello *h)
{
	char from_all[JA4_LENGTH + 1], from_message[JA4_LENGTH + 1];
	uint32_t length = message_length(h);
	bool good;

	require(h->length >= 4 && h->length >= length && h->length <= h->room);
	require(h->bytes[0] == 1);
	good = ja4_of(h->bytes, h->length, from_all);
	require(ja4_of(h->bytes, length, from_message) == good);
	require(!good || !strcmp(from_all, from_message));
}

/* Adds the next piece; a skip of more than 0 bytes loses what was before it. */
static enum tls_hello_result add(struct tls_hello *h, struct input *in, uint32_t *seq,
				 struct stream *whole)
{
	uint8_t cut = input_u8(in);
	size_t length;
	uint8_t *segment = input_block(in, cut, &length);
	enum tls_hello_result result = tls_hello_add(h, *seq, segment, length);

	*seq += length;
	if (whole->length + length <= MAX_STREAM) {
		memcpy(whole->bytes + whole->length, segment, length);
		whole->length += length;
	}
	free(segment);
	require(h->length <= h->room);
	return result;
}

static void check_cuts(const struct tls_hello *cut, enum tls_hello_result result,
		       const struct stream *whole)
{
	struct tls_hello once = { 0 };

	require(tls_hello_add(&once, 7, whole->bytes, whole->length) == result);
	if (result == TLS_HELLO_COMPLETE) {
		check_complete(cut);
		check_complete(&once);
		require(message_length(cut) == message_length(&once));
		require(!memcmp(cut->bytes, once.bytes, message_length(cut)));
	}
	tls_hello_free(&once);
}

static void check_segments(struct input *in, uint32_t seq, int lost)
{
	static struct stream whole;
	struct tls_hello hello = { 0 };
	enum tls_hello_result result = TLS_HELLO_MORE;

	whole.length = 0;
	for (int i = 0; i < MAX_SEGMENTS && in->left && result == TLS_HELLO_MORE; i++) {
		seq += i && i == lost;
		result = add(&hello, in, &seq, &whole);
		require(!i || i != lost || result == TLS_HELLO_NONE);
		if (i && i == lost)
			goto out;
	}
	check_cuts(&hello, result, &whole);
out:
	tls_hello_free(&hello);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	uint8_t setting = input_u8(&in);

	if (setting & 0x80)
		check_bare(&in);
	else /* 6 bits: the segment that does not follow on; 1: whether sequence numbers wrap */
		check_segments(&in, setting & 0x40 ? 0 : UINT32_MAX - 100, setting & 0x3f);
	return 0;
}
