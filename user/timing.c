/* SPDX-License-Identifier: BSD-2-Clause */
#include "timing.h"

#include "meter/wire.h"

enum stage { STAGE_START, STAGE_SYN, STAGE_SYN_ACK, STAGE_OPEN, STAGE_REQUEST, STAGE_DONE };

static uint32_t elapsed_us(const struct flow_timing *t, const struct packet *p)
{
	uint64_t us = p->time_ns > t->mark_ns ? (p->time_ns - t->mark_ns) / 1000 : 0;

	return us > UINT32_MAX ? UINT32_MAX : us;
}

static void timing_mark(struct flow_timing *t, const struct packet *p, enum stage stage)
{
	t->mark_ns = p->time_ns;
	t->stage = stage;
}

/* A repeated SYN or SYN-ACK starts the measurement anew: the one answered is the last one. */
static bool timing_handshake(struct flow_timing *t, const struct packet *p, bool from_src)
{
	uint8_t flags = p->tcp_flags & (TCP_FLAG_SYN | TCP_FLAG_ACK);

	if (from_src && flags == TCP_FLAG_SYN) {
		timing_mark(t, p, STAGE_SYN);
		return true;
	}
	if (!from_src && flags == (TCP_FLAG_SYN | TCP_FLAG_ACK)) {
		if (t->stage == STAGE_SYN) {
			t->server_rtt_us = elapsed_us(t, p);
			t->known |= TIMING_SERVER_RTT;
		}
		timing_mark(t, p, STAGE_SYN_ACK);
		return true;
	}
	if (from_src && t->stage == STAGE_SYN_ACK && flags == TCP_FLAG_ACK) {
		t->client_rtt_us = elapsed_us(t, p);
		t->known |= TIMING_CLIENT_RTT;
		t->stage = STAGE_OPEN;
	}
	return false;
}

void timing_packet(struct flow_timing *t, const struct packet *p, bool from_src)
{
	if (t->stage == STAGE_DONE)
		return;
	if (p->key.protocol == PROTO_TCP && timing_handshake(t, p, from_src))
		return;
	if (!p->size[ACCOUNT_PAYLOAD])
		return;
	if (from_src) {
		timing_mark(t, p, STAGE_REQUEST);
		return;
	}
	if (t->stage == STAGE_REQUEST) {
		t->app_latency_us = elapsed_us(t, p);
		t->known |= TIMING_APP_LATENCY;
	}
	t->stage = STAGE_DONE;
}
