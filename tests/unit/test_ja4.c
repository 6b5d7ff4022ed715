/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ja4.h against the vectors that its authors publish (FoxIO-LLC/ja4: technical_details/JA4.md and
 * python/test/testdata/badcurveball.pcap.json) and against hellos that are not well-formed.
 */
#include "hellos.h"
#include "ja4.h"

#include <stdio.h>

/* From a block that ends where the hello does, so that ASan sees each step beyond. */
static bool fingerprint_of(const uint8_t *bytes, size_t length, char transport, char out[64])
{
	uint8_t *copy = malloc(length + !length);
	bool good;

	assert_non_null(copy);
	memcpy(copy, bytes, length);
	strcpy(out, "none");
	good = ja4_client(copy, length, transport, out);
	free(copy);
	return good;
}

static void assert_ja4(const struct client_hello *h, const char *wanted)
{
	struct raw f = { 0 };
	char out[64];

	raw_client_hello(&f, h);
	assert_true(fingerprint_of(f.at, f.len, h->dtls ? 'd' : 't', out));
	assert_string_equal(out, wanted);
}

/* Only the part before the first '_'. */
static void assert_ja4_a(const struct client_hello *h, const char *wanted)
{
	struct raw f = { 0 };
	char out[64];

	raw_client_hello(&f, h);
	assert_true(fingerprint_of(f.at, f.len, h->dtls ? 'd' : 't', out));
	assert_int_equal(strlen(out), JA4_LENGTH);
	out[10] = '\0';
	assert_string_equal(out, wanted);
}

static void published_example(void **state)
{
	(void)state;
	assert_ja4(&example_hello, EXAMPLE_JA4);
}

static void published_example_without_signatures(void **state)
{
	struct client_hello h = example_hello;

	(void)state;
	h.signatures.count = 0;
	assert_ja4(&h, "t13d1516h2_8daaf6152771_6d807ffa2a79");
}

static void published_capture(void **state)
{
	static const struct client_hello h = {
		.version = 0x0303,
		.ciphers = CODES(0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f, 0xc02c, 0xc030, 0xcca9,
				 0xcca8, 0xc013, 0xc014, 0x009c, 0x009d, 0x002f, 0x0035, 0x000a),
		.extensions = CODES(0x0000, 0x0017, 0xff01, 0x000a, 0x000b, 0x0023, 0x0010, 0x0005,
				    0x000d, 0x0012, 0x0033, 0x002d, 0x002b, 0x001b, 0x0015),
		.versions = CODES(0x0304, 0x0303, 0x0302, 0x0301),
		.signatures = CODES(0x0403, 0x0804, 0x0401, 0x0503, 0x0805, 0x0501, 0x0806, 0x0601,
				    0x0201),
		.sni = "bad.curveballtest.com",
		.alpn = (const uint8_t *)"h2",
		.alpn_length = 2,
	};

	(void)state;
	assert_ja4(&h, "t13d1615h2_46e7e9700bed_45f260be83e2");
}

/* GREASE is ignored anywhere, signature algorithms included. */
static void grease_in_signatures(void **state)
{
	struct client_hello h = example_hello;

	(void)state;
	h.signatures.items[h.signatures.count++] = 0xfafa;
	assert_ja4(&h, EXAMPLE_JA4);
}

/* 0x1a2a and 0x0a1b look like GREASE and are not. */
static void nearly_grease_counts(void **state)
{
	struct client_hello h = { .version = 0x0303, .ciphers = CODES(0x1a2a, 0x0a1b, 0x0a0a) };

	(void)state;
	assert_ja4_a(&h, "t12i020000");
}

static void assert_alpn(const char *name, uint32_t length, const char *wanted)
{
	struct client_hello h = example_hello;
	char a[16];

	h.alpn = (const uint8_t *)name;
	h.alpn_length = length;
	snprintf(a, sizeof(a), "t13d1516%s", wanted);
	assert_ja4_a(&h, a);
}

static void alpn_as_published(void **state)
{
	(void)state;
	assert_alpn("http/1.1", 8, "h1");
	assert_alpn("h", 1, "hh");
	assert_alpn("", 0, "00");
	assert_alpn("\xab", 1, "ab");
	assert_alpn("\xab\xcd", 2, "ad");
	assert_alpn("\x30\xab", 2, "3b");
	assert_alpn("\x30\x31\xab\xcd", 4, "3d");
	assert_alpn("\x30\xab\xcd\x31", 4, "01");
}

static void alpn_extension_absent(void **state)
{
	struct client_hello h = { .version = 0x0303,
				  .ciphers = CODES(0x002f),
				  .extensions = CODES(0x000a) };

	(void)state;
	assert_ja4_a(&h, "t12i010100");
}

