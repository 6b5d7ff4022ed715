/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tls_hello.h: a ClientHello in any number of segments, records and datagrams, and what is none.
 */
#include "hellos.h"
#include "tls_hello.h"

#define SEQ 0xffffff80u /* wraps within the hello */

static void assert_whole(struct tls_hello *h, const struct raw *message)
{
	assert_int_equal(h->length, message->len);
	assert_memory_equal(h->bytes, message->at, message->len);
	tls_hello_free(h);
}

static void make_message(struct raw *message, int dtls)
{
	struct client_hello h = example_hello;

	h.dtls = dtls;
	raw_client_hello(message, &h);
}

/* The message in records of at most record bytes. */
static void make_stream(struct raw *stream, const struct raw *message, uint32_t record)
{
	for (uint32_t at = 0; at < message->len; at += record) {
		uint32_t left = message->len - at, from = raw_tls_record(stream);

		raw_bytes(stream, message->at + at, left < record ? left : record);
		hello_close(stream, from);
	}
}

static enum tls_hello_result add(struct tls_hello *h, const struct raw *stream, uint32_t from,
				 uint32_t to)
{
	uint8_t *copy = malloc(to - from);
	enum tls_hello_result result;

	assert_non_null(copy);
	memcpy(copy, stream->at + from, to - from);
	result = tls_hello_add(h, SEQ + from, copy, to - from);
	free(copy);
	return result;
}

static void any_segments_and_records(void **state)
{
	struct raw message = { 0 };

	(void)state;
	make_message(&message, 0);
	for (uint32_t record = 1; record <= message.len; record += record < 8 ? 1 : 37) {
		struct raw stream = { 0 };

		if (record < 6) /* each record has a header */
			continue;
		make_stream(&stream, &message, record);
		for (uint32_t step = 1; step <= stream.len; step += step < 8 ? 1 : 61) {
			struct tls_hello h = { 0 };
			enum tls_hello_result result = TLS_HELLO_MORE;
			uint32_t at;

			for (at = 0; at < stream.len && result == TLS_HELLO_MORE; at += step) {
				uint32_t end = at + step < stream.len ? at + step : stream.len;

				result = add(&h, &stream, at, end);
			}
			assert_int_equal(result, TLS_HELLO_COMPLETE);
			assert_true(at >= stream.len);
			assert_whole(&h, &message);
		}
	}
}

static void retransmissions_are_skipped(void **state)
{
	struct raw message = { 0 }, stream = { 0 };
	struct tls_hello h = { 0 };

	(void)state;
	make_message(&message, 0);
	make_stream(&stream, &message, message.len);
	assert_int_equal(add(&h, &stream, 0, 100), TLS_HELLO_MORE);
	assert_int_equal(add(&h, &stream, 0, 100), TLS_HELLO_MORE);
	assert_int_equal(add(&h, &stream, 40, 90), TLS_HELLO_MORE);
	assert_int_equal(add(&h, &stream, 50, 150), TLS_HELLO_MORE);
	assert_int_equal(add(&h, &stream, 0, stream.len), TLS_HELLO_COMPLETE);
	assert_whole(&h, &message);
}

static void a_gap_ends_it(void **state)
{
	struct raw message = { 0 }, stream = { 0 };
	struct tls_hello h = { 0 };

	(void)state;
	make_message(&message, 0);
	make_stream(&stream, &message, message.len);
	assert_int_equal(add(&h, &stream, 0, 100), TLS_HELLO_MORE);
	assert_int_equal(add(&h, &stream, 101, stream.len), TLS_HELLO_NONE);
	tls_hello_free(&h);
}

static void other_data(void **state)
{
	static const char *const streams[] = {
		"GET / HTTP/1.1\r\n",         /* no record */
		"\x17\x03\x03\0\x20zzzzzzzz", /* application data */
		"\x16\x02\0\0\x20\1\0\0\x1c", /* version 2 */
		"\x16\x03\1\0\0zzzzzzzzzzzz", /* an empty record */
		"\x16\x03\1\0\x20\2\0\0\x1c", /* ServerHello */
	};
	static const uint32_t lengths[] = { 16, 13, 9, 17, 9 };

	(void)state;
	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		struct tls_hello h = { 0 };

		assert_int_equal(tls_hello_add(&h, 1, (const uint8_t *)streams[i], lengths[i]),
				 TLS_HELLO_NONE);
		tls_hello_free(&h);
	}
}

