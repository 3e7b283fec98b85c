-- The event store: requests (outbox), consumptions (inbox), guards, sagas. A public interface: people query it,
-- participants in other languages write through timeline.claim and timeline.answer.

create table timeline.topic (
  name text collate "C" constraint topic_pkey primary key,
  created_at timestamptz not null default clock_timestamp(),
  constraint topic_name_check check (name ~ '^[A-Za-z0-9._-]{1,249}$')
);
comment on table timeline.topic is 'Topics that exist in the transport. A request may only name one of these: a row with an unknown topic would stop the connector for everybody.';
comment on column timeline.topic.name is 'Topic name without the configured prefix.';
comment on column timeline.topic.created_at is 'When the engine first saw the topic exist.';

-- A ULID sorts by time, so its range is a time range. No default partition: ids outside are refused at the edge.
create table timeline.event_request (
  message_id text collate "C" not null constraint event_request_pkey primary key,
  correlation_id text collate "C" not null,
  causation_id text collate "C",
  topic text collate "C" not null constraint event_request_topic_fkey references timeline.topic (name),
  message_key text collate "C" not null,
  message_type text not null,
  saga text,
  step_key text collate "C",
  action text,
  attempt integer,
  traceparent text,
  message_headers jsonb,
  message_body jsonb not null,
  producer text not null,
  requested_at timestamptz not null default clock_timestamp(),
  xid xid8 not null default pg_current_xact_id(),
  constraint event_request_message_id_check check (message_id ~ '^[0-7][0-9A-HJKMNP-TV-Z]{25}$'),
  constraint event_request_message_body_check check (octet_length(message_body::text) <= 262144),
  constraint event_request_message_headers_check check (message_headers is null or jsonb_typeof(message_headers) = 'object'),
  constraint event_request_attempt_check check (attempt >= 1)
) partition by range (message_id);
create index event_request_correlation_id_idx on timeline.event_request (correlation_id, message_id);
create index event_request_xid_idx on timeline.event_request (xid);
comment on table timeline.event_request is 'Event request history (イベント依頼履歴): the outbox and the event store. Append-only; every message that was ever asked for.';
comment on column timeline.event_request.message_id is 'ULID of the message.';
comment on column timeline.event_request.correlation_id is 'The saga (its ULID) to which the message belongs.';
comment on column timeline.event_request.causation_id is 'The message that caused this one; null for the first.';
comment on column timeline.event_request.topic is 'Where it goes: `timeline` or `<domain>.<action>`.';
comment on column timeline.event_request.message_key is 'Kafka key: the saga id, so that a saga''s messages keep their order.';
comment on column timeline.event_request.message_type is 'What it is: `step.requested`, `step.succeeded`, `signal.received`, …';
comment on column timeline.event_request.saga is 'Name of the saga''s definition.';
comment on column timeline.event_request.step_key is 'The step (`sagaId/path`) that is asked for or answered.';
comment on column timeline.event_request.action is 'Which handler of the topic''s domain runs.';
comment on column timeline.event_request.attempt is 'Attempt number of the step, from 1.';
comment on column timeline.event_request.traceparent is 'W3C trace context.';
comment on column timeline.event_request.message_headers is 'Further headers, a JSON object.';
comment on column timeline.event_request.message_body is 'The body, JSON, at most 256 KiB.';
comment on column timeline.event_request.producer is 'Who asked: role and host.';
comment on column timeline.event_request.requested_at is 'When it was written, by the database''s clock.';
comment on column timeline.event_request.xid is 'Transaction that wrote it; the embedded transport reads in this order behind the xid horizon.';

