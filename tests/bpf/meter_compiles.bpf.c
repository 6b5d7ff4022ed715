/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The shared meter, compiled for the kernel: every function of include/meter/ is used once. */
#include "meter/fragment.h"
#include "meter/key.h"
#include "meter/meter.h"
#include "meter/parse.h"

struct everything {
	struct window window;
	struct parser parser;
	struct fragment_slot fragment;
	struct flow_counters counters;
	struct flow_stats stats;
	struct flow_tcp tcp;
	struct meter_config config;
};

int meter_a_packet(struct everything *e);

int meter_a_packet(struct everything *e)
{
	struct packet *p = &e->parser.pkt;

	if (parse_packet(&e->window, &e->parser, PARSE_LINK) != PARSE_DONE)
		return -1;
	key_canonicalize(p);
	if (p->fragment)
		fragment_resolve(&e->fragment, p);
	if (meter_expired(&e->counters, p, &e->config))
		return -2;
	meter_update(&e->counters, &e->stats, &e->tcp, p, &e->config);
	return 0;
}
