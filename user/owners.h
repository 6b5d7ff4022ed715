/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whose a socket is: what the kernel told of sockets and processes, in bounded memory, for flows to
 * ask when they end. A flow holds the sockets that its packets came from by number; one that no
 * flow holds and that was not told of for longest makes way.
 */
#ifndef USER_OWNERS_H
#define USER_OWNERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "flow.h"
#include "meter/attribute.h"
#include "pods.h"
#include "record.h"

struct owners;

struct owners_config {
	uint32_t netns;              /* inode number of the watched namespace */
	uint32_t most_sockets;       /* kept at a time; 0 = the default */
	const char *pod_logs;        /* directory of CRI logs; NULL: pods are not asked for */
	const char *service_account; /* its directory; NULL: the API server is not asked */
	/* Whether this host has the address; for tests. NULL: local_addresses.h */
	bool (*is_local)(void *context, const uint8_t addr[16]);
	void *context;
};

/* NULL when memory is short. */
struct owners *owners_new(const struct owners_config *config);
void owners_free(struct owners *o);

/* A message of meter/attribute.h. listed: of the list made at the start, which knows no order. */
void owners_message(struct owners *o, const void *message, size_t size, bool listed);
/* Bytes of the first message of the list at data; 0: it is not whole, or none. */
size_t owners_message_size(const void *data, size_t size);

/* The number of a socket that a flow asks about later. 0: no room. */
uint32_t owners_hold(struct owners *o, uint64_t socket);
/* 0 is allowed. */
void owners_release(struct owners *o, uint32_t number);
/* Its process was told. */
bool owners_knows(const struct owners *o, uint32_t number);

/*
 * Fills owner[] and system_process of a record whose place is known and whose times are still
 * packet times; texts live until the next call of any function here.
 */
void owners_fill(struct owners *o, const struct flow *f, struct flow_record *r);

/* Now and then: takes what the API server has told of pods. NULL is allowed. */
void owners_poll(struct owners *o);

/* Sockets kept, sockets that found no room so far. */
uint32_t owners_count(const struct owners *o);
uint64_t owners_refused(const struct owners *o);

#endif
