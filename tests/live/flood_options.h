/* SPDX-License-Identifier: BSD-2-Clause */
/* The command line of flood. */
#ifndef TESTS_LIVE_FLOOD_OPTIONS_H
#define TESTS_LIVE_FLOOD_OPTIONS_H

#include "flood.h"

struct flood_mode {
	const char *name;
	int (*send)(struct flood *flood, struct flood_sent *sent);
};

/* The mode asked for. Ends the program (2) when the command line is wrong, (0) after --help. */
const struct flood_mode *flood_options(int argc, char **argv, struct flood *flood);

#endif
