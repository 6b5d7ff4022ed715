/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The page for Prometheus, read back line by line: every counter of the table once and with its
 * value, each family described once, labels escaped, buckets that add up, nothing that is not
 * known.
 */
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "metrics_format.h"
#include "metrics_text.h"

static struct metrics_snapshot meter;
static const struct metrics_build build = {
	.version = "1.2",
	.libbpf = "v1.1",
	.ndpi = "4.2 \"x\"",
	.start_s = 1700000000.25,
};

/* The page of what meter holds; the caller's. */
static char *page_of(const struct process_stats *process)
{
	struct metrics_view view = { &meter, &build, *process, 1500000000 };
	struct text_buffer text = { 0 };

	metrics_text(&text, &view);
	text_char(&text, '\0');
	assert_false(text.failed);
	return text.data;
}

static char *page(void)
{
	const struct process_stats process = { 1250000000, 4096, 8192, 2, 7, 1024 };

	return page_of(&process);
}

/* How often the page has exactly this line. */
static int count_lines(const char *text, const char *line)
{
	size_t length = strlen(line);
	int count = 0;

	for (const char *at = text; at; at = strchr(at, '\n')) {
		at += *at == '\n';
		count += !strncmp(at, line, length) && at[length] == '\n';
	}
	return count;
}

static void has_line(const char *text, const char *line)
{
	if (count_lines(text, line) != 1)
		fail_msg("\"%s\" is there %d times", line, count_lines(text, line));
}

static int setup(void **state)
{
	(void)state;
	memset(&meter, 0, sizeof(meter));
	return 0;
}

/* --- counters --------------------------------------------------------------------------------- */

/* The sample that a row of the table must be, by the rule that the manual tells. */
static void expected_line(char *to, size_t size, const struct counter_info *row, uint64_t value)
{
	static const char *const groups[][3] = {
		{ "ended", "flows_ended", "reason" },
		{ "export", "export_records", "result" },
		{ "plugin", "plugin_events", "event" },
		{ "attribution", "attribution_events", "event" },
		{ "geoip", "geoip_events", "event" },
		{ "watch", "watch_events", "event" },
	};
	const bool own = !strcmp(row->name, "bytes") || !strcmp(row->name, "flows");
	char name[64];
	const char *label = "reason";

	snprintf(name, sizeof(name), "packets_%s", *row->group ? row->group : row->name);
	if (!*row->group && own)
		snprintf(name, sizeof(name), "%s", row->name);
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++) {
		if (strcmp(groups[i][0], row->group))
			continue;
		snprintf(name, sizeof(name), "%s", groups[i][1]);
		label = groups[i][2];
	}
	if (*row->group)
		snprintf(to, size, "weir_%s_total{%s=\"%s\"} %" PRIu64, name, label, row->name,
			 value);
	else
		snprintf(to, size, "weir_%s_total %" PRIu64, name, value);
}

static void every_counter(void **state)
{
	char *text, line[200];

	(void)state;
	for (int i = 0; i < COUNTERS; i++)
		meter.ledger.value[i] = 7000000 + i;
	text = page();
	for (int i = 0; i < COUNTERS; i++) {
		expected_line(line, sizeof(line), &counter_table[i], 7000000 + i);
		has_line(text, line);
	}
	free(text);
}

static void counters_by_name(void **state)
{
	char *text;

	(void)state;
	meter.ledger.value[COUNTER_SEEN] = UINT64_MAX;
	meter.ledger.value[COUNTER_IGNORED_NOT_IP] = 2;
	meter.ledger.value[COUNTER_LOST_RING_FULL] = 3;
	meter.ledger.value[COUNTER_ENDED_DETECTED] = 4;
	meter.ledger.value[COUNTER_BYTES] = 5;
	meter.ledger.value[COUNTER_FLOWS] = 6;
	meter.ledger.value[COUNTER_PLUGIN_ERRORS] = 7;
	meter.ledger.value[COUNTER_EXPORT_DROPPED] = 8;
	text = page();
	has_line(text, "# HELP weir_packets_seen_total packets that arrived");
	has_line(text, "# TYPE weir_packets_seen_total counter");
	has_line(text, "weir_packets_seen_total 18446744073709551615");
	has_line(text, "# TYPE weir_packets_ignored_total counter");
	has_line(text, "weir_packets_ignored_total{reason=\"not_ip\"} 2");
	has_line(text, "weir_packets_lost_total{reason=\"ring_full\"} 3");
	has_line(text, "weir_flows_ended_total{reason=\"end_of_flow\"} 4");
	has_line(text, "weir_bytes_total 5");
	has_line(text, "weir_flows_total 6");
	has_line(text, "weir_plugin_events_total{event=\"errors\"} 7");
	has_line(text, "weir_export_records_total{result=\"dropped\"} 8");
	free(text);
}

/* --- form ------------------------------------------------------------------------------------- */

