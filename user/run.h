/* SPDX-License-Identifier: BSD-2-Clause */
/* A whole run of the command: a streamer by the public API, signals, progress, summary. */
#ifndef USER_RUN_H
#define USER_RUN_H

/* What was asked for contradicts itself: a column, an output or a filter that cannot be. */
#define RUN_USAGE 1

/*
 * For the words of a command line. 0, RUN_USAGE, or a negative errno, the latter two after a
 * message. Takes SIGINT and SIGTERM as a request to end well, SIGUSR1 as one for the summary, and
 * SIGHUP as one to reopen outputs, or where there is a terminal, which has gone then, to end.
 */
int weir_run(int argc, char *const *argv);

#endif