/* No client sends 16 KiB: what says that it is longer is refused as soon as it says so. */
static void longest(void **state)
{
	static const uint8_t too_long[] = { 22, 3, 1, 0x40, 0, 1, 0, 0x3f, 0xfd };
	static const uint8_t start[] = { 22, 3, 1, 0x40, 0, 1, 0, 0x3f, 0xfc };
	static uint8_t zeros[16384 - 4];
	struct tls_hello h = { 0 };

	(void)state;
	assert_int_equal(tls_hello_add(&h, 0, too_long, sizeof(too_long)), TLS_HELLO_NONE);
	tls_hello_free(&h);
	h = (struct tls_hello){ 0 };
	assert_int_equal(tls_hello_add(&h, 0, start, sizeof(start)), TLS_HELLO_MORE);
	assert_int_equal(tls_hello_add(&h, sizeof(start), zeros, sizeof(zeros)),
			 TLS_HELLO_COMPLETE);
	assert_int_equal(h.length, 16384);
	assert_int_equal(h.room, 16384);
	tls_hello_free(&h);
}

static void dtls_in_one(void **state)
{
	struct raw message = { 0 }, datagram = { 0 };
	struct tls_hello h = { 0 };

	(void)state;
	make_message(&message, 1);
	raw_dtls_fragment(&datagram, message.at, message.len, 0, message.len - 4);
	assert_int_equal(tls_hello_add_dtls(&h, datagram.at, datagram.len), TLS_HELLO_COMPLETE);
	assert_whole(&h, &message);
}

static void dtls_in_fragments(void **state)
{
	struct raw message = { 0 }, first = { 0 }, rest = { 0 };
	struct tls_hello h = { 0 };

	(void)state;
	make_message(&message, 1);
	raw_dtls_fragment(&first, message.at, message.len, 0, 50);
	raw_dtls_fragment(&rest, message.at, message.len, 50, 80);
	raw_dtls_fragment(&rest, message.at, message.len, 80, message.len - 4);
	assert_int_equal(tls_hello_add_dtls(&h, first.at, first.len), TLS_HELLO_MORE);
	assert_int_equal(tls_hello_add_dtls(&h, first.at, first.len), TLS_HELLO_MORE);
	assert_int_equal(tls_hello_add_dtls(&h, rest.at, rest.len), TLS_HELLO_COMPLETE);
	assert_whole(&h, &message);
}

static void dtls_gap_and_cuts(void **state)
{
	struct raw message = { 0 }, gap = { 0 }, whole = { 0 };
	struct tls_hello h = { 0 };

	(void)state;
	make_message(&message, 1);
	raw_dtls_fragment(&gap, message.at, message.len, 50, 80);
	assert_int_equal(tls_hello_add_dtls(&h, gap.at, gap.len), TLS_HELLO_NONE);
	tls_hello_free(&h);
	raw_dtls_fragment(&whole, message.at, message.len, 0, message.len - 4);
	for (uint32_t length = 1; length < whole.len; length++) {
		struct tls_hello cut = { 0 };
		uint8_t *copy = malloc(length);

		assert_non_null(copy);
		memcpy(copy, whole.at, length);
		assert_int_equal(tls_hello_add_dtls(&cut, copy, length), TLS_HELLO_NONE);
		free(copy);
		tls_hello_free(&cut);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(any_segments_and_records),
		cmocka_unit_test(retransmissions_are_skipped),
		cmocka_unit_test(a_gap_ends_it),
		cmocka_unit_test(other_data),
		cmocka_unit_test(longest),
		cmocka_unit_test(dtls_in_one),
		cmocka_unit_test(dtls_in_fragments),
		cmocka_unit_test(dtls_gap_and_cuts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
