/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A whole run over a capture file: libpcap, filter, meter, dissection, all formats. The bytes are
 * the file; a byte of it that libpcap skips chooses the settings. Whatever the file holds,
 * seen = metered + filtered + ignored + lost, and the records' packets and bytes add up.
 */
#include <signal.h>
#include <stdbool.h>

#include "run.h"
#include "support.h"

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

/* The words of a command line. */
struct words {
	const char *word[40];
	int count;
};

static void add(struct words *w, const char *word)
{
	w->word[w->count++] = word;
}

static void add_option(struct words *w, const char *name, const char *value)
{
	add(w, name);
	add(w, value);
}

/* Variant 0 is the default run but for dissection, with every column. */
static void choose(struct words *w, uint8_t variant)
{
	static const char *const accounting[] = { "link", "ip", "transport", "payload" };

	add(w, "--stats");
	add_option(w, "--accounting", accounting[variant & 3]);
	add_option(w, "--tunnels", variant & 0x80 ? "none" : "all");
	add_option(w, "--splt", variant & 8 ? "3" : "255");
	add_option(w, "--profile", variant & 0x20 ? "seed" : "all");
	if (variant != VARIANT_DISSECT)
		add(w, "--no-dissect");
	if (variant & 4)
		add(w, "--tcp-end");
	if (variant & 0x20) {
		add_option(w, "--anonymize",
			   variant == VARIANT_DISSECT ? "client_info" : "vlan_id");
		add(w, "--anonymize-prefix");
	}
	if (variant & 0x10) {
		add_option(w, "--idle-timeout", variant & 8 ? "0" : "1");
		add_option(w, "--active-timeout", "2");
		add_option(w, "--max-flows", "2");
	}
	if (variant & 0x40) {
		add_option(w, "--filter", "not udp port 53 and len > 60");
		add_option(w, "--stop-after", "5");
	}
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
	struct words w = { .word = { "weir", "-q" }, .count = 2 };
	char json[48];

	snprintf(json, sizeof(json), "json:%s", records.path);
	add_option(&w, "-r", capture.path);
	add_option(&w, "-o", "csv:/dev/null");
	add_option(&w, "-o", json);
	add_option(&w, "--summary", summary.path);
	add_option(&w, "--probe-name", "fuzz");
	choose(&w, variant_of(data, size));
	memory_file_set(&capture, data, size);
	memory_file_set(&records, NULL, 0);
	memory_file_set(&summary, NULL, 0);
	check_run(weir_run(w.count, (char *const *)w.word));
	sigaction(SIGINT, &on_interrupt, NULL);
	sigaction(SIGTERM, &on_terminate, NULL);
	return 0;
}
