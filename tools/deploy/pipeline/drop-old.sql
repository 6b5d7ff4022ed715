-- SPDX-License-Identifier: BSD-2-Clause
-- Retention where the server has no TTL (before 19.6): prints the statements that drop the days that
-- are older than 30 (flows) and 90 (minutes). Daily, by cron:
--   clickhouse-client --multiquery < drop-old.sql | clickhouse-client --multiquery
SELECT concat('ALTER TABLE ', database, '.', table, ' DROP PARTITION ', partition, ';')
FROM
(
    SELECT DISTINCT database, table, partition
    FROM system.parts
    WHERE active AND database = 'weir'
        AND ((table = 'flows' AND partition < toString(toYYYYMMDD(now() - 30 * 86400, 'UTC')))
            OR (table IN ('application_minutes', 'host_minutes')
                AND partition < toString(toYYYYMMDD(now() - 90 * 86400, 'UTC'))))
    ORDER BY table, partition
)
FORMAT TSVRaw;
