/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A whole run over a capture file: libpcap, filter, meter, dissection, all formats. The bytes are
 * the file; a byte of it that libpcap skips chooses the settings. Whatever the file holds,
 * seen = metered + filtered + ignored + lost, and the records' packets and bytes add up.
 */
#include <signal.h>
#include <stdbool.h>

#include "config.h"
#include "meter/types.h"
#include "record.h"
#include "run.h"
#include "support.h"

#define SECOND 1000000000ull

/* nDPI takes a tenth of a second to start: only this variant has it. fuzz_dissect is quick. */
#define VARIANT_DISSECT 0xa5

static struct memory_file capture, records, summary;
static struct sigaction on_interrupt, on_terminate;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	support_silence();
	memory_file_open(&capture);
	memory_file_open(&records);
	memory_file_open(&summary);
	sigaction(SIGINT, NULL, &on_interrupt);
	sigaction(SIGTERM, NULL, &on_terminate);
	return 0;
}

/* A pcap's time zone, which is always 0, or the section length of a pcapng's first block. */
static uint8_t variant_of(const uint8_t *data, size_t size)
{
	size_t at = size && data[0] == 0x0a ? 16 : 8;

	return at < size ? data[at] : 0;
}

/* Variant 0 is the default run but for dissection, with every column. */
static struct config make_config(uint8_t variant)
{
	struct config c = {
		.idle_ns = 30 * SECOND,
		.active_ns = 300 * SECOND,
		.tunnels = variant & 0x80 ? 0 : (1u << TUNNEL_TYPES) - 1,
		.accounting = variant & 3,
		.tcp_end = variant & 4,
		.dissect = variant == VARIANT_DISSECT,
		.max_tcp_dissections = 10,
		.max_udp_dissections = 16,
		.stats = true,
		.splt = variant & 8 ? 3 : 255,
		.profile = variant & 0x20 ? PROFILE_SEED : PROFILE_ALL,
		.probe_name = "fuzz",
		.anonymize = variant & 0x20 ? "client_info" : NULL,
		.anonymize_prefix = variant & 0x20,
		.quiet = true,
		.summary = summary.path,
	};

	if (variant & 0x10) {
		c.idle_ns = variant & 8 ? 0 : SECOND;
		c.active_ns = 2 * SECOND;
		c.max_flows = 2;
	}
	if (variant & 0x40) {
		c.filter = "not udp port 53 and len > 60";
		c.stop_after = 5;
	}
	return c;
}

static uint64_t number_at(const char *text)
{
	char *end;
	uint64_t value = strtoull(text, &end, 10);

	require(end > text);
	return value;
}

/* The number behind name, which is a key with quotes and colon. */
static uint64_t number_of(const char *text, const char *name)
{
	const char *found = strstr(text, name);

	require(found != NULL);
	return number_at(found + strlen(name));
}

/* The sum of an object of numbers. */
static uint64_t sum_of(const char *text, const char *name)
{
	const char *at = strstr(text, name);
	uint64_t sum = 0;

	require(at != NULL);
	for (at += strlen(name); *at && *at != '}'; at++)
		if (*at == ':')
			sum += number_at(at + 1);
	return sum;
}

/* The sum of a column of all records. JSON escapes quotes, so no text can look like a name. */
static uint64_t total_of(const char *text, const char *name, uint64_t *count)
{
	uint64_t total = 0;

	*count = 0;
	for (; (text = strstr(text, name)); ++*count) {
		text += strlen(name);
		total += number_at(text + (*text == '"'));
	}
	return total;
}

static void check_accounts(const char *sums, const char *rows)
{
	uint64_t seen = number_of(sums, "\"seen\":"), metered = number_of(sums, "\"metered\":");
	uint64_t flows = number_of(sums, "\"flows\":"), count;
	uint64_t unexported = number_of(sums, "\"unexported\":");

	require(seen == metered + number_of(sums, "\"filtered\":") + sum_of(sums, "\"ignored\":{") +
				sum_of(sums, "\"lost\":{"));
	require(flows == sum_of(sums, "\"ended\":{"));
	require(total_of(rows, "\"total_packets\":", &count) + unexported == metered);
	require(count == flows);
	if (!unexported)
		require(total_of(rows, "\"total_bytes\":", &count) ==
			number_of(sums, "\"bytes\":"));
}

static void check_run(int err)
{
	char *sums = memory_file_text(&summary), *rows = memory_file_text(&records);

	require(err || *sums); /* a run that began gives account even when it failed */
	if (*sums)
		check_accounts(sums, rows);
	else
		require(!*rows);
	free(sums);
	free(rows);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct config config = make_config(variant_of(data, size));
	char json[48], *file = capture.path, *outputs[] = { "csv:/dev/null", json };

	snprintf(json, sizeof(json), "json:%s", records.path);
	config.read_files = (struct string_list){ .items = &file, .count = 1 };
	config.outputs = (struct string_list){ .items = outputs, .count = 2 };
	memory_file_set(&capture, data, size);
	memory_file_set(&records, NULL, 0);
	memory_file_set(&summary, NULL, 0);
	check_run(weir_run(&config));
	sigaction(SIGINT, &on_interrupt, NULL);
	sigaction(SIGTERM, &on_terminate, NULL);
	return 0;
}
