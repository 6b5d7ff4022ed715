-- SPDX-License-Identifier: BSD-2-Clause
-- Closes the doors, for upkeep of the tables; apply opens them again. Meanwhile records wait in Kafka, whose
-- consumer group remembers how far it was read, and in the queues of weirs that send by HTTP.
-- First the door, then its views: no record may come in for some of them only.
DROP TABLE IF EXISTS weir.flows_kafka;
DROP TABLE IF EXISTS weir.flows_from_kafka;
DROP TABLE IF EXISTS weir.application_minutes_from_kafka;
DROP TABLE IF EXISTS weir.host_minutes_from_kafka;
DROP TABLE IF EXISTS weir.flows_http;
DROP TABLE IF EXISTS weir.flows_from_http;
DROP TABLE IF EXISTS weir.application_minutes_from_http;
DROP TABLE IF EXISTS weir.host_minutes_from_http;
DROP TABLE IF EXISTS weir.record;
