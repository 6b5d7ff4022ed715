/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Options: what each source sets, which wins, what is refused and with which words; and that help
 * and manual tell every row of the table. Runs at the top of the tree, where the manual is found.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "meter/types.h"
#include "options.h"
#include "record.h"

#define MAX_ARGS    16
#define MANUAL      "user/man/weir.8"
#define MANUAL_SIZE (1 << 16)

/* One reading of the options; said holds the messages. */
struct reading {
	struct config config;
	enum options_action action;
	int err;
	char *said;
};

static void read_words(struct reading *r, char **words, int count)
{
	FILE *terminal = stderr;
	size_t size;

	*r = (struct reading){ 0 };
	stderr = open_memstream(&r->said, &size);
	assert_non_null(stderr);
	r->err = options_parse(&r->config, count, words, &r->action);
	fclose(stderr);
	stderr = terminal;
}

/* line: the words of a command line, separated by blanks. */
static void read_line(struct reading *r, const char *line)
{
	char *copy = strdup(line), *at = copy, *words[MAX_ARGS] = { (char *)"weir" };
	int count = 1;

	for (char *word; (word = strsep(&at, " ")) && count < MAX_ARGS - 1;)
		if (*word)
			words[count++] = word;
	read_words(r, words, count);
	free(copy);
}

static void reading_free(struct reading *r)
{
	config_free(&r->config);
	free(r->said);
}

static void accept(struct reading *r, const char *line)
{
	read_line(r, line);
	assert_string_equal(r->said, "");
	assert_int_equal(r->err, 0);
}

static void refuse(const char *line, const char *message)
{
	struct reading r;

	read_line(&r, line);
	assert_string_equal(r.said, message);
	assert_int_equal(r.err, -EINVAL);
	reading_free(&r);
}

/* A YAML file that lives as long as the test. */
static char yaml_path[] = "/tmp/weir-options-XXXXXX";

static const char *write_yaml(const char *text)
{
	FILE *to = fopen(yaml_path, "w");

	assert_non_null(to);
	fputs(text, to);
	assert_int_equal(fclose(to), 0);
	return yaml_path;
}

static void accept_yaml(struct reading *r, const char *text)
{
	char line[100];

	snprintf(line, sizeof(line), "-c %s", write_yaml(text));
	accept(r, line);
}

/* said: what comes behind the name of the file. */
static void refuse_yaml(const char *text, const char *said)
{
	char line[100], message[300];

	snprintf(line, sizeof(line), "-c %s", write_yaml(text));
	snprintf(message, sizeof(message), "weir: %s:%s\n", yaml_path, said);
	refuse(line, message);
}

static int setup(void **state)
{
	int fd = mkstemp(yaml_path);

	(void)state;
	for (size_t i = 0; i < option_count; i++) {
		char name[OPTION_VARIABLE_SIZE];

		option_variable(&option_table[i], name);
		unsetenv(name);
	}
	return fd < 0 || close(fd) < 0;
}

static int teardown(void **state)
{
	(void)state;
	return unlink(yaml_path);
}

static void defaults(void **state)
{
	struct reading r;
	uint32_t all = 1u << TUNNEL_GTP | 1u << TUNNEL_CAPWAP | 1u << TUNNEL_TZSP |
		       1u << TUNNEL_VXLAN | 1u << TUNNEL_GENEVE | 1u << TUNNEL_GRE |
		       1u << TUNNEL_IPIP;

	(void)state;
	accept(&r, "");
	assert_int_equal(r.config.read_files.count, 0);
	assert_null(r.config.filter);
	assert_true(r.config.idle_ns == 30000000000);
	assert_true(r.config.active_ns == 300000000000);
	assert_int_equal(r.config.tunnels, all);
	assert_int_equal(r.config.accounting, ACCOUNT_LINK);
	assert_int_equal(r.config.profile, PROFILE_SEED);
	assert_int_equal(r.config.max_tcp_dissections, 10);
	assert_int_equal(r.config.max_udp_dissections, 16);
	assert_int_equal(r.config.hook, HOOK_AUTO);
	assert_int_equal(r.config.direction, DIRECTION_BOTH);
	assert_int_equal(r.config.map_entries, 262144);
	assert_null(r.config.pin);
	assert_true(r.config.stats_interval_ns == 0);
	assert_int_equal(r.config.outputs.count, 1);
	assert_string_equal(r.config.outputs.items[0], "csv:-");
	assert_true(r.config.dissect);
	assert_false(r.config.stats || r.config.tcp_end || r.config.quiet);
	reading_free(&r);
}

