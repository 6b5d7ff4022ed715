/* SPDX-License-Identifier: BSD-2-Clause */
#include "filter.h"

#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "classic.h"
#include "log.h"

#define SNAPLEN 262144

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

static int copy_program(const struct bpf_program *program, struct classic_program *out)
{
	out->count = program->bf_len;
	out->insns = calloc(program->bf_len, sizeof(*out->insns));
	if (!out->insns)
		return -ENOMEM;
	for (uint32_t i = 0; i < out->count; i++) {
		const struct bpf_insn *in = &program->bf_insns[i];

		out->insns[i] = (struct classic_insn){ in->code, in->jt, in->jf, in->k };
	}
	return 0;
}

int classic_compile(const char *expression, enum classic_link link, bool explain,
		    struct classic_program *out)
{
	pcap_t *pcap = pcap_open_dead(link == CLASSIC_ETHERNET ? DLT_EN10MB : DLT_RAW, SNAPLEN);
	struct bpf_program program;
	int err;

	if (!pcap)
		return -ENOMEM;
	if (explain)
		err = filter_compile(pcap, expression, &program);
	else
		err = pcap_compile(pcap, &program, expression, 1, PCAP_NETMASK_UNKNOWN) ? -EINVAL
											: 0;
	if (!err) {
		err = copy_program(&program, out);
		pcap_freecode(&program);
	}
	pcap_close(pcap);
	return err;
}