/* Each family begins once, by HELP and TYPE, and its samples follow at once. */
static void families_hold_together(void **state)
{
	char *text, *copy, *line, *rest = NULL, name[100] = "", help[120], type[120];

	(void)state;
	metrics_totals_expect(&meter.totals, "eth0");
	meter.status.map_max = meter.status.ring_bytes = 1;
	meter.time_ns = 1000000000;
	text = page();
	copy = strdup(text);
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		if (!strncmp(line, "# HELP ", 7)) {
			sscanf(line + 7, "%99s", name);
			snprintf(help, sizeof(help), "\n# HELP %s ", name);
			snprintf(type, sizeof(type), "\n# TYPE %s ", name);
			assert_true(!strstr(copy, help) || !strstr(strstr(copy, help) + 1, help));
			assert_true(strstr(copy, type) && !strstr(strstr(copy, type) + 1, type));
		} else if (*line != '#' && strncmp(line, name, strlen(name))) {
			fail_msg("%s stands below %s", line, name);
		}
	}
	free(copy);
	free(text);
}

static void escapes(void **state)
{
	char *text;

	(void)state;
	metrics_totals_expect(&meter.totals, "a\"b\\c\nd");
	metrics_totals_expect(&meter.totals, "\xc3\xbc\xe2\x82\xac");
	metrics_totals_expect(&meter.totals, "\xfc\xc3");
	text = page();
	has_line(text, "weir_interface_flows_total{interface=\"a\\\"b\\\\c\\nd\"} 0");
	has_line(text, "weir_interface_flows_total{interface=\"\xc3\xbc\xe2\x82\xac\"} 0");
	has_line(text, "weir_interface_flows_total{interface=\"\\\\xfc\\\\xc3\"} 0");
	has_line(text, "weir_build_info{version=\"1.2\",libbpf=\"v1.1\",ndpi=\"4.2 \\\"x\\\"\"} 1");
	free(text);
}

static void help_escapes(void **state)
{
	struct text_buffer b = { 0 };

	(void)state;
	metrics_header(&b, "x", "gauge", "a\nb\\c \"d\"");
	text_char(&b, '\0');
	assert_string_equal(b.data, "# HELP x a\\nb\\\\c \"d\"\n# TYPE x gauge\n");
	text_free(&b);
}

