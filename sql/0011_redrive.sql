-- A redrive of many messages: which ones is frozen as rows before the first is sent, so that it can be shown, stopped, and
-- carried on by another process.

comment on column timeline.event_consumption.error_code is 'Why it failed, `step.closed` for a command that the saga had given up, `message.superseded` for one that an edited message replaces, or `message.skipped` for one that a person had the group pass over.';

create table timeline.redrive_batch (
  id text collate "C" constraint redrive_batch_pkey primary key,
  actor text not null,
  reason text not null,
  selection jsonb not null,
  status text not null default 'first',
  rate_per_second double precision not null,
  stop_after_errors integer not null,
  total integer not null,
  errors_in_a_row integer not null default 0,
  problem text,
  next_at timestamptz not null default clock_timestamp(),
  created_at timestamptz not null default clock_timestamp(),
  finished_at timestamptz,
  constraint redrive_batch_status_check check (status in ('first', 'running', 'waiting', 'stopped', 'done')),
  constraint redrive_batch_rate_check check (rate_per_second > 0),
  constraint redrive_batch_stop_after_check check (stop_after_errors >= 1)
);
create index redrive_batch_open_idx on timeline.redrive_batch (id) where finished_at is null;
comment on table timeline.redrive_batch is 'Redrives of many failed messages. Any process with the role dispatcher carries one on; it locks the row for each step.';
comment on column timeline.redrive_batch.id is 'ULID.';
comment on column timeline.redrive_batch.actor is 'Who asked.';
comment on column timeline.redrive_batch.reason is 'Why.';
comment on column timeline.redrive_batch.selection is 'What was asked for: {filter} or {messageIds}.';
comment on column timeline.redrive_batch.status is 'first: one message is out, its end decides; running; waiting: stopped itself, a person goes on or stops; stopped: by a person; done.';
comment on column timeline.redrive_batch.rate_per_second is 'Messages sent a second, at most.';
comment on column timeline.redrive_batch.stop_after_errors is 'How many failures in a row stop it.';
comment on column timeline.redrive_batch.total is 'How many messages were frozen.';
comment on column timeline.redrive_batch.errors_in_a_row is 'Failures since the last message that was consumed without error.';
comment on column timeline.redrive_batch.problem is 'Why it stopped itself.';
comment on column timeline.redrive_batch.next_at is 'When the next message may be sent.';
comment on column timeline.redrive_batch.created_at is 'When it was asked for.';
comment on column timeline.redrive_batch.finished_at is 'When nothing more is sent and nothing is awaited.';

create table timeline.redrive_item (
  batch_id text collate "C" not null constraint redrive_item_batch_fkey references timeline.redrive_batch (id),
  position integer not null,
  consumer_group text collate "C" not null,
  message_id text collate "C" not null,
  status text not null default 'waiting',
  attempts integer,
  republish_id text collate "C",
  error_code text,
  sent_at timestamptz,
  settled_at timestamptz,
  constraint redrive_item_pkey primary key (batch_id, position),
  constraint redrive_item_status_check check (status in ('waiting', 'sent', 'done', 'failed', 'closed'))
) with (fillfactor = 80);
create index redrive_item_open_idx on timeline.redrive_item (batch_id, status, position) where status in ('waiting', 'sent');
comment on table timeline.redrive_item is 'The messages of a redrive, in the order of sending, and what became of each.';
comment on column timeline.redrive_item.batch_id is 'The redrive.';
comment on column timeline.redrive_item.position is 'Place in the order of sending, from 1; what failed is put behind all others when a person says go on.';
comment on column timeline.redrive_item.consumer_group is 'The group that failed on it.';
comment on column timeline.redrive_item.message_id is 'The message.';
comment on column timeline.redrive_item.status is 'waiting, sent, done (consumed without error), failed (again) or closed (the saga has given it up).';
comment on column timeline.redrive_item.attempts is 'Claims of the message before it was sent again; more of them are what this sending caused.';
comment on column timeline.redrive_item.republish_id is 'The sending.';
comment on column timeline.redrive_item.error_code is 'Of one that failed again, or is closed.';
comment on column timeline.redrive_item.sent_at is 'When it was sent again.';
comment on column timeline.redrive_item.settled_at is 'When its end was seen.';
