-- Who produced a message goes out as a header, twice, and half of it is the caller's word (`p_consumer`). Kafka takes no record
-- over a megabyte: one such row, which stays, would stop the connector for everybody. Rows that are there are not looked at.
alter table timeline.event_request add constraint event_request_producer_check check (octet_length(producer) <= 1024) not valid;
