/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The command line and the environment. The bytes, cut at zeros, are the words behind "weir"; a
 * word like WEIR_NAME=value is set in the environment instead. No word can name a file outside
 * the current directory: slashes are taken out, because -c would read from any device.
 */
#include <errno.h>
#include <stdbool.h>

#include "config_check.h"
#include "support.h"

#define MAX_WORDS 64

struct words {
	char *argv[MAX_WORDS + 2]; /* ours, in the order given: getopt sorts a copy */
	char *variables[MAX_WORDS];
	int argc, variable_count;
};

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc;
	(void)argv;
	support_silence();
	return 0;
}

/* A block of its own for each word, so that a read past one is seen. */
static char *next_word(struct input *in)
{
	const uint8_t *zero = in->left ? memchr(in->at, 0, in->left) : NULL;
	size_t length = zero ? (size_t)(zero - in->at) : in->left;
	char *word = malloc(length + 1);

	require(word != NULL);
	memcpy(word, in->at, length);
	word[length] = '\0';
	in->at += length + (zero != NULL);
	in->left -= length + (zero != NULL);
	for (char *c = word; *c; c++)
		if (*c == '/')
			*c = '_';
	return word;
}

static bool is_variable(const char *word)
{
	return !strncmp(word, "WEIR_", 5) && strchr(word, '=');
}

static void take_words(struct words *w, struct input *in)
{
	*w = (struct words){ .argv = { strdup("weir") }, .argc = 1 };
	while (in->left && w->argc + w->variable_count < MAX_WORDS) {
		char *word = next_word(in);

		if (is_variable(word))
			w->variables[w->variable_count++] = word;
		else
			w->argv[w->argc++] = word;
	}
}

/* putenv() borrows the word; setenv() would never give memory back. */
static void set_variables(const struct words *w)
{
	for (int i = 0; i < w->variable_count; i++)
		require(putenv(w->variables[i]) == 0);
}

static void unset_variables(const struct words *w)
{
	for (int i = 0; i < w->variable_count; i++) {
		char *name = strndup(w->variables[i], strcspn(w->variables[i], "="));

		require(name && unsetenv(name) == 0);
		free(name);
	}
}

static void free_words(struct words *w)
{
	for (int i = 0; i < w->argc; i++)
		free(w->argv[i]);
	for (int i = 0; i < w->variable_count; i++)
		free(w->variables[i]);
}

static int parse(struct config *config, const struct words *w, enum options_action *action)
{
	char *argv[MAX_WORDS + 2];
	int err;

	memcpy(argv, w->argv, sizeof(argv));
	err = options_parse(config, w->argc, argv, action);
	require(!err || err == -EINVAL || err == -ENOMEM);
	require(*action <= OPTIONS_VERSION);
	if (!err && *action == OPTIONS_RUN)
		check_config(config);
	return err;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };
	enum options_action action, action_again;
	struct config config, again;
	struct words words;
	int err;

	take_words(&words, &in);
	set_variables(&words);
	err = parse(&config, &words, &action);
	/* Nothing of a first reading is left over for the second. */
	require(parse(&again, &words, &action_again) == err && action == action_again);
	unset_variables(&words);
	config_free(&config);
	config_free(&config); /* as good as once */
	config_free(&again);
	free_words(&words);
	return 0;
}