static void command_line(void **state)
{
	struct reading r;

	(void)state;
	accept(&r, "-r a -r b --idle-timeout 0.5 --active-timeout=5m --splt 65535 --stats -q");
	assert_int_equal(r.config.read_files.count, 2);
	assert_string_equal(r.config.read_files.items[1], "b");
	assert_true(r.config.idle_ns == 500000000);
	assert_true(r.config.active_ns == 300000000000);
	assert_int_equal(r.config.splt, 65535);
	assert_true(r.config.stats && r.config.quiet);
	reading_free(&r);
	accept(&r, "--tunnels gtp,ipip --accounting payload --no-dissect --profile all -o json:x");
	assert_int_equal(r.config.tunnels, 1u << TUNNEL_GTP | 1u << TUNNEL_IPIP);
	assert_int_equal(r.config.accounting, ACCOUNT_PAYLOAD);
	assert_int_equal(r.config.profile, PROFILE_ALL);
	assert_false(r.config.dissect);
	assert_int_equal(r.config.outputs.count, 1);
	assert_string_equal(r.config.outputs.items[0], "json:x");
	reading_free(&r);
	accept(&r, "--tunnels none --stats --stats=no --splt 1 --splt 2");
	assert_int_equal(r.config.tunnels, 0);
	assert_false(r.config.stats);
	assert_int_equal(r.config.splt, 2);
	reading_free(&r);
}

static void watching(void **state)
{
	static const struct {
		const char *name;
		uint32_t hook;
	} hooks[] = {
		{ "auto", HOOK_AUTO }, { "tc", HOOK_TC },
		{ "xdp", HOOK_XDP },   { "xdp-generic", HOOK_XDP_GENERIC },
		{ "pcap", HOOK_PCAP },
	};
	struct reading r;
	char line[100];

	(void)state;
	for (size_t i = 0; i < sizeof(hooks) / sizeof(hooks[0]); i++) {
		snprintf(line, sizeof(line), "-i a --hook %s", hooks[i].name);
		accept(&r, line);
		assert_int_equal(r.config.hook, hooks[i].hook);
		reading_free(&r);
	}
	accept(&r, "-i a --direction in --map-entries 64 --pin /sys/fs/bpf/weir");
	assert_int_equal(r.config.direction, DIRECTION_IN);
	assert_int_equal(r.config.map_entries, 64);
	assert_string_equal(r.config.pin, "/sys/fs/bpf/weir");
	reading_free(&r);
	accept(&r, "-i a --direction out --map-entries 16777216 --stats-interval 500ms");
	assert_int_equal(r.config.direction, DIRECTION_OUT);
	assert_int_equal(r.config.map_entries, 16777216);
	assert_true(r.config.stats_interval_ns == 500000000);
	reading_free(&r);
}

static void check_max_flows(const char *line, uint64_t expected)
{
	struct reading r;

	accept(&r, line);
	assert_int_equal(r.config.max_flows, expected);
	reading_free(&r);
}

/* Only interfaces have a bound that nobody asked for; 0 is none, wherever it is said. */
static void bound_of_flows(void **state)
{
	(void)state;
	check_max_flows("", 0);
	check_max_flows("-r f", 0);
	check_max_flows("-i a", 1048576);
	check_max_flows("-i a --max-flows 0", 0);
	check_max_flows("-i a --max-flows 7", 7);
	check_max_flows("-r f --max-flows 7", 7);
	setenv("WEIR_MAX_FLOWS", "0", 1);
	check_max_flows("-i a", 0);
	check_max_flows("-i a --max-flows 7", 7);
	unsetenv("WEIR_MAX_FLOWS");
}

