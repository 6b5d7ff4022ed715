/* SPDX-License-Identifier: BSD-2-Clause */
/* The YAML file: whatever its bytes are, it is refused with a message or leaves valid options. */
#include <errno.h>

#include "config_check.h"
#include "support.h"

static struct memory_file file;

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	support_silence();
	memory_file_open(&file);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *words[] = { "weir", "-c", file.path, NULL };
	struct config config = { 0 }, whole;
	enum options_action action;
	int err, err_whole;

	memory_file_set(&file, data, size);
	err = options_read_yaml(&config, file.path, LEVEL_FILE);
	require(!err || err == -EINVAL || err == -ENOMEM);
	config_free(&config);

	/* Over the defaults, as the command does it: may also refuse what does not fit together. */
	err_whole = options_parse(&whole, 3, words, &action);
	require((!err || err_whole == err) && action == OPTIONS_RUN);
	if (!err_whole)
		check_config(&whole);
	config_free(&whole);
	return 0;
}
