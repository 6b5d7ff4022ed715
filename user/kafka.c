/* SPDX-License-Identifier: BSD-2-Clause */
#include "kafka.h"

#include <errno.h>
#include <limits.h>
#include <librdkafka/rdkafka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "log.h"

#define NS_PER_MS 1000000ull

/* How long a put that waits for room looks away from a stop. */
#define WAIT_MS 100

struct kafka {
	struct kafka_options options;
	char *brokers, *topic; /* one block, brokers first */
	rd_kafka_t *client;
	struct ship_counts counts; /* queued: until the delivery report */
	bool down, down_told;
	char why[TRANSPORT_WHY_SIZE];
	char refusal[TRANSPORT_WHY_SIZE]; /* the first one's words; "" = there was none */
	bool refusal_told;
};

const char *kafka_address(const char *target)
{
	static const char scheme[] = "kafka://";

	return strncmp(target, scheme, strlen(scheme)) ? NULL : target + strlen(scheme);
}

/* --- what librdkafka tells, within rd_kafka_poll() -------------------------------------------- */

/* The first cause stands for all. */
static void note_failed(struct kafka *k, rd_kafka_resp_err_t err)
{
	k->counts.failed++;
	if (*k->refusal)
		return;
	if (err != RD_KAFKA_RESP_ERR__FATAL ||
	    !rd_kafka_fatal_error(k->client, k->refusal, sizeof(k->refusal)))
		snprintf(k->refusal, sizeof(k->refusal), "%s", rd_kafka_err2str(err));
}

static void on_delivery(rd_kafka_t *client, const rd_kafka_message_t *m, void *context)
{
	struct kafka *k = context;

	(void)client;
	k->counts.queued--;
	k->counts.queued_bytes -= m->len;
	if (!m->err)
		k->counts.sent++;
	else if (m->err == RD_KAFKA_RESP_ERR__PURGE_QUEUE ||
		 m->err == RD_KAFKA_RESP_ERR__PURGE_INFLIGHT ||
		 m->err == RD_KAFKA_RESP_ERR__MSG_TIMED_OUT)
		k->counts.dropped++;
	else
		note_failed(k, m->err);
	if (!m->err)
		k->down = false;
}

static void on_error(rd_kafka_t *client, int err, const char *reason, void *context)
{
	struct kafka *k = context;

	(void)client;
	/* One of several brokers may be away: librdkafka says so, too, and goes on. */
	k->down |= err == RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN;
	snprintf(k->why, sizeof(k->why), "%s", reason ? reason : rd_kafka_err2str(err));
}

/* What it has to say beyond errors is for its developers. */
static void on_log(const rd_kafka_t *client, int level, const char *facility, const char *text)
{
	(void)client;
	(void)level;
	(void)facility;
	(void)text;
}

/* --- opening ---------------------------------------------------------------------------------- */

static int refuse(const struct kafka *k, const char *why)
{
	log_error("-o %s: %s", k->options.name, why);
	return -EINVAL;
}

/* Properties that librdkafka takes and this producer cannot work with. */
static const struct {
	const char *name, *why;
} unfit[] = {
	{ "delivery.report.only.error",
	  "leave out delivery.report.only.error: what arrives would not be counted" },
	{ "transactional.id", "leave out transactional.id: weir begins no transactions" },
};

static int refuse_unfit(const struct kafka *k, const char *property)
{
	for (size_t i = 0; i < sizeof(unfit) / sizeof(unfit[0]); i++)
		if (!strcmp(unfit[i].name, property))
			return refuse(k, unfit[i].why);
	return 0;
}

static int set(const struct kafka *k, rd_kafka_conf_t *conf, const char *name, const char *value)
{
	char why[256];

	if (rd_kafka_conf_set(conf, name, value, why, sizeof(why)) == RD_KAFKA_CONF_OK)
		return 0;
	/* librdkafka knows some by another name */
	log_error("-o %s: %s: %s", k->options.name, name, why);
	return -EINVAL;
}

/* "property=value&property=value"; cut up in place. */
static int set_properties(const struct kafka *k, rd_kafka_conf_t *conf, char *text)
{
	char *word;
	int err = 0;

	while (!err && (word = strsep(&text, "&"))) {
		char *value = strchr(word, '=');

		if (!value)
			return refuse(k, "a property has no value; give ?name=value&name=value");
		*value++ = '\0';
		err = refuse_unfit(k, word);
		if (!err)
			err = set(k, conf, word, value);
	}
	return err;
}

/* Ours come first, so that who knows better can say so. */
static int set_all(struct kafka *k, rd_kafka_conf_t *conf, char *properties)
{
	char kib[24];
	int err;

	snprintf(kib, sizeof(kib), "%zu", k->options.limits.queue_bytes / 1024);
	rd_kafka_conf_set_opaque(conf, k);
	rd_kafka_conf_set_dr_msg_cb(conf, on_delivery);
	rd_kafka_conf_set_error_cb(conf, on_error);
	rd_kafka_conf_set_log_cb(conf, on_log);
	err = set(k, conf, "bootstrap.servers", k->brokers);
	if (!err)
		err = set(k, conf, "client.id", "weir");
	if (!err)
		err = set(k, conf, "enable.idempotence", "true");
	if (!err)
		err = set(k, conf, "compression.codec", "lz4");
	if (!err)
		err = set(k, conf, "linger.ms", "50");
	if (!err)
		err = set(k, conf, "queue.buffering.max.messages", "10000000");
	if (!err)
		err = set(k, conf, "queue.buffering.max.kbytes", kib);
	/* A broker that is away is waited for as long as there is room. */
	if (!err)
		err = set(k, conf, "message.timeout.ms", "0");
	return err || !properties ? err : set_properties(k, conf, properties);
}