static void trailing_words(void **state)
{
	struct reading r;
	char *quoted[] = { "weir", "-r", "f", "tcp port 80", "-q", NULL };

	(void)state;
	accept(&r, "-r f tcp port 80");
	assert_string_equal(r.config.filter, "tcp port 80");
	reading_free(&r);
	accept(&r, "tcp -r f port 80 -q");
	assert_string_equal(r.config.filter, "tcp port 80");
	assert_true(r.config.quiet);
	reading_free(&r);
	accept(&r, "-r f -- -x --stats");
	assert_string_equal(r.config.filter, "-x --stats");
	assert_false(r.config.stats);
	reading_free(&r);
	read_words(&r, quoted, 5);
	assert_int_equal(r.err, 0);
	assert_string_equal(r.config.filter, "tcp port 80");
	assert_true(r.config.quiet);
	reading_free(&r);
}

static void precedence(void **state)
{
	struct reading r;
	char line[100];

	(void)state;
	write_yaml("splt: 1\nmax-flows: 1\nstop-after: 1\nfilter: tcp\nread: [a, b]\n"
		   "output: csv:a\nstats: true\n");
	setenv("WEIR_MAX_FLOWS", "2", 1);
	setenv("WEIR_STOP_AFTER", "2", 1);
	setenv("WEIR_READ", "c  d e", 1);
	setenv("WEIR_OUTPUT", "", 1);
	snprintf(line, sizeof(line), "-c %s --stop-after 3 --stats=false -r f udp", yaml_path);
	accept(&r, line);
	assert_int_equal(r.config.splt, 1);
	assert_int_equal(r.config.max_flows, 2);
	assert_int_equal(r.config.stop_after, 3);
	assert_string_equal(r.config.filter, "udp");
	assert_false(r.config.stats);
	assert_int_equal(r.config.read_files.count, 1);
	assert_string_equal(r.config.read_files.items[0], "f");
	assert_int_equal(r.config.outputs.count, 1);
	assert_string_equal(r.config.outputs.items[0], "csv:a");
	reading_free(&r);
	setenv("WEIR_CONFIG", yaml_path, 1);
	accept(&r, "");
	assert_int_equal(r.config.splt, 1);
	assert_int_equal(r.config.read_files.count, 3);
	assert_string_equal(r.config.read_files.items[2], "e");
	reading_free(&r);
	for (const char *const *n =
		     (const char *[]){ "WEIR_MAX_FLOWS", "WEIR_STOP_AFTER", "WEIR_READ",
				       "WEIR_OUTPUT", "WEIR_CONFIG", NULL };
	     *n; n++)
		unsetenv(*n);
}

static void environment(void **state)
{
	struct reading r;

	(void)state;
	setenv("WEIR_NO_DISSECT", "Yes", 1);
	setenv("WEIR_IDLE_TIMEOUT", "250ms", 1);
	accept(&r, "");
	assert_false(r.config.dissect);
	assert_true(r.config.idle_ns == 250000000);
	reading_free(&r);
	setenv("WEIR_IDLE_TIMEOUT", "soon", 1);
	refuse("", "weir: WEIR_IDLE_TIMEOUT: \"soon\" is not a time; give seconds, or a unit as in "
		   "500ms, 5m, 1h\n");
	unsetenv("WEIR_IDLE_TIMEOUT");
	setenv("WEIR_NO_DISSECT", "perhaps", 1);
	refuse("", "weir: WEIR_NO_DISSECT: \"perhaps\" is neither true nor false; give one of "
		   "them\n");
	unsetenv("WEIR_NO_DISSECT");
	setenv("WEIR_SERVICE_HOST", "10.0.0.1", 1); /* Kubernetes */
	accept(&r, "");
	reading_free(&r);
	unsetenv("WEIR_SERVICE_HOST");
	setenv("WEIR_IDLE_TIMOUT", "1", 1);
	refuse("", "weir: WEIR_IDLE_TIMOUT: unknown variable; did you mean WEIR_IDLE_TIMEOUT?\n");
	unsetenv("WEIR_IDLE_TIMOUT");
}

