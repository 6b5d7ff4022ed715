/* SPDX-License-Identifier: BSD-2-Clause */
/* The entry of the command; apart from it everything is also linked into tests and fuzzers. */
#include "cli.h"

int main(int argc, char **argv)
{
	return cli_main(argc, argv);
}
