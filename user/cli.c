/* SPDX-License-Identifier: BSD-2-Clause */
/* The command and its subcommands, which are known only as the first argument. */
#include "cli.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "bpf_admin.h"
#include "completions.h"
#include "dissect.h"
#include "log.h"
#include "metrics_http.h"
#include "names.h"
#include "options.h"
#include "plugins.h"
#include "protobuf.h"
#include "record.h"
#include "run.h"
#include "source_pcap.h"
#include "weir/weir.h"

enum exit_code { EXIT_DONE, EXIT_FAILED, EXIT_USAGE };

#if defined(__clang__)
#define COMPILER "clang " __clang_version__
#else
#define COMPILER "gcc " __VERSION__
#endif

#ifdef __SANITIZE_ADDRESS__
#define SANITIZERS ", sanitizers"
#else
#define SANITIZERS ""
#endif

static void print_fields(void)
{
	columns_print_all(stdout);
}

static void print_version(void)
{
	printf("weir %s\n", WEIR_VERSION);
	printf("features: tc, xdp, live capture, pcap, pcapng, dissection, plugins, anonymization, "
	       "metrics, yaml%s\n",
	       SANITIZERS);
	printf("outputs: csv, json, table, protobuf, ipfix, netflow9\n");
	printf("bpf: libbpf %s\n", libbpf_version_string());
	printf("pcap: %s\n", source_pcap_version());
	printf("dissection: nDPI %s\n", dissector_version());
	printf("metrics: libmicrohttpd %s\n", metrics_http_version());
	printf("yaml: libyaml %s\n", yaml_get_version_string());
	printf("compiler: %s\n", COMPILER);
}

static int print_protobuf(const struct field *added, size_t count)
{
	protobuf_print_schema(stdout, added, count);
	return 0;
}

static int print_ecs(const struct field *added, size_t count)
{
	return names_print(stdout, NAMES_ECS, added, count);
}

static int print_ocsf(const struct field *added, size_t count)
{
	return names_print(stdout, NAMES_OCSF, added, count);
}

static const struct {
	const char *name;
	int (*print)(const struct field *added, size_t count);
} schemas[] = {
	{ "protobuf", print_protobuf },
	{ "ecs", print_ecs },
	{ "ocsf", print_ocsf },
};

/* The place of a schema, or that behind the last one. */
static size_t schema_of(const char *word)
{
	size_t i = 0;

	while (i < sizeof(schemas) / sizeof(schemas[0]) && strcmp(schemas[i].name, word) != 0)
		i++;
	return i;
}

/* Of every column, and of those of plugins that the options load. */
static int print_schema(const struct config *config, const char *word)
{
	struct ledger ledger = { 0 };
	struct plugins *plugins = NULL;
	const struct field *added;
	size_t count;
	int err = plugins_open(&plugins, config, NULL, NULL, &ledger);

	if (err)
		return err;
	added = plugins_fields(plugins, &count);
	err = schemas[schema_of(word)].print(added, count);
	plugins_close(plugins);
	return err;
}

static void print_help(void)
{
	options_print_brief(stdout);
}

static int status(const struct config *config, const char *word)
{
	(void)word;
	return bpf_admin_status(config, stdout);
}

static int detach(const struct config *config, const char *word)
{
	(void)word;
	return bpf_admin_detach(config, stdout);
}

static int print_completions(const char *shell);