static void yaml(void **state)
{
	struct reading r;

	(void)state;
	accept_yaml(&r, "# nothing\n");
	reading_free(&r);
	accept_yaml(&r, "---\n...\n");
	reading_free(&r);
	accept_yaml(&r, "read:\n  - a b\n  - c\nfields: [src_ip, dst_ip]\ntunnels: [gtp, gre]\n"
			"no-dissect: true\nanonymize: src_ip , dst_ip\nidle-timeout: 1.5\n"
			"rotate: 100MB\noutput: csv:x\nfilter: >\n  tcp or\n  udp\n");
	assert_int_equal(r.config.read_files.count, 2);
	assert_string_equal(r.config.read_files.items[0], "a b");
	assert_string_equal(r.config.fields, "src_ip,dst_ip");
	assert_string_equal(r.config.anonymize, "src_ip,dst_ip");
	assert_int_equal(r.config.tunnels, 1u << TUNNEL_GTP | 1u << TUNNEL_GRE);
	assert_false(r.config.dissect);
	assert_true(r.config.idle_ns == 1500000000);
	assert_true(r.config.rotate.bytes == 100000000);
	assert_string_equal(r.config.filter, "tcp or udp\n");
	reading_free(&r);
}

static void bad_yaml(void **state)
{
	(void)state;
	refuse_yaml("splt: 1\nfoo: 1\n", "2: unknown key \"foo\": see weir --help-all");
	refuse_yaml("config: x\n", "1: unknown key \"config\": see weir --help-all");
	refuse_yaml("help: true\n", "1: unknown key \"help\": see weir --help-all");
	refuse_yaml("\nsplt: 70000\n", "2: splt: 70000 is out of range: 0 to 65535");
	refuse_yaml("splt: 1\nsplt: 2\n", "2: splt: is given twice; give it once");
	refuse_yaml("splt: [1, 2]\n", "1: splt: has more than one value; give one");
	refuse_yaml("read: [a, {b: c}]\n", "1: read: has more than one value; give one");
	refuse_yaml("splt:\n", "1: splt: is empty; give N");
	refuse_yaml("read: []\n", "1: read: is empty; give FILE");
	refuse_yaml("filter: \"a\\0b\"\n", "1: filter: has a zero byte; take it out");
	refuse_yaml("- splt\n", "1: not options; write lines of \"name: value\"");
	refuse_yaml("splt: 1\n---\nstats: true\n", "3: a second document; keep everything in one");
	refuse_yaml("splt: [1\n", "2: not YAML: did not find expected ',' or ']'; mend the line or "
				  "the one before");
	refuse("-c /nonexistent.yaml",
	       "weir: /nonexistent.yaml: No such file or directory; give a readable YAML file\n");
	refuse("-c /tmp", "weir: /tmp: Is a directory; give a readable YAML file\n");
	refuse("-c a -c b", "weir: --config: is given twice; give one file\n");
}

