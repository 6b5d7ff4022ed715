/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A host meter with everything behind it, down to a CSV file that is read back, for tests. Flows
 * are told apart by the client's port: host 1 of 10.0.0.0 is the client, host 2 the server.
 */
#ifndef TESTS_UNIT_METER_RIG_H
#define TESTS_UNIT_METER_RIG_H

#include <stdarg.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "exporter.h"
#include "flow_table.h"
#include "host_meter.h"

#define RIG_MS     1000000ull
#define RIG_SECOND (1000 * RIG_MS)
#define RIG_T0     (1700000000 * RIG_SECOND)
#define RIG_PORT   443 /* the server's */

/* A record, as the file has it. */
struct rig_row {
	unsigned long long flow_id, first_ns, last_ns, packets, src2dst, dst2src;
	unsigned int src_port, dst_port, reason;
	int expiration_id;
	char more[400]; /* the columns that a test added behind these */
};

struct rig {
	struct config config; /* set before rig_open() */
	struct columns columns;
	struct exporters *exporters;
	struct owners *owners; /* the test's, or NULL */
	uint64_t socket;       /* that sends the packets to come */
	struct flow_table *flows;
	struct host_meter *meter;
	struct ledger ledger;
	char path[64];
	char output[80];
	char *output_item;
	struct rig_row *rows; /* after rig_close() */
	size_t row_count;
	int columns_added; /* behind config.fields of rig_init() */
};

static inline void rig_init(struct rig *r)
{
	*r = (struct rig){
		.config = {
			.idle_ns = 120 * RIG_SECOND,
			.active_ns = 1800 * RIG_SECOND,
			.fields = "flow_id,first_seen_ns,last_seen_ns,total_packets,"
				  "src2dst_packets,dst2src_packets,src_port,dst_port,"
				  "flow_end_reason,expiration_id",
			.quiet = true,
		},
	};
}

static inline void rig_open(struct rig *r)
{
	struct meter_config meter = {
		.idle_ns = r->config.idle_ns,
		.active_ns = r->config.active_ns,
		.accounting = r->config.accounting,
		.tcp_end = r->config.tcp_end,
	};
	struct flow_table_parts parts;
	struct exporters_parts outputs;
	int fd;

	snprintf(r->path, sizeof(r->path), "/tmp/weir-test-XXXXXX");
	fd = mkstemp(r->path);
	assert_true(fd >= 0);
	close(fd);
	snprintf(r->output, sizeof(r->output), "csv:%s", r->path);
	r->output_item = r->output;
	r->config.outputs = (struct string_list){ .items = &r->output_item, .count = 1 };
	assert_int_equal(columns_select(&r->columns, &r->config, NULL, 0), 0);
	outputs = (struct exporters_parts){
		.config = &r->config,
		.columns = &r->columns,
		.ledger = &r->ledger,
	};
	assert_int_equal(exporters_open(&r->exporters, &outputs), 0);
	assert_int_equal(exporters_begin(r->exporters), 0);
	parts = (struct flow_table_parts){
		.config = &r->config,
		.columns = &r->columns,
		.owners = r->owners,
		.sink = exporters_sink(r->exporters),
		.ledger = &r->ledger,
	};
	r->flows = flow_table_new(&parts);
	assert_non_null(r->flows);
	flow_table_first_packets(&parts, &meter);
	r->meter = host_meter_new(&meter, r->config.max_flows, r->flows, &r->ledger);
	assert_non_null(r->meter);
}

static inline void rig_read(struct rig *r)
{
	FILE *file = fopen(r->path, "r");
	char line[1024];

	assert_non_null(file);
	assert_non_null(fgets(line, sizeof(line), file)); /* the header */
	while (fgets(line, sizeof(line), file)) {
		struct rig_row *row;

		if (!(r->row_count & (r->row_count + 1))) /* room for 1, 3, 7, 15 ... is used up */
			r->rows = reallocarray(r->rows, r->row_count * 2 + 1, sizeof(*r->rows));
		assert_non_null(r->rows);
		row = &r->rows[r->row_count++];
		memset(row, 0, sizeof(*row));
		assert_int_equal(sscanf(line, "%llu,%llu,%llu,%llu,%llu,%llu,%u,%u,%u,%d%399[^\n]",
					&row->flow_id, &row->first_ns, &row->last_ns, &row->packets,
					&row->src2dst, &row->dst2src, &row->src_port,
					&row->dst_port, &row->reason, &row->expiration_id,
					row->more),
				 r->columns_added ? 11 : 10);
	}
	fclose(file);
}

/* End of input; then the records are in rows, in the order of their ends. */
static inline void rig_close(struct rig *r)
{
	host_meter_end_all(r->meter, FLOW_END_FORCED);
	assert_int_equal(host_meter_flows(r->meter), 0);
	assert_int_equal(flow_table_error(r->flows), 0);
	assert_int_equal(exporters_close(r->exporters), 0);
	host_meter_free(r->meter);
	flow_table_free(r->flows);
	columns_free(&r->columns);
	rig_read(r);
	unlink(r->path);
}

static inline void rig_free(struct rig *r)
{
	free(r->rows);
	r->rows = NULL;
}

static inline void rig_packet(struct rig *r, struct packet *p)
{
	static const uint8_t ip[20] = { 0x45 };
	const struct frame frame = { .ip = ip, .captured = sizeof(ip), .socket = r->socket };

	p->segments = p->segments ? p->segments : 1;
	host_meter_packet(r->meter, p, &frame);
}

static inline struct packet rig_packet_of(uint16_t client_port, int from_server, uint64_t time_ns,
					  uint8_t protocol)
{
	struct packet p = {
		.key = { .protocol = protocol, .ip_version = 4 },
		.time_ns = time_ns,
		.size = { 100, 86, 66, 58 },
		.ttl = 64,
		.has_l4 = 1,
	};

	for (int i = 0; i < 2; i++) {
		p.key.addr[i][10] = p.key.addr[i][11] = 0xff;
		p.key.addr[i][12] = 10;
		p.key.addr[i][15] = i == from_server ? 1 : 2;
		p.key.port[i] = meter_be16(i == from_server ? client_port : RIG_PORT);
	}
	return p;
}

static inline void rig_udp(struct rig *r, uint16_t client_port, int from_server, uint64_t time_ns)
{
	struct packet p = rig_packet_of(client_port, from_server, time_ns, 17);

	rig_packet(r, &p);
}

static inline void rig_tcp(struct rig *r, uint16_t client_port, int from_server, uint64_t time_ns,
			   uint8_t flags)
{
	struct packet p = rig_packet_of(client_port, from_server, time_ns, 6);

	p.tcp_flags = flags;
	rig_packet(r, &p);
}

static inline uint64_t rig_ended(const struct rig *r, enum counter reason)
{
	return r->ledger.value[reason];
}

static inline void assert_row(const struct rig_row *row, unsigned int src_port, uint64_t src2dst,
			      uint64_t dst2src, enum flow_end_reason reason)
{
	assert_int_equal(row->src_port, src_port);
	assert_int_equal(row->src2dst, src2dst);
	assert_int_equal(row->dst2src, dst2src);
	assert_int_equal(row->packets, src2dst + dst2src);
	assert_int_equal(row->reason, reason);
	assert_int_equal(row->expiration_id, reason == FLOW_END_ACTIVE);
}

#endif
