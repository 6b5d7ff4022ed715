/* SPDX-License-Identifier: BSD-2-Clause */
/* Outputs of a run together: what -o may say, which go on when one ends, what stays of each. */
#include "outputs.h"

#include <signal.h>

#include "exporter.h"
#include "parse_value.h"

static struct files files;

/* A run that writes flow_id and dst_port. */
struct outputs {
	struct config config;
	struct columns columns;
	struct exporters *exporters;
	struct ledger ledger;
};

static void outputs_begin(struct outputs *o)
{
	signal(SIGPIPE, SIG_IGN);
	files_begin(&files);
	*o = (struct outputs){ .config = every_config() };
	choose(&o->columns, "flow_id,dst_port");
}

/* FORMAT:NAME in the test's directory. */
static void outputs_add(struct outputs *o, const char *format, const char *name)
{
	char text[256];

	snprintf(text, sizeof(text), "%s:%s", format, files_at(&files, name));
	assert_int_equal(string_list_add(&o->config.outputs, text), 0);
}

static int outputs_open(struct outputs *o)
{
	const struct exporters_parts parts = {
		.config = &o->config,
		.columns = &o->columns,
		.ledger = &o->ledger,
	};

	int err = exporters_open(&o->exporters, &parts);

	return err ? err : exporters_begin(o->exporters);
}

static void outputs_write(struct outputs *o, uint64_t flow_id)
{
	struct flow_record r = sample_record();

	r.flow_id = flow_id;
	assert_int_equal(exporters_write(o->exporters, &r, 0), 0);
}

static int outputs_end(struct outputs *o)
{
	columns_free(&o->columns);
	string_list_clear(&o->config.outputs);
	string_list_clear(&o->config.read_files);
	return files_end(&files);
}

static void two_formats_at_once(void **state)
{
	struct outputs o;

	(void)state;
	outputs_begin(&o);
	outputs_add(&o, "csv", "a");
	outputs_add(&o, "json", "b");
	assert_int_equal(outputs_open(&o), 0);
	outputs_write(&o, 1);
	outputs_write(&o, 2);
	assert_int_equal(exporters_written(o.exporters), 4);
	assert_int_equal(exporters_close(o.exporters), 0);
	files_expect(&files, "a", "flow_id,dst_port\n1,443\n2,443\n");
	files_expect(&files, "b",
		     "{\"flow_id\":1,\"dst_port\":443}\n{\"flow_id\":2,\"dst_port\":443}\n");
	outputs_end(&o);
}

static void no_record(void **state)
{
	struct outputs o;

	(void)state;
	outputs_begin(&o);
	outputs_add(&o, "csv", "a");
	outputs_add(&o, "json", "b");
	outputs_add(&o, "table", "c");
	assert_int_equal(outputs_open(&o), 0);
	assert_int_equal(exporters_close(o.exporters), 0);
	files_expect(&files, "a", "flow_id,dst_port\n");
	files_expect(&files, "b", "");
	files_expect(&files, "c", "  flow_id  dst_port\n");
	outputs_end(&o);
}

static void each_file_has_a_header(void **state)
{
	struct outputs o;

	(void)state;
	outputs_begin(&o);
	outputs_add(&o, "csv", "a.csv");
	o.config.rotate.bytes = 1;
	assert_int_equal(outputs_open(&o), 0);
	outputs_write(&o, 1);
	outputs_write(&o, 2);
	assert_int_equal(exporters_close(o.exporters), 0);
	files_expect(&files, "a.csv", "flow_id,dst_port\n1,443\n");
	files_expect(&files, "a.1.csv", "flow_id,dst_port\n2,443\n");
	assert_int_equal(outputs_end(&o), 2);
}

static void flushed_rows_are_there(void **state)
{
	struct outputs o;

	(void)state;
	outputs_begin(&o);
	outputs_add(&o, "csv", "a");
	assert_int_equal(outputs_open(&o), 0);
	outputs_write(&o, 1);
	files_expect(&files, "a", "");
	assert_int_equal(exporters_flush(o.exporters), 0);
	files_expect(&files, "a", "flow_id,dst_port\n1,443\n");
	outputs_write(&o, 2);
	exporters_discard(o.exporters);
	files_expect(&files, "a", "flow_id,dst_port\n1,443\n");
	outputs_end(&o);
}