static void bad_values(void **state)
{
	(void)state;
	refuse("--splt 70000", "weir: --splt: 70000 is out of range: 0 to 65535\n");
	refuse("--splt -1", "weir: --splt: -1 is out of range: 0 to 65535\n");
	refuse("--splt 99999999999999999999999",
	       "weir: --splt: 99999999999999999999999 is out of range: 0 to 65535\n");
	refuse("--splt 1x", "weir: --splt: \"1x\" is not a whole number; give 0 to 65535\n");
	refuse("--splt=", "weir: --splt: is empty; give N\n");
	refuse("--max-udp-dissections 256",
	       "weir: --max-udp-dissections: 256 is out of range: 0 to 255\n");
	refuse("--idle-timeout 1000000000.1",
	       "weir: --idle-timeout: 1000000000.1 is out of range: 0 to 1000000000 seconds\n");
	refuse("--idle-timeout 1e3", "weir: --idle-timeout: \"1e3\" is not a time; give seconds, "
				     "or a unit as in 500ms, 5m, 1h\n");
	refuse("--accounting mac", "weir: --accounting: unknown value \"mac\"; give one of link, "
				   "ip, transport, payload\n");
	refuse("--tunnels gtp,l2tp", "weir: --tunnels: unknown value \"gtp,l2tp\"; give all, none "
				     "or a list of gtp, tzsp, capwap, ipip, gre, vxlan, geneve\n");
	refuse("--hook bpf", "weir: --hook: unknown value \"bpf\"; give one of auto, tc, xdp, "
			     "xdp-generic, pcap\n");
	refuse("--direction up",
	       "weir: --direction: unknown value \"up\"; give one of both, in, out\n");
	refuse("--map-entries 63", "weir: --map-entries: 63 is out of range: 64 to 16777216\n");
	refuse("--map-entries 16777217",
	       "weir: --map-entries: 16777217 is out of range: 64 to 16777216\n");
	refuse("--pin=", "weir: --pin: is empty; give DIR\n");
	refuse("--max-flows 4000000001",
	       "weir: --max-flows: 4000000001 is out of range: 0 to 4000000000\n");
	refuse("--fields a,,b",
	       "weir: --fields: \"a,,b\" has an empty name; separate names by one comma\n");
	refuse("--rotate 60", "weir: --rotate: \"60\" is neither a time nor a size; give one as "
			      "60s, 5m or 100MB\n");
	refuse("--rotate 0m", "weir: --rotate: 0m is out of range: more than 0, up to "
			      "1000000000s or 1000TB\n");
	refuse("--rotate 0TB", "weir: --rotate: 0TB is out of range: more than 0, up to "
			       "1000000000s or 1000TB\n");
}

static void bad_words(void **state)
{
	(void)state;
	refuse("--idle-timout 3",
	       "weir: --idle-timout: unknown option; did you mean --idle-timeout?\n");
	refuse("--dissect", "weir: --dissect: unknown option; did you mean --no-dissect?\n");
	refuse("--max 3", "weir: --max: could be --max-flows or --max-udp-dissections; give the "
			  "whole name\n");
	refuse("-r f --splt", "weir: --splt: has no value; give N\n");
	refuse("-qr", "weir: --read: has no value; give FILE\n");
	refuse("--filter tcp udp", "weir: --filter: the word \"udp\" is a filter too; give one "
				   "filter, quoted as a whole\n");
}

static void actions(void **state)
{
	static const struct {
		const char *line;
		enum options_action action;
	} cases[] = {
		{ "-h", OPTIONS_HELP },
		{ "--help", OPTIONS_HELP },
		{ "--help-all", OPTIONS_HELP_ALL },
		{ "-V", OPTIONS_VERSION },
		{ "-c /nonexistent --splt x -h", OPTIONS_HELP },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct reading r;

		accept(&r, cases[i].line);
		assert_int_equal(r.action, cases[i].action);
		reading_free(&r);
	}
}

static char *printed(void (*print)(FILE *to))
{
	char *text = NULL;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	assert_non_null(to);
	print(to);
	fclose(to);
	return text;
}

/* The number of lines, each at most 80 wide. */
static int count_lines(const char *text)
{
	int lines = 0;

	for (; *text; lines++) {
		size_t width = strcspn(text, "\n");

		assert_in_range(width, 0, 80);
		text += width + 1;
	}
	return lines;
}

static void help_fits(void **state)
{
	char *brief = printed(options_print_brief), *all = printed(options_print_all);

	(void)state;
	assert_in_range(count_lines(brief), 10, 24);
	assert_non_null(strstr(brief, "weir --help-all"));
	count_lines(all);
	for (size_t i = 0; i < option_count; i++) {
		char name[OPTION_VARIABLE_SIZE];

		snprintf(name, sizeof(name), "--%s ", option_table[i].name);
		if (!strstr(all, name))
			fail_msg("--help-all does not tell %s", name);
		if (option_table[i].brief && !strstr(brief, name))
			fail_msg("--help does not tell %s", name);
	}
	free(brief);
	free(all);
}

