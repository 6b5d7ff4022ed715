/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Records to a Kafka topic, by librdkafka: idempotent, compressed, a message a record. Its threads
 * send; who puts records waits only if the policy is to block.
 */
#ifndef USER_KAFKA_H
#define USER_KAFKA_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

#include "ship.h"

struct kafka;

struct kafka_options {
	const char *name; /* for messages: the output; borrowed */
	/* "broker[,broker]/topic[?property=value&...]", most properties of librdkafka. */
	const char *address;
	struct ship_limits limits; /* SHIP_DROP_OLDEST drops what finds no room itself */
};

/* Whether a target is one, and where its address begins. */
const char *kafka_address(const char *target);

/* Checks address and properties; brokers may come later. 0, -EINVAL or -ENOMEM after a message. */
int kafka_open(struct kafka **out, const struct kafka_options *options);
/* Copies key and value, and reports. stop: do not wait any longer; may be NULL. */
void kafka_put(struct kafka *k, const char *key, const void *value, size_t length,
	       const atomic_bool *stop);
/* Takes delivery reports and says what has changed about the brokers. */
void kafka_report(struct kafka *k);
void kafka_counts(struct kafka *k, struct ship_counts *out);
/* Sends what is queued, at most end_timeout_ns long; *out is how it ended. */
void kafka_close(struct kafka *k, struct ship_counts *out);

#endif
