/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One table, many readers: every row is set alike by command line, variable and YAML file, and the
 * manual tells its letter, value and default, and every counter. Also what options mean together.
 * Runs at the top of the tree, where the manual is found.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "counters.h"
#include "options.h"
#include "parse_value.h"

#define MANUAL   "user/man/weir.8"
#define MAX_ARGS 8

/* One reading of the options; said holds the messages. */
struct reading {
	struct config config;
	int err;
	char *said;
};

static char yaml_path[] = "/tmp/weir-table-XXXXXX";

/* words: the command line after "weir", NULL at its end. */
static void read_words(struct reading *r, const char *const *words)
{
	char *argv[MAX_ARGS] = { (char *)"weir" };
	FILE *terminal = stderr;
	enum options_action action;
	size_t size;
	int argc = 1;

	for (; *words && argc < MAX_ARGS - 1; words++)
		argv[argc++] = (char *)*words;
	stderr = open_memstream(&r->said, &size);
	assert_non_null(stderr);
	r->err = options_parse(&r->config, argc, argv, &action);
	fclose(stderr);
	stderr = terminal;
}

static void reading_free(struct reading *r)
{
	config_free(&r->config);
	free(r->said);
}

#define WORDS(...) ((const char *const[]){ __VA_ARGS__, NULL })
#define NO_WORDS   ((const char *const[]){ NULL })