create table timeline.event_republish (
  republish_id text collate "C" constraint event_republish_pkey primary key,
  message_id text collate "C" not null,
  correlation_id text collate "C" not null,
  causation_id text collate "C",
  topic text collate "C" not null constraint event_republish_topic_fkey references timeline.topic (name),
  message_key text collate "C" not null,
  message_type text not null,
  saga text,
  step_key text collate "C",
  action text,
  attempt integer,
  traceparent text,
  message_headers jsonb,
  message_body jsonb not null,
  producer text not null,
  requested_at timestamptz not null,
  republished_at timestamptz not null default clock_timestamp(),
  xid xid8 not null default pg_current_xact_id(),
  constraint event_republish_message_body_check check (octet_length(message_body::text) <= 262144)
);
create index event_republish_xid_idx on timeline.event_republish (xid);
comment on table timeline.event_republish is 'Requests sent once more from the event store: same id, key, headers and body, through the same path.';
comment on column timeline.event_republish.republish_id is 'ULID of this sending.';
comment on column timeline.event_republish.message_id is 'The message that is sent again.';
comment on column timeline.event_republish.correlation_id is 'As in event_request.';
comment on column timeline.event_republish.causation_id is 'As in event_request.';
comment on column timeline.event_republish.topic is 'As in event_request.';
comment on column timeline.event_republish.message_key is 'As in event_request.';
comment on column timeline.event_republish.message_type is 'As in event_request.';
comment on column timeline.event_republish.saga is 'As in event_request.';
comment on column timeline.event_republish.step_key is 'As in event_request.';
comment on column timeline.event_republish.action is 'As in event_request.';
comment on column timeline.event_republish.attempt is 'As in event_request.';
comment on column timeline.event_republish.traceparent is 'As in event_request.';
comment on column timeline.event_republish.message_headers is 'As in event_request.';
comment on column timeline.event_republish.message_body is 'As in event_request.';
comment on column timeline.event_republish.producer is 'As in event_request.';
comment on column timeline.event_republish.requested_at is 'When the message was first written.';
comment on column timeline.event_republish.republished_at is 'When it was sent again.';
comment on column timeline.event_republish.xid is 'Transaction that wrote this row.';

create table timeline.event_consumption (
  consumer_group text collate "C" not null,
  message_id text collate "C" not null,
  correlation_id text collate "C",
  foreign_id text,
  topic text collate "C" not null,
  message_key text collate "C",
  partition integer,
  "offset" bigint,
  consumer text not null,
  recorded_at timestamptz,
  received_at timestamptz,
  started_at timestamptz not null default clock_timestamp(),
  consumed_at timestamptz,
  attempts integer not null default 1,
  error_flag boolean not null default false,
  error_code text,
  error_message text,
  message_headers jsonb,
  message_body jsonb,
  sequence bigint,
  semantics integer,
  read jsonb,
  constraint event_consumption_pkey primary key (consumer_group, message_id),
  constraint event_consumption_error_check check (not error_flag or error_code is not null)
) with (fillfactor = 90);
create index event_consumption_message_id_idx on timeline.event_consumption (message_id);
create index event_consumption_error_idx on timeline.event_consumption (consumer_group, topic, partition, "offset")
  where error_flag;
