-- SPDX-License-Identifier: BSD-2-Clause
-- Retention by the server itself (19.6 and later; the setting is of 20.1): whole days are dropped.
ALTER TABLE weir.flows MODIFY TTL minute + INTERVAL 30 DAY;
ALTER TABLE weir.application_minutes MODIFY TTL minute + INTERVAL 90 DAY;
ALTER TABLE weir.host_minutes MODIFY TTL minute + INTERVAL 90 DAY;
ALTER TABLE weir.application_hours MODIFY TTL hour + INTERVAL 3 YEAR;
ALTER TABLE weir.host_hours MODIFY TTL hour + INTERVAL 1 YEAR;
ALTER TABLE weir.flows MODIFY SETTING ttl_only_drop_parts = 1;
ALTER TABLE weir.application_minutes MODIFY SETTING ttl_only_drop_parts = 1;
ALTER TABLE weir.host_minutes MODIFY SETTING ttl_only_drop_parts = 1;
