/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the hellos of a TLS or DTLS connection tell beyond nDPI 4.2: the client's JA4 and the
 * version that the server chose. Costs a flow nothing until a hello comes.
 */
#ifndef USER_HANDSHAKE_H
#define USER_HANDSHAKE_H

#include <stdbool.h>
#include <stdint.h>

#include "meter/types.h"

struct handshake;

/*
 * Looks at a packet of the flow; *h is NULL until one belongs to a hello. ip: as much of the
 * innermost IP datagram as was captured. from_client tells the two sides apart, no more.
 */
void handshake_packet(struct handshake **h, const struct packet *p, const uint8_t *ip,
		      uint32_t captured, bool from_client);

/* h may be NULL: "" and 0 then, and as long as a hello is missing. */
const char *handshake_ja4(const struct handshake *h);
uint16_t handshake_version(const struct handshake *h);

void handshake_free(struct handshake *h);

#endif