comment on table timeline.event_consumption is 'Event consumption history (イベント消費履歴): the inbox and the idempotency check. A row with error_flag, or without consumed_at, is not done.';
comment on column timeline.event_consumption.consumer_group is '`dispatcher`, `<domain>` or `<domain>.<projection>`.';
comment on column timeline.event_consumption.message_id is 'The message; for a foreign or malformed one a ULID made of its record time and place.';
comment on column timeline.event_consumption.correlation_id is 'The saga.';
comment on column timeline.event_consumption.foreign_id is 'A foreign message''s own id.';
comment on column timeline.event_consumption.topic is 'Where it was read.';
comment on column timeline.event_consumption.message_key is 'Its key.';
comment on column timeline.event_consumption.partition is 'Partition; null until the transport delivered it.';
comment on column timeline.event_consumption."offset" is 'Offset; null until the transport delivered it. After a topic was made again the message id is the truth.';
comment on column timeline.event_consumption.consumer is 'Who consumed it: host and pid.';
comment on column timeline.event_consumption.recorded_at is 'The record time in the transport.';
comment on column timeline.event_consumption.received_at is 'When the consumer got it.';
comment on column timeline.event_consumption.started_at is 'When the newest claim began.';
comment on column timeline.event_consumption.consumed_at is 'When it ended; null: an external call was cut.';
comment on column timeline.event_consumption.attempts is 'How often it was claimed.';
comment on column timeline.event_consumption.error_flag is 'True: it failed and may be taken up again.';
comment on column timeline.event_consumption.error_code is 'Why it failed, or `step.closed` for a command that the saga had given up.';
comment on column timeline.event_consumption.error_message is 'Why it failed, in words.';
comment on column timeline.event_consumption.message_headers is 'Copied for messages that failed or came from outside.';
comment on column timeline.event_consumption.message_body is 'Copied for messages that failed or came from outside.';
comment on column timeline.event_consumption.sequence is 'Dispatcher: the saga''s sequence that this message produced; null for a no-op.';
comment on column timeline.event_consumption.semantics is 'Dispatcher: version of the engine''s semantics.';
comment on column timeline.event_consumption.read is 'Dispatcher: what the transition saw besides its event (its time, guard outcomes).';

create table timeline.event_consumption_failure (
  consumer_group text collate "C" not null,
  message_id text collate "C" not null,
  attempt integer not null,
  topic text collate "C" not null,
  partition integer,
  "offset" bigint,
  consumer text not null,
  failed_at timestamptz not null default clock_timestamp(),
  code text not null,
  message text not null,
  stack text,
  constraint event_consumption_failure_pkey primary key (consumer_group, message_id, attempt)
);
comment on table timeline.event_consumption_failure is 'Every failure of every consumption; append-only. Clearing a flag erases nothing here.';
comment on column timeline.event_consumption_failure.consumer_group is 'Who failed.';
comment on column timeline.event_consumption_failure.message_id is 'On which message.';
comment on column timeline.event_consumption_failure.attempt is 'At which claim of it (event_consumption.attempts).';
comment on column timeline.event_consumption_failure.topic is 'Where it was read.';
comment on column timeline.event_consumption_failure.partition is 'Its partition.';
comment on column timeline.event_consumption_failure."offset" is 'Its offset.';
comment on column timeline.event_consumption_failure.consumer is 'Host and pid.';
comment on column timeline.event_consumption_failure.failed_at is 'When.';
comment on column timeline.event_consumption_failure.code is 'Error code.';
comment on column timeline.event_consumption_failure.message is 'Error message.';
comment on column timeline.event_consumption_failure.stack is 'Stack trace.';

create view timeline.event_consumption_history as
select c.consumer_group, c.message_id, coalesce(c.correlation_id, r.correlation_id) as correlation_id, r.causation_id,
  c.foreign_id, c.topic, coalesce(c.message_key, r.message_key) as message_key, c.partition, c."offset",
  r.message_type, r.saga, r.step_key, r.action, r.attempt, r.traceparent, r.producer, r.requested_at,
  c.consumer, c.recorded_at, c.received_at, c.started_at, c.consumed_at, c.attempts, c.error_flag, c.error_code,
  c.error_message, coalesce(c.message_headers, r.message_headers) as message_headers,
  coalesce(c.message_body, r.message_body) as message_body, c.sequence, c.semantics, c.read
from timeline.event_consumption c
left join timeline.event_request r on r.message_id = c.message_id;
comment on view timeline.event_consumption_history is 'Every consumption with its request: headers and body come from event_request where they were not copied.';

