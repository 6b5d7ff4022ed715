/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * TLS and DTLS ClientHellos in pieces. Input: a byte of settings; then segments or datagrams, each
 * a length, for TLS how much of what was sent comes again, and the bytes. How the bytes are cut and
 * what is repeated must not matter to the message, unless a part is missing.
 */
#include <ctype.h>
#include <stdbool.h>

#include "ja4.h"
#include "support.h"
#include "tls_hello.h"

#define MAX_SEGMENTS 32
#define MAX_STREAM   8192 /* far below tls_hello's own limit, which depends on the cuts */

struct stream {
	uint8_t bytes[MAX_STREAM];
	size_t length;
};

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	support_silence();
	ja4_prepare();
	return 0;
}

static uint32_t message_length(const struct tls_hello *h)
{
	return 4 + (h->bytes[1] << 16 | h->bytes[2] << 8 | h->bytes[3]);
}

static bool ja4_of(const uint8_t *hello, size_t length, char transport, char out[JA4_LENGTH + 1])
{
	bool good;

	memset(out, 0xff, JA4_LENGTH + 1);
	good = ja4_client(hello, length, transport, out);
	require(!good || strnlen(out, JA4_LENGTH + 1) == JA4_LENGTH);
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

	ja4_of(hello, length, 't', ja4);
	ja4_of(hello, length, 'd', ja4);
	free(hello);
}

/* What lies behind the message does not matter; a read past its end would be seen. */
static void check_complete(const struct tls_hello *h, char transport)
{
	char from_all[JA4_LENGTH + 1], from_message[JA4_LENGTH + 1];
	uint32_t length = message_length(h);
	struct input in = { h->bytes, length };
	uint8_t *message;
	size_t taken;
	bool good;

	require(h->length >= 4 && h->length >= length && h->length <= h->room);
	require(h->bytes[0] == 1);
	message = input_block(&in, length, &taken);
	good = ja4_of(h->bytes, h->length, transport, from_all);
	require(ja4_of(message, length, transport, from_message) == good);
	require(!good || !strcmp(from_all, from_message));
	free(message);
}

/* The next segment begins with up to 255 bytes that were sent before. */
static enum tls_hello_result add_segment(struct tls_hello *h, struct input *in, uint32_t start,
					 struct stream *sent)
{
	uint8_t length = input_u8(in), again = input_u8(in);
	size_t repeated = again < sent->length ? again : sent->length, fresh;
	uint8_t *bytes = input_block(in, length, &fresh), *segment = malloc(repeated + fresh);
	enum tls_hello_result result;

	require(segment != NULL && sent->length + fresh <= MAX_STREAM);
	if (fresh)
		memcpy(sent->bytes + sent->length, bytes, fresh);
	memcpy(segment, sent->bytes + sent->length - repeated, repeated + fresh);
	result = tls_hello_add(h, start + sent->length - repeated, segment, repeated + fresh);
	sent->length += fresh;
	free(segment);
	free(bytes);
	require(h->length <= h->room);
	return result;
}

static void check_cuts(const struct tls_hello *cut, enum tls_hello_result result,
		       const struct stream *sent)
{
	struct tls_hello once = { 0 };

	require(tls_hello_add(&once, 7, sent->bytes, sent->length) == result);
	if (result == TLS_HELLO_COMPLETE) {
		check_complete(cut, 't');
		check_complete(&once, 't');
		require(message_length(cut) == message_length(&once));
		require(!memcmp(cut->bytes, once.bytes, message_length(cut)));
	}
	tls_hello_free(&once);
}

/* A byte of nothing is lost before the segment number lost; 0 = none is. */
static void check_segments(struct input *in, uint32_t start, int lost)
{
	static struct stream sent;
	struct tls_hello hello = { 0 };
	enum tls_hello_result result = TLS_HELLO_MORE;

	sent.length = 0;
	for (int i = 0; i < MAX_SEGMENTS && in->left && result == TLS_HELLO_MORE; i++) {
		if (i && i == lost) {
			result = tls_hello_add(&hello, start + sent.length + 1, (const uint8_t *)"",
					       1);
			require(result == TLS_HELLO_NONE);
			goto out;
		}
		result = add_segment(&hello, in, start, &sent);
	}
	check_cuts(&hello, result, &sent);
out:
	tls_hello_free(&hello);
}

static void check_datagrams(struct input *in)
{
	struct tls_hello hello = { 0 };
	enum tls_hello_result result = TLS_HELLO_MORE;

	for (int i = 0; i < MAX_SEGMENTS && in->left && result == TLS_HELLO_MORE; i++) {
		size_t length;
		uint8_t *datagram = input_block(in, input_u16(in) % 1500, &length);

		result = tls_hello_add_dtls(&hello, datagram, length);
		require(hello.length <= hello.room);
		free(datagram);
	}
	if (result == TLS_HELLO_COMPLETE)
		check_complete(&hello, 'd');
	tls_hello_free(&hello);
}

/* 6 bits of the setting: the segment that does not follow on. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	uint8_t setting = input_u8(&in);

	switch (setting >> 6) {
	case 0: check_segments(&in, 0, setting & 0x3f); break;
	case 1: check_segments(&in, UINT32_MAX - 100, setting & 0x3f); break;
	case 2: check_bare(&in); break;
	case 3: check_datagrams(&in); break;
	}
	return 0;
}
