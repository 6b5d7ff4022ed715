-- SPDX-License-Identifier: BSD-2-Clause
-- The door for records from a Kafka topic. Columns that weir.record does not have are skipped; apply sets
-- brokers and topic. The consumer group remembers how far it read, so the door may be made anew.
-- Each view hangs on the door itself: old servers do not pass on what a view has written. No record
-- may come before all of them are there, so the door leads nowhere at first.
CREATE TABLE IF NOT EXISTS weir.flows_kafka AS weir.record
ENGINE = Null;

CREATE MATERIALIZED VIEW IF NOT EXISTS weir.flows_from_kafka TO weir.flows AS
SELECT
    toStartOfMinute(toDateTime(intDiv(last_seen, 1000), 'UTC')) AS minute,
    probe, run_id, flow_id, first_seen, last_seen, flow_end_reason,
    src_ip, src_port, dst_ip, dst_port, protocol, vlan_id,
    src2dst_packets, src2dst_bytes, dst2src_packets, dst2src_bytes, src2dst_tcp_flags, dst2src_tcp_flags,
    client_rtt_us, server_rtt_us,
    application_name, category_name, requested_server_name, ja4, community_id
FROM weir.flows_kafka;

CREATE MATERIALIZED VIEW IF NOT EXISTS weir.application_minutes_from_kafka TO weir.application_minutes AS
SELECT
    toStartOfMinute(toDateTime(intDiv(last_seen, 1000), 'UTC')) AS minute,
    application_name, category_name, probe, run_id, flow_id,
    src2dst_packets + dst2src_packets AS packets,
    src2dst_bytes + dst2src_bytes AS bytes
FROM weir.flows_kafka;

CREATE MATERIALIZED VIEW IF NOT EXISTS weir.host_minutes_from_kafka TO weir.host_minutes AS
SELECT
    toStartOfMinute(toDateTime(intDiv(last_seen, 1000), 'UTC')) AS minute,
    if(side = 0, src_ip, dst_ip) AS host,
    side, probe, run_id, flow_id,
    if(side = 0, src2dst_packets, dst2src_packets) AS sent_packets,
    if(side = 0, src2dst_bytes, dst2src_bytes) AS sent_bytes,
    if(side = 0, dst2src_packets, src2dst_packets) AS received_packets,
    if(side = 0, dst2src_bytes, src2dst_bytes) AS received_bytes
FROM weir.flows_kafka
ARRAY JOIN [toUInt8(0), toUInt8(1)] AS side;

DROP TABLE weir.flows_kafka;

CREATE TABLE weir.flows_kafka AS weir.record
ENGINE = Kafka
SETTINGS
    kafka_broker_list = 'localhost:9092',
    kafka_topic_list = 'flows',
    kafka_group_name = 'clickhouse-weir',
    kafka_format = 'JSONEachRow',
    kafka_num_consumers = 1;
