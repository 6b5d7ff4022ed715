-- SPDX-License-Identifier: BSD-2-Clause
-- The door for records by HTTP (-o 'json:http://host:8123/?query=INSERT INTO weir.flows_http ...'): it
-- keeps nothing, its views do.
-- Each view hangs on the door itself: old servers do not pass on what a view has written.
CREATE TABLE IF NOT EXISTS weir.flows_http AS weir.record
ENGINE = Null;

CREATE MATERIALIZED VIEW IF NOT EXISTS weir.flows_from_http TO weir.flows AS
SELECT
    toStartOfMinute(toDateTime(intDiv(last_seen, 1000), 'UTC')) AS minute,
    probe, run_id, flow_id, first_seen, last_seen, flow_end_reason,
    src_ip, src_port, dst_ip, dst_port, protocol, vlan_id,
    src2dst_packets, src2dst_bytes, dst2src_packets, dst2src_bytes, src2dst_tcp_flags, dst2src_tcp_flags,
    client_rtt_us, server_rtt_us,
    application_name, category_name, requested_server_name, ja4, community_id
FROM weir.flows_http;

CREATE MATERIALIZED VIEW IF NOT EXISTS weir.application_minutes_from_http TO weir.application_minutes AS
SELECT
    toStartOfMinute(toDateTime(intDiv(last_seen, 1000), 'UTC')) AS minute,
    application_name, category_name, probe, run_id, flow_id,
    src2dst_packets + dst2src_packets AS packets,
    src2dst_bytes + dst2src_bytes AS bytes
FROM weir.flows_http;

CREATE MATERIALIZED VIEW IF NOT EXISTS weir.host_minutes_from_http TO weir.host_minutes AS
SELECT
    toStartOfMinute(toDateTime(intDiv(last_seen, 1000), 'UTC')) AS minute,
    if(side = 0, src_ip, dst_ip) AS host,
    side, probe, run_id, flow_id,
    if(side = 0, src2dst_packets, dst2src_packets) AS sent_packets,
    if(side = 0, src2dst_bytes, dst2src_bytes) AS sent_bytes,
    if(side = 0, dst2src_packets, src2dst_packets) AS received_packets,
    if(side = 0, dst2src_bytes, src2dst_bytes) AS received_bytes
FROM weir.flows_http
ARRAY JOIN [toUInt8(0), toUInt8(1)] AS side;
