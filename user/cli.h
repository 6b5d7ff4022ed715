/* SPDX-License-Identifier: BSD-2-Clause */
/* The command: subcommands, options, exit codes 0 done, 1 run failed, 2 usage. */
#ifndef USER_CLI_H
#define USER_CLI_H

int cli_main(int argc, char **argv);

#endif