static int create(struct kafka *k, char *properties)
{
	rd_kafka_conf_t *conf = rd_kafka_conf_new();
	char why[256];
	int err = conf ? set_all(k, conf, properties) : -ENOMEM;

	if (!err) {
		k->client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof(why));
		err = k->client ? 0 : refuse(k, why);
	}
	if (err && conf)
		rd_kafka_conf_destroy(conf);
	return err;
}

int kafka_open(struct kafka **out, const struct kafka_options *options)
{
	struct kafka *k = calloc(1, sizeof(*k));
	char *topic, *properties = NULL;
	int err;

	*out = NULL;
	if (!k)
		return -ENOMEM;
	k->options = *options;
	k->brokers = strdup(options->address);
	if (!k->brokers) {
		free(k);
		return -ENOMEM;
	}
	properties = strchr(k->brokers, '?');
	if (properties)
		*properties++ = '\0';
	topic = strchr(k->brokers, '/');
	if (topic)
		*topic++ = '\0';
	k->topic = topic;
	if (!topic || !*topic || !*k->brokers)
		err = refuse(k, "give kafka://broker[,broker]/topic[?property=value&...]");
	else
		err = create(k, properties);
	if (err) {
		free(k->brokers);
		free(k);
		return err;
	}
	*out = k;
	return 0;
}

/* --- records ---------------------------------------------------------------------------------- */

static rd_kafka_resp_err_t produce(struct kafka *k, const char *key, const void *value,
				   size_t length)
{
	rd_kafka_resp_err_t err =
		rd_kafka_producev(k->client, RD_KAFKA_V_TOPIC(k->topic),
				  RD_KAFKA_V_KEY(key, strlen(key)),
				  RD_KAFKA_V_VALUE((void *)value, length),
				  RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY), RD_KAFKA_V_END);

	if (err)
		return err; /* rd_kafka_last_error() knows nothing of it */
	k->counts.queued++;
	k->counts.queued_bytes += length;
	return RD_KAFKA_RESP_ERR_NO_ERROR;
}

static void tell_brokers(struct kafka *k)
{
	if (k->down && !k->down_told)
		log_warning("-o %s: %s; records are kept and sent when it is back", k->options.name,
			    k->why);
	else if (!k->down && k->down_told)
		log_warning("-o %s: connected again", k->options.name);
	k->down_told = k->down;
}

/* Once: what is refused may be so record by record. */
static void tell_refusal(struct kafka *k)
{
	if (*k->refusal && !k->refusal_told)
		log_warning("-o %s: %s; records that are refused count as failed", k->options.name,
			    k->refusal);
	k->refusal_told = *k->refusal;
}

void kafka_put(struct kafka *k, const char *key, const void *value, size_t length,
	       const atomic_bool *stop)
{
	bool block = k->options.limits.policy == SHIP_BLOCK;
	rd_kafka_resp_err_t err = produce(k, key, value, length);

	while (err == RD_KAFKA_RESP_ERR__QUEUE_FULL && block && !(stop && *stop)) {
		rd_kafka_poll(k->client, WAIT_MS);
		tell_brokers(k);
		err = produce(k, key, value, length);
	}
	if (err == RD_KAFKA_RESP_ERR__QUEUE_FULL) {
		rd_kafka_poll(k->client, 0);
		err = produce(k, key, value, length);
	}
	if (err == RD_KAFKA_RESP_ERR__QUEUE_FULL)
		k->counts.dropped++;
	else if (err)
		note_failed(k, err);
	kafka_report(k);
}

void kafka_report(struct kafka *k)
{
	rd_kafka_poll(k->client, 0);
	tell_brokers(k);
	tell_refusal(k);
}

void kafka_counts(struct kafka *k, struct ship_counts *out)
{
	*out = k->counts;
}

static int flush_ms(const struct kafka *k)
{
	uint64_t ms = k->options.limits.end_timeout_ns / NS_PER_MS;

	return ms < INT_MAX ? (int)ms : INT_MAX;
}

void kafka_close(struct kafka *k, struct ship_counts *out)
{
	uint64_t left;

	rd_kafka_flush(k->client, flush_ms(k));
	left = k->counts.queued;
	if (left) {
		rd_kafka_purge(k->client, RD_KAFKA_PURGE_F_QUEUE | RD_KAFKA_PURGE_F_INFLIGHT);
		rd_kafka_poll(k->client, WAIT_MS);
		log_warning("-o %s: %s; %llu records could not be sent in time", k->options.name,
			    *k->why ? k->why : "slow", (unsigned long long)left);
	}
	while (rd_kafka_poll(k->client, 0))
		;
	/* of what librdkafka gave no report */
	k->counts.dropped += k->counts.queued;
	k->counts.queued = k->counts.queued_bytes = 0;
	tell_refusal(k);
	*out = k->counts;
	rd_kafka_destroy(k->client);
	free(k->brokers);
	free(k);
}