create table timeline.step_guard (
  step_key text collate "C" constraint step_guard_pkey primary key,
  saga_id text collate "C" not null,
  state text not null,
  code text,
  message text,
  output jsonb,
  compensation_output jsonb,
  command_message_id text collate "C",
  compensation_message_id text collate "C",
  started_until timestamptz,
  calls integer not null default 1,
  updated_at timestamptz not null default clock_timestamp(),
  constraint step_guard_state_check check (state in
    ('started', 'done', 'rejected', 'closed', 'blocked', 'unknown', 'compensating', 'compensated', 'kept'))
) with (fillfactor = 80);
create index step_guard_saga_id_idx on timeline.step_guard (saga_id);
comment on table timeline.step_guard is 'One row a step: command and compensation both claim it, so that neither overtakes or repeats the other.';
comment on column timeline.step_guard.step_key is 'The step: `sagaId/path`.';
comment on column timeline.step_guard.saga_id is 'Its saga.';
comment on column timeline.step_guard.state is 'started, done, rejected, closed, blocked, unknown, compensating, compensated or kept.';
comment on column timeline.step_guard.code is 'Code of a rejection.';
comment on column timeline.step_guard.message is 'Message of a rejection.';
comment on column timeline.step_guard.output is 'The stored outcome with which a duplicate command is answered.';
comment on column timeline.step_guard.compensation_output is 'The stored outcome of the compensation.';
comment on column timeline.step_guard.command_message_id is 'The command that settled it.';
comment on column timeline.step_guard.compensation_message_id is 'The compensation that settled it.';
comment on column timeline.step_guard.started_until is 'External step: until then the call counts as running.';
comment on column timeline.step_guard.calls is 'External step: how many calls were begun; only a sole call can take its `started` back.';
comment on column timeline.step_guard.updated_at is 'Last move.';

create table timeline.saga (
  id text collate "C" constraint saga_pkey primary key,
  definition text not null,
  version integer not null,
  revision text not null,
  status text not null,
  sequence bigint not null default 0,
  unapplied integer not null default 0,
  key text,
  labels jsonb not null default '{}',
  input jsonb not null,
  output jsonb,
  error jsonb,
  uncompensated jsonb not null default '[]',
  state jsonb,
  traceparent text,
  writer text,
  started_at timestamptz not null default clock_timestamp(),
  updated_at timestamptz not null default clock_timestamp(),
  finished_at timestamptz,
  constraint saga_status_check check (status in
    ('running', 'compensating', 'parked', 'completed', 'failed', 'cancelled', 'terminated'))
) with (fillfactor = 80);
create index saga_definition_idx on timeline.saga (definition, id);
create index saga_key_idx on timeline.saga (key, id) where key is not null;
create index saga_labels_idx on timeline.saga using gin (labels jsonb_path_ops);
comment on table timeline.saga is 'One row a saga: the fold of its events in the order in which the dispatcher consumed them.';
comment on column timeline.saga.id is 'ULID of the saga: the correlation id.';
comment on column timeline.saga.definition is 'Name of its definition.';
comment on column timeline.saga.version is 'The author''s number.';
comment on column timeline.saga.revision is 'Content hash of the YAML it runs on.';
comment on column timeline.saga.status is 'running, compensating, parked, completed, failed, cancelled or terminated.';
comment on column timeline.saga.sequence is 'Dense counter of its transitions.';
comment on column timeline.saga.unapplied is 'Requests recorded while the dispatcher was paused and not applied yet.';
comment on column timeline.saga.key is 'Business key.';
comment on column timeline.saga.labels is 'Searchable labels.';
comment on column timeline.saga.input is 'Start input.';
comment on column timeline.saga.output is 'Output of a completed saga.';
comment on column timeline.saga.error is '{code, message, step} of a saga that failed or is parked.';
comment on column timeline.saga.uncompensated is 'Steps that may have taken effect and were not undone, with the reason.';
comment on column timeline.saga.state is 'State of the orchestrator: a tree.';
comment on column timeline.saga.traceparent is 'W3C trace context of the start.';
comment on column timeline.saga.writer is 'Engine process that wrote last: its messages may still be on their way when another one writes.';
comment on column timeline.saga.started_at is 'When it was accepted.';
comment on column timeline.saga.updated_at is 'Time of the last transition.';
comment on column timeline.saga.finished_at is 'When it became final.';