static void seconds(void **state)
{
	static const struct {
		uint64_t ns;
		const char *text;
	} cases[] = {
		{ 0, "0" },
		{ 1, "0.000000001" },
		{ 1000000, "0.001" },
		{ 999999999, "0.999999999" },
		{ 1000000000, "1" },
		{ 1010000000, "1.01" },
		{ UINT64_MAX, "18446744073.709551615" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct text_buffer b = { 0 };

		metrics_seconds(&b, cases[i].ns);
		text_char(&b, '\0');
		assert_string_equal(b.data, cases[i].text);
		text_free(&b);
	}
}

/* --- sums ------------------------------------------------------------------------------------- */

static void add(const char *application, const char *category, uint64_t packets, uint64_t bytes,
		uint64_t duration_ns)
{
	struct flow_record r = { .application_name = application, .category_name = category };

	r.side[SIDE_BOTH].packets = packets;
	r.side[SIDE_BOTH].bytes = bytes;
	r.side[SIDE_BOTH].duration_ns = duration_ns;
	metrics_totals_add(&meter.totals, &r, true, "eth0");
}

static void by_name(void **state)
{
	char *text;

	(void)state;
	add("DNS", "Network", 2, 150, 0);
	add("TLS.Google", "Web", 20, 9000, 0);
	add("DNS", "Network", 1, 70, 0);
	text = page();
	has_line(text, "weir_application_flows_total{application=\"DNS\"} 2");
	has_line(text, "weir_application_packets_total{application=\"DNS\"} 3");
	has_line(text, "weir_application_bytes_total{application=\"DNS\"} 220");
	has_line(text, "weir_application_bytes_total{application=\"TLS.Google\"} 9000");
	has_line(text, "weir_category_packets_total{category=\"Web\"} 20");
	has_line(text, "weir_interface_bytes_total{interface=\"eth0\"} 9220");
	assert_null(strstr(text, "=\"other\"}"));
	free(text);
}

/* No more series than places, however many names there are. */
static void many_names(void **state)
{
	static char names[300][16];
	char *text;
	int series = 0;

	(void)state;
	for (int i = 0; i < 300; i++) {
		snprintf(names[i], sizeof(names[i]), "n%d", i);
		add(names[i], "Web", 1, 100, 0);
	}
	text = page();
	for (char *at = text; (at = strstr(at, "weir_application_flows_total{")); at++)
		series++;
	assert_int_equal(series, METRICS_NAMES + 1);
	has_line(text, "weir_application_flows_total{application=\"n99\"} 1");
	has_line(text, "weir_application_flows_total{application=\"other\"} 200");
	free(text);
}

/* Each bucket holds those below it too, and the last one all. */
static void histograms(void **state)
{
	char *text;

	(void)state;
	add("DNS", "Network", 2, 100, 0);
	add("DNS", "Network", 2, 101, 1000000);
	add("DNS", "Network", 2, 20000000000, 1000001);
	add("DNS", "Network", 2, 300, 3600000000001);
	text = page();
	has_line(text, "weir_flow_duration_seconds_bucket{le=\"0.001\"} 2");
	has_line(text, "weir_flow_duration_seconds_bucket{le=\"0.01\"} 3");
	has_line(text, "weir_flow_duration_seconds_bucket{le=\"3600\"} 3");
	has_line(text, "weir_flow_duration_seconds_bucket{le=\"+Inf\"} 4");
	has_line(text, "weir_flow_duration_seconds_sum 3600.002000002");
	has_line(text, "weir_flow_duration_seconds_count 4");
	has_line(text, "weir_flow_size_bytes_bucket{le=\"100\"} 1");
	has_line(text, "weir_flow_size_bytes_bucket{le=\"300\"} 3");
	has_line(text, "weir_flow_size_bytes_bucket{le=\"10000000000\"} 3");
	has_line(text, "weir_flow_size_bytes_bucket{le=\"+Inf\"} 4");
	has_line(text, "weir_flow_size_bytes_sum 20000000501");
	has_line(text, "weir_flow_size_bytes_count 4");
	free(text);
}

/* --- gauges ----------------------------------------------------------------------------------- */

static void of_the_kernel(void **state)
{
	char *text;

	(void)state;
	meter.time_ns = 1400000000;
	meter.status = (struct weir_status){
		.live_flows = 11,
		.map_max = 1000,
		.map_entries = 12,
		.ring_bytes = 4096,
		.ring_used_bytes = 0,
		.bpf_run_ns = 2500000000,
	};
	text = page();
	has_line(text, "weir_live_flows 11");
	has_line(text, "weir_map_entries 12");
	has_line(text, "weir_map_capacity_entries 1000");
	has_line(text, "weir_ring_used_bytes 0");
	has_line(text, "weir_ring_capacity_bytes 4096");
	has_line(text, "weir_bpf_run_seconds_total 2.5");
	has_line(text, "weir_snapshot_age_seconds 0.1");
	free(text);
}

static void of_outputs(void **state)
{
	char *text;

	(void)state;
	meter.outputs = (struct output_statuses){
		.count = 2,
		.item = { { .name = "1:ipfix:tcp",
			    .capacity_bytes = 65536,
			    .counts = { .queued = 1,
					.sent = 2,
					.dropped = 3,
					.failed = 4,
					.retried = 5,
					.queued_bytes = 6 } },
			  { .name = "3:json:kafka",
			    .capacity_bytes = 1,
			    .counts = { .sent = 7 } } },
	};
	text = page();
	has_line(text, "weir_output_queue_records{output=\"1:ipfix:tcp\"} 1");
	has_line(text, "weir_output_sent_records_total{output=\"1:ipfix:tcp\"} 2");
	has_line(text, "weir_output_dropped_records_total{output=\"1:ipfix:tcp\"} 3");
	has_line(text, "weir_output_failed_records_total{output=\"1:ipfix:tcp\"} 4");
	has_line(text, "weir_output_retried_records_total{output=\"1:ipfix:tcp\"} 5");
	has_line(text, "weir_output_queue_bytes{output=\"1:ipfix:tcp\"} 6");
	has_line(text, "weir_output_queue_capacity_bytes{output=\"1:ipfix:tcp\"} 65536");
	has_line(text, "weir_output_sent_records_total{output=\"3:json:kafka\"} 7");
	has_line(text, "# TYPE weir_output_queue_records gauge");
	free(text);
}

static void of_the_process(void **state)
{
	char *text = page();

	(void)state;
	has_line(text, "process_start_time_seconds 1700000000.25");
	has_line(text, "process_cpu_seconds_total 1.25");
	has_line(text, "process_resident_memory_bytes 4096");
	has_line(text, "process_virtual_memory_bytes 8192");
	has_line(text, "process_threads 2");
	has_line(text, "process_open_fds 7");
	has_line(text, "process_max_fds 1024");
	free(text);
}

/* What is not known is left out with its description. */
static void unknown(void **state)
{
	static const char *const families[] = {
		"weir_application_", "weir_category_", "weir_interface_", "weir_map_",
		"weir_ring_",        "weir_bpf_",      "weir_snapshot_",  "process_resident",
		"process_open",      "weir_output_",
	};
	const struct process_stats nothing = { 0 };
	char *text = page_of(&nothing);

	(void)state;
	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]); i++)
		assert_null(strstr(text, families[i]));
	has_line(text, "weir_live_flows 0");
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(every_counter, setup),
		cmocka_unit_test_setup(counters_by_name, setup),
		cmocka_unit_test_setup(families_hold_together, setup),
		cmocka_unit_test_setup(escapes, setup),
		cmocka_unit_test(help_escapes),
		cmocka_unit_test(seconds),
		cmocka_unit_test_setup(by_name, setup),
		cmocka_unit_test_setup(many_names, setup),
		cmocka_unit_test_setup(histograms, setup),
		cmocka_unit_test_setup(of_the_kernel, setup),
		cmocka_unit_test_setup(of_outputs, setup),
		cmocka_unit_test_setup(of_the_process, setup),
		cmocka_unit_test_setup(unknown, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