/* What comes through a pipe may be live: no row waits for the next one. */
static void live_input(void **state)
{
	int ends[2], stdin_before = dup(STDIN_FILENO);
	struct outputs o;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(dup2(ends[0], STDIN_FILENO), STDIN_FILENO);
	outputs_begin(&o);
	string_list_add(&o.config.read_files, "-");
	outputs_add(&o, "csv", "a");
	assert_int_equal(outputs_open(&o), 0);
	outputs_write(&o, 1);
	files_expect(&files, "a", "flow_id,dst_port\n1,443\n");
	assert_int_equal(exporters_close(o.exporters), 0);
	outputs_end(&o);
	dup2(stdin_before, STDIN_FILENO);
	close(stdin_before);
	close(ends[0]);
	close(ends[1]);
}

/* weir -o csv | head: the end is quiet; beside it a file goes on and is whole. */
static void a_reader_leaves(void **state)
{
	int ends[2], stdout_before, err = 0;
	struct flow_record r = sample_record();
	struct outputs o;
	struct said said;

	(void)state;
	outputs_begin(&o);
	fflush(stdout);
	stdout_before = dup(STDOUT_FILENO);
	assert_int_equal(pipe(ends), 0);
	dup2(ends[1], STDOUT_FILENO);
	close(ends[0]);
	said_begin(&said);
	string_list_add(&o.config.outputs, "csv");
	assert_int_equal(outputs_open(&o), 0);
	for (int i = 0; i < 100000 && !err; i++)
		err = exporters_write(o.exporters, &r, 0);
	exporters_discard(o.exporters);
	outputs_add(&o, "csv", "a");
	assert_int_equal(outputs_open(&o), 0);
	outputs_write(&o, 1);
	assert_int_equal(exporters_flush(o.exporters), 0);
	outputs_write(&o, 2);
	assert_int_equal(exporters_written(o.exporters), 3);
	assert_int_equal(exporters_close(o.exporters), 0);
	said_expect(&said, NULL);
	dup2(stdout_before, STDOUT_FILENO);
	close(stdout_before);
	close(ends[1]);
	assert_int_equal(err, -EPIPE);
	files_expect(&files, "a", "flow_id,dst_port\n1,443\n2,443\n");
	outputs_end(&o);
}

static void refuse(struct outputs *o, int expected, const char *words)
{
	struct said said;

	said_begin(&said);
	assert_int_equal(outputs_open(o), expected);
	said_expect(&said, words);
	assert_null(o->exporters);
	string_list_clear(&o->config.outputs);
}

static void outputs_that_cannot_be(void **state)
{
	static const struct {
		const char *output, *words;
	} cases[] = {
		{ "xml", "-o xml: unknown format \"xml\"; weir writes csv, json, table, protobuf, "
			 "ipfix and "
			 "netflow9" },
		{ "CSV:a", "unknown format \"CSV\"" },
		{ "", "unknown format \"\"" },
		{ "csv:", "empty target" },
		{ "json:ftp://host/topic", "unknown target \"ftp://\"" },
		{ "csv:/nonexistent/a", "/nonexistent/a: No such file or directory" },
	};
	struct outputs o;

	(void)state;
	outputs_begin(&o);
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		string_list_add(&o.config.outputs, cases[i].output);
		refuse(&o, strstr(cases[i].output, "none") ? -ENOENT : -EINVAL, cases[i].words);
	}
	assert_int_equal(outputs_end(&o), 0);
}

static void the_same_place_twice(void **state)
{
	struct outputs o;
	char path[256];

	(void)state;
	outputs_begin(&o);
	string_list_add(&o.config.outputs, "csv");
	string_list_add(&o.config.outputs, "json:-");
	refuse(&o, -EINVAL, "two outputs go to \"-\"");
	outputs_add(&o, "csv", "a");
	outputs_add(&o, "json", "b");
	outputs_add(&o, "json", "./a");
	refuse(&o, -EINVAL, "/./a\"; give each a place of its own");
	snprintf(path, sizeof(path), "%s", files_at(&files, "a"));
	o.config.summary = path;
	outputs_add(&o, "csv", "a");
	refuse(&o, -EINVAL, "--summary: ");
	outputs_end(&o);
}

static void the_capture_is_not_overwritten(void **state)
{
	struct outputs o;

	(void)state;
	outputs_begin(&o);
	files_write(&files, "a.pcap", "precious", 8);
	string_list_add(&o.config.read_files, files_at(&files, "a.pcap"));
	outputs_add(&o, "csv", "./a.pcap");
	refuse(&o, -EINVAL, "a.pcap\" is read by -r; give another place");
	files_expect(&files, "a.pcap", "precious");
	outputs_end(&o);
}