-- Open sagas lie in a small side table: an index over status on timeline.saga would cost every transition its HOT update.
create table timeline.saga_open (
  saga_id text collate "C" constraint saga_open_pkey primary key,
  definition text not null,
  key text,
  status text not null
);
create unique index saga_open_key_idx on timeline.saga_open (definition, key) where key is not null;
create index saga_open_status_idx on timeline.saga_open (status, saga_id);
comment on table timeline.saga_open is 'Sagas that are not final; a business key is unique among them.';
comment on column timeline.saga_open.saga_id is 'The saga.';
comment on column timeline.saga_open.definition is 'Its definition.';
comment on column timeline.saga_open.key is 'Its business key.';
comment on column timeline.saga_open.status is 'running, compensating or parked.';

create table timeline.saga_step (
  saga_id text collate "C" not null,
  path text collate "C" not null,
  status text not null,
  attempts integer not null default 0,
  output jsonb,
  error jsonb,
  started_at timestamptz,
  finished_at timestamptz,
  constraint saga_step_pkey primary key (saga_id, path)
) with (fillfactor = 80);
comment on table timeline.saga_step is 'One row a step that the saga has reached; a fold like timeline.saga.';
comment on column timeline.saga_step.saga_id is 'The saga.';
comment on column timeline.saga_step.path is 'Path of the step inside the saga.';
comment on column timeline.saga_step.status is 'running, retrying, waiting, parked, succeeded, rejected, failed, skipped, compensating, compensated or kept.';
comment on column timeline.saga_step.attempts is 'Attempts sent.';
comment on column timeline.saga_step.output is 'What later steps read.';
comment on column timeline.saga_step.error is '{code, message} of the last failure.';
comment on column timeline.saga_step.started_at is 'When it was first reached.';
comment on column timeline.saga_step.finished_at is 'When it ended.';

create table timeline.timer (
  saga_id text collate "C" not null,
  name text collate "C" not null,
  due_at timestamptz not null,
  constraint timer_pkey primary key (saga_id, name)
);
create index timer_due_at_idx on timeline.timer (due_at);
comment on table timeline.timer is 'Timers that have not fired: retries and deadlines.';
comment on column timeline.timer.saga_id is 'The saga.';
comment on column timeline.timer.name is '`retry:<path>`, `deadline:<path>`, `guard:<path>`.';
comment on column timeline.timer.due_at is 'When it is due, by the database''s clock.';

create table timeline.signal (
  message_id text collate "C" constraint signal_pkey primary key,
  saga_id text collate "C" not null,
  signal text not null,
  payload jsonb not null,
  received_at timestamptz not null default clock_timestamp(),
  taken_by text
);
create index signal_saga_id_idx on timeline.signal (saga_id, message_id);
comment on table timeline.signal is 'The mailbox: every signal a saga was sent.';
comment on column timeline.signal.message_id is 'The signal.received message.';
comment on column timeline.signal.saga_id is 'Its saga.';
comment on column timeline.signal.signal is 'Name.';
comment on column timeline.signal.payload is 'Payload.';
comment on column timeline.signal.received_at is 'When it was accepted.';
comment on column timeline.signal.taken_by is 'Path of the wait that took it; null while unread.';

create table timeline.definition_revision (
  name text not null,
  revision text not null,
  version integer not null,
  source text not null,
  created_at timestamptz not null default clock_timestamp(),
  constraint definition_revision_pkey primary key (name, revision)
);
comment on table timeline.definition_revision is 'Every revision ever used, with its source.';
comment on column timeline.definition_revision.name is 'Definition name.';
comment on column timeline.definition_revision.revision is 'SHA-256 of the source.';
comment on column timeline.definition_revision.version is 'The author''s number.';
comment on column timeline.definition_revision.source is 'The YAML.';
comment on column timeline.definition_revision.created_at is 'First seen.';