static void check(const char *const *words, int err, const char *said)
{
	struct reading r;

	read_words(&r, words);
	assert_string_equal(r.said, said);
	assert_int_equal(r.err, err);
	reading_free(&r);
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

/* A value other than the default, as the sources spell it. */
static const char *sample(const struct option_info *o)
{
	switch (o->type) {
	case OPTION_FLAG:
	case OPTION_NO_FLAG: return "true";
	case OPTION_COUNT: return o->min > 77 ? "777" : "77";
	case OPTION_DURATION: return "1.25";
	case OPTION_CHOICE: return o->values[1].name;
	case OPTION_SET: return o->values[2].name;
	case OPTION_SIZE: return "5MiB";
	case OPTION_ROTATION: return "90s";
	default: return "abc";
	}
}

static bool same_text(const char *a, const char *b)
{
	return a && b ? !strcmp(a, b) : a == b;
}

/* Whether two configurations agree in o. */
static bool same(const struct option_info *o, const struct config *a, const struct config *b)
{
	const void *at = (const char *)a + o->offset, *bt = (const char *)b + o->offset;
	const struct string_list *one = at, *two = bt;

	switch (o->type) {
	case OPTION_FLAG:
	case OPTION_NO_FLAG: return *(const bool *)at == *(const bool *)bt;
	case OPTION_COUNT:
	case OPTION_SIZE:
	case OPTION_DURATION: return *(const uint64_t *)at == *(const uint64_t *)bt;
	case OPTION_CHOICE:
	case OPTION_SET: return *(const uint32_t *)at == *(const uint32_t *)bt;
	case OPTION_ROTATION: return !memcmp(at, bt, sizeof(struct rotation));
	case OPTION_LIST:
		return one->count == two->count &&
		       (!one->count || same_text(one->items[0], two->items[0]));
	default: return same_text(*(char *const *)at, *(char *const *)bt);
	}
}

static void read_yaml_line(struct reading *r, const char *name, const char *value)
{
	FILE *to = fopen(yaml_path, "w");

	assert_non_null(to);
	fprintf(to, "%s: %s\n", name, value);
	assert_int_equal(fclose(to), 0);
	read_words(r, WORDS("-c", yaml_path));
}

static void check_sources(const struct option_info *o, const struct config *unset)
{
	struct reading argument, variable, file;
	char word[200], name[OPTION_VARIABLE_SIZE];
	bool good;

	snprintf(word, sizeof(word), "--%s=%s", o->name, sample(o));
	read_words(&argument, WORDS(word));
	option_variable(o, name);
	setenv(name, sample(o), 1);
	read_words(&variable, NO_WORDS);
	unsetenv(name);
	read_yaml_line(&file, o->name, sample(o));
	good = !same(o, &argument.config, unset) && same(o, &argument.config, &variable.config) &&
	       same(o, &argument.config, &file.config) && argument.err == file.err &&
	       argument.err == variable.err;
	if (!good)
		print_message("%s%s%s", argument.said, variable.said, file.said);
	reading_free(&argument);
	reading_free(&variable);
	reading_free(&file);
	if (!good)
		fail_msg("--%s is not set alike by all sources", o->name);
}

static void sources_agree(void **state)
{
	struct reading unset;

	(void)state;
	read_words(&unset, NO_WORDS);
	for (size_t i = 0; i < option_count; i++)
		if (option_table[i].type != OPTION_ACTION && option_table[i].type != OPTION_CONFIG)
			check_sources(&option_table[i], &unset.config);
	reading_free(&unset);
}

static void sizes_hold_every_name(void **state)
{
	(void)state;
	for (size_t i = 0; i < option_count; i++) {
		assert_true(strlen(option_table[i].name) < OPTION_NAME_SIZE);
		assert_true(strlen(option_table[i].name) + 5 < OPTION_VARIABLE_SIZE);
		assert_true(option_table[i].min <= option_table[i].max);
	}
}

static void misspelled_variables(void **state)
{
	(void)state;
	setenv("WEIR_IDLE_TIMOUT", "3", 1);
	check(NO_WORDS, -EINVAL,
	      "weir: WEIR_IDLE_TIMOUT: unknown variable; did you mean WEIR_IDLE_TIMEOUT?\n");
	unsetenv("WEIR_IDLE_TIMOUT");
	setenv("WEIR_STAT", "", 1);
	check(NO_WORDS, -EINVAL, "weir: WEIR_STAT: unknown variable; did you mean WEIR_STATS?\n");
	unsetenv("WEIR_STAT");
}

/* Names that are somebody else's: Kubernetes', a container's, our tests'. */
static void foreign_variables(void **state)
{
	static const char *const names[] = { "WEIR_SERVICE_HOST",
					     "WEIR_PORT_80_TCP",
					     "WEIR_PORT",
					     "WEIR_VERSION",
					     "WEIR_SHARED",
					     "WEIR_HELP",
					     "WEIR_",
					     "WEIR",
					     NULL };

	(void)state;
	for (const char *const *n = names; *n; n++)
		setenv(*n, "x", 1);
	check(NO_WORDS, 0, "");
	for (const char *const *n = names; *n; n++)
		unsetenv(*n);
}

static void nearest_names(void **state)
{
	static const struct {
		const char *typed, *meant;
	} cases[] = {
		{ "flows", "max-flows" },
		{ "dissect", "no-dissect" },
		{ "idle-timout", "idle-timeout" },
		{ "steta", "stats" },
		{ "x", NULL },
		{ "xyzzy", NULL },
		{ "", NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *found = option_nearest(cases[i].typed, strlen(cases[i].typed));

		if (!same_text(found, cases[i].meant))
			fail_msg("\"%s\" is taken for %s", cases[i].typed, found ? found : "none");
	}
	assert_int_equal(option_distance("kitten", 6, "sitting"), 3);
	assert_int_equal(option_distance("", 0, "stats"), 5);
	assert_int_equal(option_distance("stats=3", 5, "stats"), 0);
}

static void unknown_words(void **state)
{
	(void)state;
	check(WORDS("--xyzzy=3"), -EINVAL, "weir: --xyzzy: unknown option; see weir --help-all\n");
	check(WORDS("-Z"), -EINVAL, "weir: -Z: unknown option; see weir --help\n");
	check(WORDS("--help=3"), -EINVAL, "weir: --help: takes no value; leave it out\n");
	check(WORDS("--=3"), -EINVAL, "weir: --: unknown option; see weir --help-all\n");
}

/* A script's unset "$FILTER" is no filter, also where the file sets one. */
static void empty_filter(void **state)
{
	struct reading r;

	(void)state;
	read_words(&r, WORDS("-r", "f", ""));
	assert_int_equal(r.err, 0);
	assert_null(r.config.filter);
	reading_free(&r);
	check(WORDS("--filter", ""), -EINVAL, "weir: --filter: is empty; give EXPR\n");
}

static void options_together(void **state)
{
	(void)state;
	check(WORDS("--anonymize-key", "f"), -EINVAL,
	      "weir: --anonymize-key: hides nothing by itself; add --anonymize COLUMNS or "
	      "--anonymize-prefix\n");
	check(WORDS("--anonymize-key", "f", "--anonymize-prefix"), 0, "");
	check(WORDS("--anonymize-key", "f", "--anonymize", "src_ip"), 0, "");
	check(WORDS("--rotate", "1h", "-o", "csv:-", "-o", "json:f"), 0, "");
	check(WORDS("--metrics", "[::1]:9435"), 0, "");
	check(WORDS("--metrics", "localhost"), -EINVAL,
	      "weir: --metrics: \"localhost\" is no place to listen; give a port, as 9435, or an "
	      "address of this host with it, as 192.0.2.1:9435 or [::1]:9435\n");
	check(WORDS("--rotate", "1h", "-o", "csv", "-o", "json:-"), 0,
	      "weir: warning: --rotate: no output goes to a file; give -o FORMAT:FILE\n");
	check(WORDS("--append", "-o", "csv:f"), 0, "");
	check(WORDS("--append"), 0,
	      "weir: warning: --append: no output goes to a file; give -o FORMAT:FILE\n");
	check(WORDS("--pin", "d", "--hook", "xdp"), 0, "");
	check(WORDS("--pin", "d", "--hook", "pcap"), 0,
	      "weir: warning: --pin: --hook pcap keeps nothing in the kernel; give --hook tc or "
	      "xdp\n");
}

static char *read_manual(void)
{
	FILE *from = fopen(MANUAL, "r");
	char *text = NULL;
	size_t size = 0;
	ssize_t length = from ? getdelim(&text, &size, '\0', from) : -1;

	if (from)
		fclose(from);
	if (length <= 0)
		fail_msg("%s: %s", MANUAL, strerror(errno));
	return text;
}

/* The description of o, begun by a line that has its letter, name and value as the table does. */
static const char *manual_entry(const char *manual, const struct option_info *o)
{
	char line[200], value[60] = "";

	if (o->metavar)
		snprintf(value, sizeof(value), " Ar %s", o->metavar);
	if (o->letter)
		snprintf(line, sizeof(line), "\n.It Fl %c%s , Fl -%s%s\n", o->letter, value,
			 o->name, value);
	else
		snprintf(line, sizeof(line), "\n.It Fl -%s%s\n", o->name, value);
	return strstr(manual, line);
}

static bool tells_default(const char *entry, const struct option_info *o)
{
	const char *end = strstr(entry + 1, "\n.It ");
	char text[100];

	if (!o->default_text)
		return true;
	snprintf(text, sizeof(text), "\nDefault: %s.\n", o->default_text);
	return memmem(entry, end ? (size_t)(end - entry) + 1 : strlen(entry), text, strlen(text));
}

static void manual_has_the_table(void **state)
{
	char *manual = read_manual();
	const char *wrong = NULL;

	(void)state;
	for (size_t i = 0; i < option_count; i++) {
		const char *entry = manual_entry(manual, &option_table[i]);

		if (!entry || !tells_default(entry, &option_table[i]))
			wrong = option_table[i].name;
	}
	free(manual);
	if (wrong)
		fail_msg("%s: --%s lacks its letter, value or default", MANUAL, wrong);
}

static void manual_has_every_counter(void **state)
{
	char *manual = read_manual();
	bool found = true;
	char name[100];

	(void)state;
	for (size_t i = 0; i < COUNTERS && found; i++) {
		const struct counter_info *c = &counter_table[i];

		snprintf(name, sizeof(name), "%s", c->path);
		found = strstr(manual, name);
	}
	free(manual);
	if (!found)
		fail_msg("%s does not describe the counter %s", MANUAL, name);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sources_agree),        cmocka_unit_test(sizes_hold_every_name),
		cmocka_unit_test(misspelled_variables), cmocka_unit_test(foreign_variables),
		cmocka_unit_test(nearest_names),        cmocka_unit_test(unknown_words),
		cmocka_unit_test(empty_filter),         cmocka_unit_test(options_together),
		cmocka_unit_test(manual_has_the_table), cmocka_unit_test(manual_has_every_counter),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
