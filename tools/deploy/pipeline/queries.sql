-- SPDX-License-Identifier: BSD-2-Clause
-- Questions, as a start. FINAL takes copies of a record for one; without it answers come faster, and
-- count copies that have not been merged away.

-- Who sent and received most in the last hour?
SELECT host, sum(sent_bytes) AS sent, sum(received_bytes) AS received, count() AS flows
FROM weir.host_minutes FINAL
WHERE minute >= now() - 3600
GROUP BY host
ORDER BY sent + received DESC
LIMIT 20;

-- The five largest talkers of each minute.
SELECT minute, host, sum(sent_bytes + received_bytes) AS bytes
FROM weir.host_minutes FINAL
WHERE minute >= now() - 3600
GROUP BY minute, host
ORDER BY minute, bytes DESC
LIMIT 5 BY minute;

-- Applications by minute, in bits per second.
SELECT minute, application_name, sum(bytes) * 8 / 60 AS bits_per_second, count() AS flows
FROM weir.application_minutes FINAL
WHERE minute >= now() - 3600
GROUP BY minute, application_name
ORDER BY minute, bits_per_second DESC;

-- The largest conversations between two hosts, both directions together.
SELECT
    if(src_ip < dst_ip, src_ip, dst_ip) AS a,
    if(src_ip < dst_ip, dst_ip, src_ip) AS b,
    sum(src2dst_bytes + dst2src_bytes) AS bytes,
    count() AS flows
FROM weir.flows FINAL
WHERE minute >= now() - 3600
GROUP BY a, b
ORDER BY bytes DESC
LIMIT 20;

-- How far away are the servers that TLS clients name? Medians of the handshake, in milliseconds.
SELECT
    requested_server_name,
    quantile(0.5)(server_rtt_us) / 1000 AS server_ms,
    quantile(0.5)(client_rtt_us) / 1000 AS client_ms,
    count() AS flows
FROM weir.flows FINAL
WHERE minute >= now() - 3600 AND requested_server_name != '' AND isNotNull(server_rtt_us)
GROUP BY requested_server_name
ORDER BY flows DESC
LIMIT 20;

-- Who asks many hosts or ports and gets no answer? (scans)
SELECT src_ip, uniq(dst_ip) AS hosts, uniq(dst_port) AS ports, count() AS flows
FROM weir.flows FINAL
WHERE minute >= now() - 3600 AND dst2src_packets = 0
GROUP BY src_ip
HAVING hosts > 100 OR ports > 100
ORDER BY flows DESC
LIMIT 20;

-- One connection, wherever it was seen: the Community ID is the same at each probe, and in Suricata and Zeek.
SELECT community_id, groupUniqArray(probe) AS probes, min(first_seen) AS first_ms, max(last_seen) AS last_ms, count() AS records
FROM weir.flows FINAL
WHERE minute >= now() - 3600
GROUP BY community_id
ORDER BY records DESC
LIMIT 20;

-- The long history: bytes by application and day.
SELECT toDate(hour) AS day, application_name, sum(bytes) AS bytes, sum(flows) AS flows
FROM weir.application_hours FINAL
GROUP BY day, application_name
ORDER BY day, bytes DESC
LIMIT 20 BY day;

-- Is everything here? weir counts flows from 0 in each run. What is missing is still alive, on its way, or lost;
-- copies are rows that were delivered again and not merged yet.
SELECT
    probe,
    run_id,
    uniqExact(flow_id) AS records,
    max(flow_id) + 1 - records AS missing,
    count() - records AS copies
FROM weir.flows
GROUP BY probe, run_id
ORDER BY probe, run_id;
