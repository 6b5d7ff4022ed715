/* SPDX-License-Identifier: BSD-2-Clause */
/* Answers of a bulk API, which whoever listens there may write: judged, in words of one line. */
#include <errno.h>

#include "http_api.h"
#include "support.h"

static void check_words(const char why[TRANSPORT_WHY_SIZE])
{
	size_t length = strnlen(why, TRANSPORT_WHY_SIZE);

	require(length > 0 && length < TRANSPORT_WHY_SIZE);
	for (size_t i = 0; i < length; i++)
		require((unsigned char)why[i] >= ' ');
}

/* Every refused record has an object of its own in the text. */
static uint32_t objects_in(const uint8_t *text, size_t length)
{
	uint32_t count = 0;

	for (size_t i = 0; i < length; i++)
		count += text[i] == '{';
	return count;
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	support_silence();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	size_t length;
	uint8_t *body = input_block(&in, size, &length);
	char why[TRANSPORT_WHY_SIZE] = "";
	uint32_t refused = 0;
	int err = http_api_of("h/_bulk")->judge((char *)body, length, &refused, why);

	require(!err || err == -EBUSY || err == -EBADMSG);
	require(refused <= objects_in(body, length));
	if (err || refused)
		check_words(why);
	free(body);
	return 0;
}
