/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kafka brokers on loopback, by librdkafka's mock cluster, for tests. Prints their addresses, then
 * does what lines on stdin say: "down ID", "up ID", "errors COUNT" (so many produce requests fail
 * in each way that is to be retried), "refuse COUNT" (for good). Ends with stdin.
 *
 * usage: kafka_mock BROKERS TOPIC...
 */
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PRODUCE 0 /* ApiKey */

static void push(rd_kafka_mock_cluster_t *cluster, rd_kafka_resp_err_t err, int count)
{
	while (count--)
		rd_kafka_mock_push_request_errors(cluster, PRODUCE, 1, err);
}

/* What brokers say when they are restarted, overloaded or losing their peers, or do not say. */
static void push_passing(rd_kafka_mock_cluster_t *cluster, int count)
{
	static const rd_kafka_resp_err_t passing[] = {
		RD_KAFKA_RESP_ERR_NOT_LEADER_FOR_PARTITION, RD_KAFKA_RESP_ERR_NOT_ENOUGH_REPLICAS,
		RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT,
		RD_KAFKA_RESP_ERR__TRANSPORT, /* the connection ends instead */
	};

	for (size_t i = 0; i < sizeof(passing) / sizeof(passing[0]); i++)
		push(cluster, passing[i], count);
}

static void obey(rd_kafka_mock_cluster_t *cluster, const char *line)
{
	char verb[16];
	int number;

	if (sscanf(line, "%15s %d", verb, &number) != 2)
		return;
	if (!strcmp(verb, "down"))
		rd_kafka_mock_broker_set_down(cluster, number);
	else if (!strcmp(verb, "up"))
		rd_kafka_mock_broker_set_up(cluster, number);
	else if (!strcmp(verb, "errors"))
		push_passing(cluster, number);
	else if (!strcmp(verb, "refuse"))
		push(cluster, RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED, number);
	printf("done\n");
	fflush(stdout);
}

int main(int argc, char **argv)
{
	rd_kafka_mock_cluster_t *cluster;
	rd_kafka_t *client;
	char why[256], line[256];

	if (argc < 3)
		return 2;
	client = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), why, sizeof(why));
	cluster = client ? rd_kafka_mock_cluster_new(client, atoi(argv[1])) : NULL;
	if (!cluster)
		return 1;
	for (int i = 2; i < argc; i++)
		if (rd_kafka_mock_topic_create(cluster, argv[i], 4, atoi(argv[1])))
			return 1;
	printf("%s\n", rd_kafka_mock_cluster_bootstraps(cluster));
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin))
		obey(cluster, line);
	rd_kafka_mock_cluster_destroy(cluster);
	rd_kafka_destroy(client);
	return 0;
}
