-- SPDX-License-Identifier: BSD-2-Clause
-- Sums up the days before today into the tables of hours: once a day, when the queues are empty
-- (cron, 00:30 UTC). Looks two days back, so that a run that was missed is made up for; running it
-- again changes nothing.
INSERT INTO weir.application_hours
SELECT
    toStartOfHour(minute) AS hour,
    application_name,
    category_name,
    probe,
    count() AS flows,
    sum(packets) AS packets,
    sum(bytes) AS bytes,
    now() AS settled
FROM weir.application_minutes FINAL
WHERE minute >= toStartOfDay(now(), 'UTC') - 2 * 86400 AND minute < toStartOfDay(now(), 'UTC')
GROUP BY hour, application_name, category_name, probe;

INSERT INTO weir.host_hours
SELECT
    toStartOfHour(minute) AS hour,
    host,
    probe,
    count() AS flows,
    sum(sent_packets) AS sent_packets,
    sum(sent_bytes) AS sent_bytes,
    sum(received_packets) AS received_packets,
    sum(received_bytes) AS received_bytes,
    now() AS settled
FROM weir.host_minutes FINAL
WHERE minute >= toStartOfDay(now(), 'UTC') - 2 * 86400 AND minute < toStartOfDay(now(), 'UTC')
GROUP BY hour, host, probe;