create table timeline.definition (
  name text constraint definition_pkey primary key,
  revision text not null,
  version integer not null,
  updated_at timestamptz not null default clock_timestamp(),
  constraint definition_revision_fkey foreign key (name, revision) references timeline.definition_revision (name, revision)
);
comment on table timeline.definition is 'Name → current revision: what a new saga runs on.';
comment on column timeline.definition.name is 'Definition name.';
comment on column timeline.definition.revision is 'Current revision.';
comment on column timeline.definition.version is 'Its version.';
comment on column timeline.definition.updated_at is 'When it became current.';

create table timeline.start_key (
  idempotency_key text not null,
  scope text not null,
  body_hash text not null,
  saga_id text collate "C" not null,
  message_id text collate "C",
  response jsonb,
  expires_at timestamptz not null,
  constraint start_key_pkey primary key (scope, idempotency_key)
);
create index start_key_expires_at_idx on timeline.start_key (expires_at);
comment on table timeline.start_key is 'Idempotency-Key of POST calls: same key, same answer.';
comment on column timeline.start_key.idempotency_key is 'The header''s value.';
comment on column timeline.start_key.scope is 'What was called: `start`, or verb and saga.';
comment on column timeline.start_key.body_hash is 'SHA-256 of the request; another body under the same key is refused.';
comment on column timeline.start_key.saga_id is 'The saga.';
comment on column timeline.start_key.message_id is 'The message that was recorded.';
comment on column timeline.start_key.response is 'The answer that was given.';
comment on column timeline.start_key.expires_at is 'After this the key may be used anew.';

create table timeline.consumer_group (
  consumer_group text collate "C" constraint consumer_group_pkey primary key,
  paused boolean not null default false,
  paused_reason text,
  owner text,
  owner_epoch bigint not null default 0,
  owner_until timestamptz
);
comment on table timeline.consumer_group is 'Consumer groups: paused or not, and who owns them (embedded transport).';
comment on column timeline.consumer_group.consumer_group is 'The group.';
comment on column timeline.consumer_group.paused is 'True: a person stopped it.';
comment on column timeline.consumer_group.paused_reason is 'Why.';
comment on column timeline.consumer_group.owner is 'Process that owns it (embedded).';
comment on column timeline.consumer_group.owner_epoch is 'Rises with every change of owner; checked in every offset write.';
comment on column timeline.consumer_group.owner_until is 'The lease ends then unless it is renewed.';

create table timeline.consumer_offset (
  consumer_group text collate "C" not null,
  topic text collate "C" not null,
  partition integer not null,
  "offset" bigint not null,
  updated_at timestamptz not null default clock_timestamp(),
  constraint consumer_offset_pkey primary key (consumer_group, topic, partition)
) with (fillfactor = 50);
comment on table timeline.consumer_offset is 'Committed offsets of the embedded transport; on Kafka they lie in Kafka.';
comment on column timeline.consumer_offset.consumer_group is 'The group.';
comment on column timeline.consumer_offset.topic is 'The topic.';
comment on column timeline.consumer_offset.partition is 'The partition (0 when embedded).';
comment on column timeline.consumer_offset."offset" is 'The next offset to consume.';
comment on column timeline.consumer_offset.updated_at is 'Last commit.';

-- The embedded transport's topics. Filled by the owner of the transport, in hand-over order.
create table timeline.topic_log (
  topic text collate "C" not null,
  "offset" bigint not null,
  message_id text collate "C" not null,
  republish_id text collate "C",
  xid xid8 not null,
  constraint topic_log_pkey primary key (topic, "offset")
);
create index topic_log_message_id_idx on timeline.topic_log (message_id);
comment on table timeline.topic_log is 'Embedded transport: which request lies at which offset of a topic; dense per topic.';
comment on column timeline.topic_log.topic is 'The topic.';
comment on column timeline.topic_log."offset" is 'Dense offset from 0.';
comment on column timeline.topic_log.message_id is 'The request.';
comment on column timeline.topic_log.republish_id is 'Set when it lies here because it was sent again.';
comment on column timeline.topic_log.xid is 'Transaction of the row that put it here.';

