/* SPDX-License-Identifier: BSD-2-Clause */
/* Completion scripts for shells, from the option table. */
#ifndef USER_COMPLETIONS_H
#define USER_COMPLETIONS_H

#include <stdio.h>

/*
 * For "bash", "zsh" or "fish"; commands are the subcommands, up to a NULL. -ENOENT, and nothing
 * printed, for another shell.
 */
int completions_print(FILE *to, const char *shell, const char *const *commands);

#endif
