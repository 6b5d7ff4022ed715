/* SPDX-License-Identifier: BSD-2-Clause */
#include "cli.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <yaml.h>

#include "dissect.h"
#include "log.h"
#include "options.h"
#include "record.h"
#include "run.h"
#include "source_pcap.h"

enum exit_code { EXIT_DONE, EXIT_FAILED, EXIT_USAGE };

static int print_fields(void)
{
	columns_print_all(stdout);
	return EXIT_DONE;
}

static int print_version(void)
{
	printf("weir %s\n", WEIR_VERSION);
	printf("sources: pcap, pcapng\noutputs: csv, json, table\n");
	printf("%s\nnDPI %s\nlibyaml %s\n", source_pcap_version(), dissector_version(),
	       yaml_get_version_string());
	printf("compiler: %s\n", __VERSION__);
	return EXIT_DONE;
}

static int print_help(void)
{
	options_print_brief(stdout);
	return EXIT_DONE;
}

static const struct {
	const char *name;
	int (*run)(void);
} commands[] = {
	{ "fields", print_fields },
	{ "version", print_version },
	{ "help", print_help },
};

static int run_config(struct config *config)
{
	char host[256] = "";

	if (!config->read_files.count) {
		log_error("nothing to read: give -r FILE; see weir --help");
		return EXIT_USAGE;
	}
	if (!config->probe_name) {
		gethostname(host, sizeof(host) - 1);
		config->probe_name = strdup(host);
	}
	switch (weir_run(config)) {
	case 0: return EXIT_DONE;
	case RUN_USAGE: return EXIT_USAGE;
	default: return EXIT_FAILED;
	}
}

static int run_options(int argc, char **argv)
{
	enum options_action action;
	struct config config;
	int code = EXIT_DONE;

	if (options_parse(&config, argc, argv, &action) < 0)
		code = EXIT_USAGE;
	else if (action == OPTIONS_HELP)
		print_help();
	else if (action == OPTIONS_HELP_ALL)
		options_print_all(stdout);
	else if (action == OPTIONS_VERSION)
		print_version();
	else
		code = run_config(&config);
	config_free(&config);
	return code;
}

int cli_main(int argc, char **argv)
{
	int code = -1;

	for (size_t i = 0; argc == 2 && i < sizeof(commands) / sizeof(commands[0]); i++)
		if (!strcmp(argv[1], commands[i].name))
			code = commands[i].run();
	if (code < 0)
		code = run_options(argc, argv);
	if (fflush(stdout) && code == EXIT_DONE)
		code = EXIT_FAILED;
	return code;
}