static void version_of_the_hello(void **state)
{
	static const struct {
		uint16_t version;
		const char *wanted;
	} cases[] = {
		{ 0x0304, "t13i010000" }, { 0x0303, "t12i010000" }, { 0x0302, "t11i010000" },
		{ 0x0301, "t10i010000" }, { 0x0300, "ts3i010000" }, { 0x0002, "ts2i010000" },
		{ 0x1234, "t00i010000" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct client_hello h = { .version = cases[i].version, .ciphers = CODES(0x002f) };

		assert_ja4_a(&h, cases[i].wanted);
	}
}

/* supported_versions overrules, the highest of them counts, and GREASE is not one. */
static void version_of_the_extension(void **state)
{
	struct client_hello h = { .version = 0x0303,
				  .ciphers = CODES(0x002f),
				  .extensions = CODES(0x002b),
				  .versions = CODES(0x0301, 0xfafa, 0x0302) };

	(void)state;
	assert_ja4_a(&h, "t11i010100");
	h.versions.count = 0;
	assert_ja4_a(&h, "t12i010100");
}

static void dtls_has_a_cookie_and_counts_versions_down(void **state)
{
	struct client_hello h = example_hello;

	(void)state;
	h.dtls = 1;
	h.version = 0xfefd;
	h.versions = (struct hello_codes)CODES(0xfefd, 0xfefc);
	assert_ja4(&h, "dd3d1516h2_8daaf6152771_e5627efa2ab1");
	h.versions = (struct hello_codes)CODES(0xfeff, 0xfefd);
	assert_ja4_a(&h, "dd2d1516h2");
	h.versions.count = 0;
	h.version = 0xfeff;
	assert_ja4_a(&h, "dd1d1516h2");
}

static void empty_lists_are_zeros(void **state)
{
	struct client_hello h = { .version = 0x0303 };

	(void)state;
	assert_ja4(&h, "t12i000000_000000000000_000000000000");
	h.extensions = (struct hello_codes)CODES(0x0000, 0x0010);
	assert_ja4(&h, "t12d000200_000000000000_000000000000");
}

static void counts_end_at_99(void **state)
{
	struct client_hello h = { .version = 0x0303 };

	(void)state;
	for (h.ciphers.count = 0; h.ciphers.count < 120; h.ciphers.count++)
		h.ciphers.items[h.ciphers.count] = 0xc000 + h.ciphers.count;
	h.extensions = h.ciphers;
	assert_ja4_a(&h, "t12i999900");
}

/* A hello cut anywhere is none; one that ends before its extensions was never whole. */
static void every_cut_is_refused(void **state)
{
	struct raw f = { 0 };
	char out[64];

	(void)state;
	raw_client_hello(&f, &example_hello);
	for (uint32_t length = 0; length < f.len; length++) {
		assert_false(fingerprint_of(f.at, length, 't', out));
		assert_string_equal(out, "none");
	}
}

/* Whatever a length field says, nothing beyond the hello is read. */
static void every_byte_may_be_wrong(void **state)
{
	struct raw f = { 0 };
	char out[64];

	(void)state;
	raw_client_hello(&f, &example_hello);
	for (uint32_t i = 0; i < f.len; i++) {
		uint8_t good = f.at[i];

		for (int bad = 0; bad < 3; bad++) {
			f.at[i] = bad == 0 ? 0xff : bad == 1 ? 0 : good + 1;
			if (fingerprint_of(f.at, f.len, 't', out))
				assert_int_equal(strlen(out), JA4_LENGTH);
		}
		f.at[i] = good;
	}
}

static void not_a_client_hello(void **state)
{
	struct raw f = { 0 };
	char out[64];

	(void)state;
	raw_server_hello(&f, 0x0303, 0x0304);
	assert_false(fingerprint_of(f.at, f.len, 't', out));
}

/* More codes than any client sends: no fingerprint rather than one of a part. */
static void too_many_codes(void **state)
{
	size_t count = 1025, length = 4 + 2 + 32 + 1 + 2 + 2 * count + 2;
	uint8_t *bytes = calloc(1, length);
	char out[64];

	(void)state;
	assert_non_null(bytes);
	bytes[0] = 1;
	bytes[2] = (length - 4) >> 8;
	bytes[3] = (length - 4) & 0xff;
	bytes[4] = bytes[5] = 3;
	bytes[39] = 2 * count >> 8;
	bytes[40] = 2 * count & 0xff;
	bytes[length - 2] = 1;
	assert_false(fingerprint_of(bytes, length, 't', out));
	free(bytes);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(published_example),
		cmocka_unit_test(published_example_without_signatures),
		cmocka_unit_test(published_capture),
		cmocka_unit_test(grease_in_signatures),
		cmocka_unit_test(nearly_grease_counts),
		cmocka_unit_test(alpn_as_published),
		cmocka_unit_test(alpn_extension_absent),
		cmocka_unit_test(version_of_the_hello),
		cmocka_unit_test(version_of_the_extension),
		cmocka_unit_test(dtls_has_a_cookie_and_counts_versions_down),
		cmocka_unit_test(empty_lists_are_zeros),
		cmocka_unit_test(counts_end_at_99),
		cmocka_unit_test(every_cut_is_refused),
		cmocka_unit_test(every_byte_may_be_wrong),
		cmocka_unit_test(not_a_client_hello),
		cmocka_unit_test(too_many_codes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
