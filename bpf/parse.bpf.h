/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The shared parser as functions of their own: inlined it is more than the verifier looks at. */
#ifndef BPF_PARSE_H
#define BPF_PARSE_H

#include "maps.bpf.h"

__noinline int link_level(struct scratch *s)
{
	if (!s)
		return PARSE_NOT_IP;
	return parse_link(&s->window, &s->parser, s->next);
}

__noinline int network_level(struct scratch *s)
{
	if (!s)
		return PARSE_NOT_IP;
	return parse_network(&s->window, &s->parser);
}

static __always_inline void parse_level(struct scratch *s)
{
	if (s->next == PARSE_LINK || s->next == PARSE_TYPE)
		s->next = link_level(s);
	if (s->next == PARSE_NETWORK)
		s->next = network_level(s);
}

/* What the window holds -> s->parser.pkt; first: what it starts with. */
static __always_inline enum parse_status parse_window(struct scratch *s, __u32 tunnels,
						      enum parse_status first)
{
	parser_init(&s->parser, s->frame_len, tunnels);
	s->next = first;
	parse_level(s);
	if (s->next != PARSE_DONE && s->next < PARSE_REFUSED)
		parse_level(s);
	if (s->next != PARSE_DONE && s->next < PARSE_REFUSED)
		parse_level(s);
	return parse_verdict(&s->parser, s->next);
}

#endif