create table timeline.topic_log_position (
  id integer constraint topic_log_position_pkey primary key default 1,
  xid xid8 not null,
  owner text,
  owner_epoch bigint not null default 0,
  owner_until timestamptz,
  constraint topic_log_position_id_check check (id = 1)
);
insert into timeline.topic_log_position (xid) values ('0');
comment on table timeline.topic_log_position is 'Embedded transport: up to which transaction the outbox has been read into topic_log, and who does it.';
comment on column timeline.topic_log_position.id is 'Always 1.';
comment on column timeline.topic_log_position.xid is 'Every request of an older transaction lies in topic_log.';
comment on column timeline.topic_log_position.owner is 'Process that owns the transport.';
comment on column timeline.topic_log_position.owner_epoch is 'Rises with every change of owner.';
comment on column timeline.topic_log_position.owner_until is 'The lease ends then unless it is renewed.';

create table timeline.rewind_request (
  id text collate "C" constraint rewind_request_pkey primary key,
  consumer_group text collate "C" not null,
  topic text collate "C" not null,
  partition integer not null,
  "offset" bigint not null,
  requested_at timestamptz not null default clock_timestamp(),
  done_at timestamptz,
  problem text
);
create index rewind_request_open_idx on timeline.rewind_request (consumer_group) where done_at is null;
comment on table timeline.rewind_request is 'Rewinds asked for; the process that owns the partition carries them out.';
comment on column timeline.rewind_request.id is 'ULID.';
comment on column timeline.rewind_request.consumer_group is 'The group.';
comment on column timeline.rewind_request.topic is 'The topic.';
comment on column timeline.rewind_request.partition is 'The partition.';
comment on column timeline.rewind_request."offset" is 'The next offset to consume.';
comment on column timeline.rewind_request.requested_at is 'When it was asked for.';
comment on column timeline.rewind_request.done_at is 'When it was carried out or given up.';
comment on column timeline.rewind_request.problem is 'Why it could not be carried out.';

create table timeline.heartbeat (
  id integer constraint heartbeat_pkey primary key,
  ts timestamptz not null
);
insert into timeline.heartbeat (id, ts) values (1, clock_timestamp());
comment on table timeline.heartbeat is 'Written by the connector so that the replication slot moves while the outbox is idle.';
comment on column timeline.heartbeat.id is 'Always 1.';
comment on column timeline.heartbeat.ts is 'Last beat.';

create table timeline.audit (
  id text collate "C" constraint audit_pkey primary key,
  at timestamptz not null default clock_timestamp(),
  actor text not null,
  action text not null,
  target text not null,
  reason text,
  before jsonb,
  after jsonb
);
comment on table timeline.audit is 'Every operator action, written in the action''s own transaction.';
comment on column timeline.audit.id is 'ULID.';
comment on column timeline.audit.at is 'When.';
comment on column timeline.audit.actor is 'Who.';
comment on column timeline.audit.action is 'What, e.g. `group.rewind`.';
comment on column timeline.audit.target is 'On what.';
comment on column timeline.audit.reason is 'Why.';
comment on column timeline.audit.before is 'State before.';
comment on column timeline.audit.after is 'State after.';

create table timeline.domain_login (
  domain text constraint domain_login_pkey primary key,
  role_name text not null,
  password text not null
);
comment on table timeline.domain_login is 'Login role of each domain; readable by the engine alone.';
comment on column timeline.domain_login.domain is 'The domain.';
comment on column timeline.domain_login.role_name is 'Its database role.';
comment on column timeline.domain_login.password is 'Password made by the engine.';

-- publish_via_partition_root: a new partition needs no change of the publication.
create publication ekiden_outbox for table timeline.event_request, timeline.event_republish, timeline.heartbeat
  with (publish = 'insert, update', publish_via_partition_root = true);
