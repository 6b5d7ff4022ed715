-- SPDX-License-Identifier: BSD-2-Clause
-- What is kept. Delivery is at least once: a record is named by (probe, run_id, flow_id), which is in
-- the sorting key of each table, so copies of it become one row, when parts merge, and at once for
-- who reads with FINAL. Whatever sorts and partitions is the same in each copy.
--
-- Sums made while rows arrive would count a copy again, so a minute's tables have a narrow row a flow.
CREATE DATABASE IF NOT EXISTS weir;

CREATE TABLE IF NOT EXISTS weir.flows
(
    minute DateTime('UTC'), -- of the last packet, as in the tables below
    probe String,
    run_id String,
    flow_id UInt64,
    first_seen UInt64,
    last_seen UInt64,
    flow_end_reason UInt8,
    src_ip String,
    src_port UInt16,
    dst_ip String,
    dst_port UInt16,
    protocol UInt8,
    vlan_id UInt16,
    src2dst_packets UInt64,
    src2dst_bytes UInt64,
    dst2src_packets UInt64,
    dst2src_bytes UInt64,
    src2dst_tcp_flags UInt8,
    dst2src_tcp_flags UInt8,
    client_rtt_us Nullable(UInt64),
    server_rtt_us Nullable(UInt64),
    application_name String,
    category_name String,
    requested_server_name String,
    ja4 String,
    community_id String
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMMDD(minute)
ORDER BY (minute, probe, run_id, flow_id);

-- A record as probes send it: the columns of each door. It keeps nothing.
CREATE TABLE IF NOT EXISTS weir.record
(
    probe String,
    run_id String,
    flow_id UInt64,
    first_seen UInt64,
    last_seen UInt64,
    flow_end_reason UInt8,
    src_ip String,
    src_port UInt16,
    dst_ip String,
    dst_port UInt16,
    protocol UInt8,
    vlan_id UInt16,
    src2dst_packets UInt64,
    src2dst_bytes UInt64,
    dst2src_packets UInt64,
    dst2src_bytes UInt64,
    src2dst_tcp_flags UInt8,
    dst2src_tcp_flags UInt8,
    client_rtt_us Nullable(UInt64),
    server_rtt_us Nullable(UInt64),
    application_name String,
    category_name String,
    requested_server_name String,
    ja4 String,
    community_id String
)
ENGINE = Null;

CREATE TABLE IF NOT EXISTS weir.application_minutes
(
    minute DateTime('UTC'),
    application_name String,
    category_name String,
    probe String,
    run_id String,
    flow_id UInt64,
    packets UInt64,
    bytes UInt64
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMMDD(minute)
ORDER BY (minute, application_name, probe, run_id, flow_id);

-- Two rows a flow: of its source and of its destination.
CREATE TABLE IF NOT EXISTS weir.host_minutes
(
    minute DateTime('UTC'),
    host String,
    side UInt8, -- 0: the flow's source, 1: its destination
    probe String,
    run_id String,
    flow_id UInt64,
    sent_packets UInt64,
    sent_bytes UInt64,
    received_packets UInt64,
    received_bytes UInt64
)
ENGINE = ReplacingMergeTree
PARTITION BY toYYYYMMDD(minute)
ORDER BY (minute, host, side, probe, run_id, flow_id);

-- The long history: a row an hour. settle.sql fills them when a day is over; the last filling counts.
CREATE TABLE IF NOT EXISTS weir.application_hours
(
    hour DateTime('UTC'),
    application_name String,
    category_name String,
    probe String,
    flows UInt64,
    packets UInt64,
    bytes UInt64,
    settled DateTime('UTC')
)
ENGINE = ReplacingMergeTree(settled)
PARTITION BY toYYYYMM(hour)
ORDER BY (application_name, hour, probe, category_name);

CREATE TABLE IF NOT EXISTS weir.host_hours
(
    hour DateTime('UTC'),
    host String,
    probe String,
    flows UInt64,
    sent_packets UInt64,
    sent_bytes UInt64,
    received_packets UInt64,
    received_bytes UInt64,
    settled DateTime('UTC')
)
ENGINE = ReplacingMergeTree(settled)
PARTITION BY toYYYYMM(hour)
ORDER BY (host, hour, probe);
