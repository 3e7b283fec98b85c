-- The way of a message is measured with messages of its own: heartbeats, sent through event_republish like any message
-- that is sent again, on a reserved topic. And what is known of the connector is kept for all processes alike.

create table timeline.heartbeat_trip (
  beat_id text collate "C" constraint heartbeat_trip_pkey primary key,
  producer text not null,
  written_at timestamptz not null default clock_timestamp(),
  recorded_at timestamptz,
  received_at timestamptz,
  returned_at timestamptz
);
create index heartbeat_trip_written_at_idx on timeline.heartbeat_trip (written_at);
comment on table timeline.heartbeat_trip is 'Heartbeats on the way of every message: outbox, transport, consumer, and back. Kept for a quarter of an hour, the last that came back for ever.';
comment on column timeline.heartbeat_trip.beat_id is 'ULID: the message id.';
comment on column timeline.heartbeat_trip.producer is 'Who sent it: role, host and pid.';
comment on column timeline.heartbeat_trip.written_at is 'When the row was written, by the database''s clock.';
comment on column timeline.heartbeat_trip.recorded_at is 'The record time in the transport, by the connector''s clock.';
comment on column timeline.heartbeat_trip.received_at is 'When the consumer got it, by its own clock.';
comment on column timeline.heartbeat_trip.returned_at is 'When that was written down here, by the database''s clock; null: it is on its way, or lost.';

-- Heartbeats are pruned, all other rows stay.
create index event_republish_heartbeat_idx on timeline.event_republish (republished_at) where topic = '__heartbeat';

create table timeline.connector_watch (
  slot text collate "C" constraint connector_watch_pkey primary key,
  slot_seen_at timestamptz,
  restarts integer not null default 0,
  failures integer not null default 0,
  failed_at timestamptz,
  restart_at timestamptz not null default '-infinity',
  cause text
);
comment on table timeline.connector_watch is 'What the engine''s processes know together of the connector that reads a replication slot.';
comment on column timeline.connector_watch.slot is 'The replication slot.';
comment on column timeline.connector_watch.slot_seen_at is 'When the slot was first seen: if it is missing later, it was dropped.';
comment on column timeline.connector_watch.restarts is 'How often the connector was restarted after a failure.';
comment on column timeline.connector_watch.failures is 'Failures in a row; 0 once it has run for a while.';
comment on column timeline.connector_watch.failed_at is 'When it was last seen failed.';
comment on column timeline.connector_watch.restart_at is 'No restart before then.';
comment on column timeline.connector_watch.cause is 'The last failure.';

create table timeline.slot_loss (
  id text collate "C" constraint slot_loss_pkey primary key,
  slot text collate "C" not null,
  cause text not null,
  found_at timestamptz not null default clock_timestamp(),
  since timestamptz,
  renewing_at timestamptz,
  renewed_at timestamptz,
  closed_at timestamptz
);
create unique index slot_loss_open_idx on timeline.slot_loss (slot) where renewed_at is null;
comment on table timeline.slot_loss is 'Losses of the replication slot: what was written between `since` and `renewed_at` may not have reached Kafka.';
comment on column timeline.slot_loss.id is 'ULID.';
comment on column timeline.slot_loss.slot is 'The replication slot.';
comment on column timeline.slot_loss.cause is 'What was seen.';
comment on column timeline.slot_loss.found_at is 'When it was seen.';
comment on column timeline.slot_loss.since is 'What was committed before has reached Kafka: a heartbeat came through; null: not known.';
comment on column timeline.slot_loss.renewing_at is 'When the engine began to make the slot anew.';
comment on column timeline.slot_loss.renewed_at is 'When a new slot was there: what was written from then on is delivered.';
comment on column timeline.slot_loss.closed_at is 'When everything that was written in between had been consumed.';