/* Each has one of the three. */
static const struct {
	const char *name;
	void (*print)(void); /* takes no arguments */
	/* takes options, and schema a word before them; negative after a message */
	int (*run)(const struct config *config, const char *word);
	int (*print_for)(const char *word); /* takes one word; negative after a message */
} commands[] = {
	{ .name = "fields", .print = print_fields },
	{ .name = "version", .print = print_version },
	{ .name = "help", .print = print_help },
	{ .name = "status", .run = status },
	{ .name = "detach", .run = detach },
	{ .name = "schema", .run = print_schema },
	{ .name = "completions", .print_for = print_completions },
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

static int print_completions(const char *shell)
{
	const char *names[COMMANDS + 1] = { NULL };
	int err;

	for (size_t i = 0; i < COMMANDS; i++)
		names[i] = commands[i].name;
	err = completions_print(stdout, shell, names);
	if (err)
		log_error("completions: \"%s\" is no shell that is known; give bash, zsh or fish",
			  shell);
	return err;
}

static int run_word(size_t command, int argc, char **argv)
{
	if (argc != 3) {
		log_error("%s: takes one word; see weir(8)", argv[1]);
		return EXIT_USAGE;
	}
	return commands[command].print_for(argv[2]) ? EXIT_USAGE : EXIT_DONE;
}

static int run_print(size_t command, int argc, char **argv)
{
	if (argc > 2) {
		log_error("%s: takes no arguments, \"%s\" is one; see weir --help", argv[1],
			  argv[2]);
		return EXIT_USAGE;
	}
	commands[command].print();
	return EXIT_DONE;
}

static int run(int argc, char **argv)
{
	int err = weir_run(argc, argv);

	if (err == RUN_USAGE && argc < 2 && !strncmp(weir_last_error(), "nothing", 7))
		options_print_usage(stderr);
	if (err == RUN_USAGE)
		return EXIT_USAGE;
	return err ? EXIT_FAILED : EXIT_DONE;
}

/* True: there was an action, and it is done. */
static bool run_action(enum options_action action)
{
	switch (action) {
	case OPTIONS_HELP: print_help(); return true;
	case OPTIONS_HELP_ALL: options_print_all(stdout); return true;
	case OPTIONS_VERSION: print_version(); return true;
	case OPTIONS_RUN: break;
	}
	return false;
}

static int run_options(int argc, char **argv)
{
	enum options_action action;

	if (options_action(argc, argv, &action))
		return EXIT_USAGE;
	return run_action(action) ? EXIT_DONE : run(argc, argv);
}

/* What getopt_long() left is a filter to a run, and to nobody else. */
static int run_with_config(size_t command, const struct config *config, int argc, char **argv,
			   const char *word)
{
	if (optind < argc) {
		log_error("%s: takes only options, \"%s\" is none; see weir --help-all",
			  commands[command].name, argv[optind]);
		return EXIT_USAGE;
	}
	return commands[command].run(config, word) ? EXIT_FAILED : EXIT_DONE;
}

/* argv[0] is the command's name. */
static int run_command(size_t command, int argc, char **argv, const char *word)
{
	enum options_action action;
	struct config config;
	int err = options_parse(&config, argc, argv, &action);
	int code = EXIT_DONE;

	if (err)
		code = err == -EINVAL ? EXIT_USAGE : EXIT_FAILED;
	else if (!run_action(action))
		code = run_with_config(command, &config, argc, argv, word);
	config_free(&config);
	return code;
}

/* A reader that has seen enough (weir fields | head) is no failure. */
static int finish_stdout(int code)
{
	bool failed = fflush(stdout) || ferror(stdout);

	if (!failed || code != EXIT_DONE || errno == EPIPE)
		return code;
	log_error("stdout: %s; choose a place that can be written", strerror(errno));
	return EXIT_FAILED;
}

static int run_named(size_t command, int argc, char **argv)
{
	if (commands[command].print)
		return run_print(command, argc, argv);
	if (commands[command].print_for)
		return run_word(command, argc, argv);
	if (commands[command].run != print_schema)
		return run_command(command, argc - 1, argv + 1, NULL);
	if (argc < 3 || schema_of(argv[2]) == sizeof(schemas) / sizeof(schemas[0])) {
		log_error("schema: no schema of that name; give weir schema protobuf, ecs or ocsf");
		return EXIT_USAGE;
	}
	return run_command(command, argc - 2, argv + 2, argv[2]);
}

int cli_main(int argc, char **argv)
{
	int code = -1;

	signal(SIGPIPE, SIG_IGN); /* a closed pipe shows as EPIPE */
	for (size_t i = 0; argc > 1 && i < COMMANDS; i++)
		if (!strcmp(argv[1], commands[i].name))
			code = run_named(i, argc, argv);
	if (code < 0)
		code = run_options(argc, argv);
	return finish_stdout(code);
}
