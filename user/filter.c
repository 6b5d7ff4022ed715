/* SPDX-License-Identifier: BSD-2-Clause */
#include "filter.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"

static bool compiles(pcap_t *pcap, const char *expression)
{
	struct bpf_program program;

	if (pcap_compile(pcap, &program, expression, 1, PCAP_NETMASK_UNKNOWN) < 0)
		return false;
	pcap_freecode(&program);
	return true;
}

/* Whether the first length bytes can be the beginning of an expression. */
static bool can_begin(pcap_t *pcap, const char *expression, size_t length)
{
	static const char *const ends[] = {
		"",     " tcp",   " 80",   " 192.0.2.1",         " 192.0.2.0/24",  " 1 = 1",
		" = 1", "0] = 1", "] = 1", " 02:00:00:00:00:01", " host 192.0.2.1"
	};
	char *text = NULL;
	bool begins = false;
	int open = 0;

	for (size_t i = 0; i < length; i++)
		open += (expression[i] == '(') - (expression[i] == ')');
	if (open < 0 || open > 64)
		return false;
	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]) && !begins; i++) {
		if (asprintf(&text, "%.*s%s%.*s", (int)length, expression, ends[i], open,
			     "))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))))") <
		    0)
			return false;
		begins = compiles(pcap, text);
		free(text);
	}
	return begins;
}

/* Start of the first word that no expression can have there; libpcap does not tell. */
static size_t first_misfit(pcap_t *pcap, const char *expression)
{
	size_t at = 0, end;

	for (;;) {
		while (isspace((unsigned char)expression[at]))
			at++;
		for (end = at; expression[end] && !isspace((unsigned char)expression[end]);)
			end++;
		if (end == at || !can_begin(pcap, expression, end))
			return at;
		at = end;
	}
}

int filter_compile(pcap_t *pcap, const char *expression, struct bpf_program *out)
{
	char why[PCAP_ERRBUF_SIZE];
	size_t at;

	if (pcap_compile(pcap, out, expression, 1, PCAP_NETMASK_UNKNOWN) == 0)
		return 0;
	snprintf(why, sizeof(why), "%s", pcap_geterr(pcap));
	at = first_misfit(pcap, expression);
	log_error("filter: %s, at the caret: %.*s^%s; see pcap-filter(7)", why, (int)at, expression,
		  expression + at);
	return -EINVAL;
}
