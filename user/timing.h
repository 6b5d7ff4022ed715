/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Round trips and server latency out of a connection's first packets. With the probe between the
 * two, SYN to SYN-ACK is the way to the server and back, SYN-ACK to ACK the way to the client.
 */
#ifndef USER_TIMING_H
#define USER_TIMING_H

#include <stdbool.h>

#include "flow.h"

/* Packets of a flow that are looked at: handshake, request, and the ACKs until the response. */
#define TIMING_PACKETS 10

void timing_packet(struct flow_timing *t, const struct packet *p, bool from_src);

#endif