static void table_is_sound(void **state)
{
	(void)state;
	for (size_t i = 0; i < option_count; i++) {
		const struct option_info *o = &option_table[i];
		char name[OPTION_VARIABLE_SIZE];

		assert_ptr_equal(option_by_name(o->name), o);
		assert_true(*o->help && strlen(o->name) + 6 < sizeof(name));
		assert_int_equal(option_takes_value(o), o->metavar != NULL);
		option_variable(o, name);
		assert_int_equal(strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_"), strlen(name));
		for (size_t j = 0; j < i; j++)
			assert_true(!o->letter || o->letter != option_table[j].letter);
	}
}

static char *read_manual(void)
{
	FILE *from = fopen(MANUAL, "r");
	char *text = calloc(1, MANUAL_SIZE);
	size_t length;

	if (!from)
		fail_msg("%s: %s", MANUAL, strerror(errno));
	length = fread(text, 1, MANUAL_SIZE, from);
	assert_in_range(length, 1, MANUAL_SIZE - 1);
	fclose(from);
	return text;
}

/* Whether the line holds the macro of a flag: "Fl r" or "Fl -read". */
static bool holds_flag(const char *line, const char *flag)
{
	size_t length = strlen(flag);

	for (const char *at = line; (at = strstr(at, "Fl ")); at++) {
		if (at >= line + strcspn(line, "\n"))
			return false;
		if (!strncmp(at + 3, flag, length) && strchr(" \n", at[3 + length]))
			return true;
	}
	return false;
}

/* The line of the manual that begins a description of o, else NULL. */
static const char *manual_entry(const char *manual, const struct option_info *o)
{
	char flag[OPTION_VARIABLE_SIZE];

	snprintf(flag, sizeof(flag), "-%s", o->name);
	for (const char *at = manual; (at = strstr(at, "\n.It "));) {
		at += strlen("\n");
		if (holds_flag(at, flag))
			return at;
	}
	return NULL;
}

static void manual_tells_every_option(void **state)
{
	char *manual = read_manual();
	const char *missing = NULL;

	(void)state;
	for (size_t i = 0; i < option_count; i++) {
		const struct option_info *o = &option_table[i];
		const char *entry = manual_entry(manual, o);
		char letter[] = { o->letter, '\0' };

		if (!entry || (o->letter && !holds_flag(entry, letter)))
			missing = o->name;
	}
	free(manual);
	if (missing)
		fail_msg("%s does not describe --%s with its letter", MANUAL, missing);
}

/* What the manual calls an option exists. */
static void manual_tells_no_other(void **state)
{
	char *manual = read_manual(), name[OPTION_VARIABLE_SIZE];
	const char *at = manual;
	bool known = true;

	(void)state;
	while (known && (at = strstr(at, "Fl -"))) {
		size_t length = strspn(at + 4, "abcdefghijklmnopqrstuvwxyz-");

		snprintf(name, sizeof(name), "%.*s", (int)length, at + 4);
		known = !length || option_by_name(name);
		at += 4;
	}
	free(manual);
	if (!known)
		fail_msg("%s: --%s is no option", MANUAL, name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(defaults),
		cmocka_unit_test(command_line),
		cmocka_unit_test(watching),
		cmocka_unit_test(bound_of_flows),
		cmocka_unit_test(trailing_words),
		cmocka_unit_test(precedence),
		cmocka_unit_test(environment),
		cmocka_unit_test(yaml),
		cmocka_unit_test(bad_yaml),
		cmocka_unit_test(bad_values),
		cmocka_unit_test(bad_words),
		cmocka_unit_test(actions),
		cmocka_unit_test(help_fits),
		cmocka_unit_test(table_is_sound),
		cmocka_unit_test(manual_tells_every_option),
		cmocka_unit_test(manual_tells_no_other),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
