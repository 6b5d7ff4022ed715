/* SPDX-License-Identifier: BSD-2-Clause */
/* The command and its subcommands, which are known only as the first argument. */
#include "cli.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <yaml.h>

#include "dissect.h"
#include "log.h"
#include "options.h"
#include "record.h"
#include "run.h"
#include "source_pcap.h"

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
	printf("features: live capture, pcap, pcapng, dissection, anonymization, yaml%s\n",
	       SANITIZERS);
	printf("outputs: csv, json, table\n");
	printf("pcap: %s\n", source_pcap_version());
	printf("dissection: nDPI %s\n", dissector_version());
	printf("yaml: libyaml %s\n", yaml_get_version_string());
	printf("compiler: %s\n", COMPILER);
}

static void print_help(void)
{
	options_print_brief(stdout);
}

static const struct {
	const char *name;
	void (*print)(void);
} commands[] = {
	{ "fields", print_fields },
	{ "version", print_version },
	{ "help", print_help },
};

static int run_command(size_t command, int argc, char **argv)
{
	if (argc > 2) {
		log_error("%s: takes no arguments, \"%s\" is one; see weir --help", argv[1],
			  argv[2]);
		return EXIT_USAGE;
	}
	commands[command].print();
	return EXIT_DONE;
}

static int run_config(const struct config *config, bool alone)
{
	int err;

	if (config->read_files.count && config->interfaces.count) {
		log_error(
			"-r and -i: packets come from files or from interfaces; give one of them");
		return EXIT_USAGE;
	}
	if (!config->read_files.count && !config->interfaces.count) {
		log_error("nothing to read: give -r FILE or -i NAME; see weir --help");
		if (alone)
			options_print_usage(stderr);
		return EXIT_USAGE;
	}
	err = weir_run(config);
	if (err == RUN_USAGE)
		return EXIT_USAGE;
	return err ? EXIT_FAILED : EXIT_DONE;
}

static int run_action(const struct config *config, enum options_action action, bool alone)
{
	switch (action) {
	case OPTIONS_HELP: print_help(); break;
	case OPTIONS_HELP_ALL: options_print_all(stdout); break;
	case OPTIONS_VERSION: print_version(); break;
	case OPTIONS_RUN: return run_config(config, alone);
	}
	return EXIT_DONE;
}

static int run_options(int argc, char **argv)
{
	enum options_action action;
	struct config config;
	int err = options_parse(&config, argc, argv, &action);
	int code;

	if (err)
		code = err == -EINVAL ? EXIT_USAGE : EXIT_FAILED;
	else
		code = run_action(&config, action, argc < 2);
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

int cli_main(int argc, char **argv)
{
	int code = -1;

	signal(SIGPIPE, SIG_IGN); /* a closed pipe shows as EPIPE */
	for (size_t i = 0; argc > 1 && i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(argv[1], commands[i].name))
			code = run_command(i, argc, argv);
	if (code < 0)
		code = run_options(argc, argv);
	return finish_stdout(code);
}
