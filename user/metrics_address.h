/* SPDX-License-Identifier: BSD-2-Clause */
/* Where --metrics listens, as people write it. */
#ifndef USER_METRICS_ADDRESS_H
#define USER_METRICS_ADDRESS_H

#include <sys/socket.h>

struct metrics_address {
	struct sockaddr_storage address;
	socklen_t length;
};

/*
 * "9435" is 127.0.0.1:9435; "192.0.2.1:9435" and "[::1]:9435" name an address of this host. 0, or
 * -EINVAL without a message.
 */
int metrics_address_parse(const char *text, struct metrics_address *out);

#endif