/* What is refused, whatever the reason, leaves files as they were, and none that was not there. */
static void refused_runs_leave_files_alone(void **state)
{
	static const char *const bad[] = { "xml", "csv:/nonexistent/a", "json:ftp://x",
					   "json:tcp://x", "csv:" };
	struct outputs o;

	(void)state;
	outputs_begin(&o);
	files_write(&files, "old", "precious", 8);
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		outputs_add(&o, "csv", "old");
		outputs_add(&o, "ipfix", "new");
		string_list_add(&o.config.outputs, bad[i]);
		refuse(&o, i == 1 ? -ENOENT : -EINVAL, i == 1 ? "No such file" : "weir: -o ");
		files_expect(&files, "old", "precious");
	}
	assert_int_equal(outputs_end(&o), 1);
}

/* A run that does not begin, since its source cannot. */
static void runs_that_do_not_begin(void **state)
{
	struct outputs o;

	(void)state;
	outputs_begin(&o);
	files_write(&files, "old", "precious", 8);
	outputs_add(&o, "csv", "old");
	outputs_add(&o, "ipfix", "new");
	for (int discard = 0; discard < 2; discard++) {
		const struct exporters_parts parts = {
			.config = &o.config,
			.columns = &o.columns,
			.ledger = &o.ledger,
		};

		assert_int_equal(exporters_open(&o.exporters, &parts), 0);
		assert_int_equal(exporters_flush(o.exporters), 0);
		if (discard)
			exporters_discard(o.exporters);
		else
			assert_int_equal(exporters_close(o.exporters), 0);
		files_expect(&files, "old", "precious");
	}
	assert_int_equal(outputs_end(&o), 1);
}

/* Outputs over networks by their places; addresses, which may hold secrets, are not told. */
static void statuses(void **state)
{
	struct output_statuses found;
	struct outputs o;
	struct said said;

	(void)state;
	outputs_begin(&o);
	o.config.queue_bytes = 1000;
	outputs_add(&o, "csv", "a");
	string_list_add(&o.config.outputs, "json:tcp://192.0.2.1:1");
	string_list_add(&o.config.outputs, "ipfix:udp://[::1]:2");
	string_list_add(&o.config.outputs, "json:http://user:secret@192.0.2.1/");
	for (int i = 5; i < 20; i++) {
		char text[40];

		snprintf(text, sizeof(text), "json:unix:/nonexistent/%d", i);
		string_list_add(&o.config.outputs, text);
	}
	assert_int_equal(outputs_open(&o), 0);
	outputs_write(&o, 1);
	outputs_write(&o, 2);
	exporters_status(o.exporters, &found);
	assert_int_equal(found.count, OUTPUT_STATUSES);
	assert_string_equal(found.item[0].name, "2:json:tcp");
	assert_string_equal(found.item[1].name, "3:ipfix:udp");
	assert_string_equal(found.item[2].name, "4:json:http");
	assert_string_equal(found.item[14].name, "16:json:unix");
	assert_string_equal(found.item[15].name, "other");
	for (size_t i = 0; i < found.count; i++) {
		const struct ship_counts *c = &found.item[i].counts;
		size_t outputs = i == 15 ? 3 : 1;

		/* what is still being collected into a message is queued */
		assert_int_equal(c->queued + c->sent + c->dropped + c->failed, 2 * outputs);
		assert_int_equal(found.item[i].capacity_bytes, 1000 * outputs);
	}
	said_begin(&said);
	exporters_discard(o.exporters);
	said_end(&said);
	free(said.text);
	outputs_end(&o);
}

static void nothing_to_rotate(void **state)
{
	struct outputs o;

	(void)state;
	outputs_begin(&o);
	o.config.rotate.bytes = 1000;
	refuse(&o, -EINVAL, "--rotate: no output is a file; give -o FORMAT:FILE");
	outputs_end(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(two_formats_at_once),
		cmocka_unit_test(no_record),
		cmocka_unit_test(each_file_has_a_header),
		cmocka_unit_test(flushed_rows_are_there),
		cmocka_unit_test(live_input),
		cmocka_unit_test(a_reader_leaves),
		cmocka_unit_test(outputs_that_cannot_be),
		cmocka_unit_test(the_same_place_twice),
		cmocka_unit_test(the_capture_is_not_overwritten),
		cmocka_unit_test(refused_runs_leave_files_alone),
		cmocka_unit_test(runs_that_do_not_begin),
		cmocka_unit_test(statuses),
		cmocka_unit_test(nothing_to_rotate),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
