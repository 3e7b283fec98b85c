-- Recovery that goes on by itself or in pieces: what was asked for is a row, and any process may carry it on.

create table timeline.republish_run (
  id text collate "C" constraint republish_run_pkey primary key,
  actor text not null,
  reason text not null,
  selection jsonb not null,
  asked_at timestamptz not null default clock_timestamp(),
  cursor_xid xid8 not null default '0',
  cursor_id text collate "C" not null default '',
  first_at timestamptz,
  reached_at timestamptz,
  scanned bigint not null default 0,
  sent jsonb not null default '{}',
  finished_at timestamptz
);
create index republish_run_open_idx on timeline.republish_run (id) where finished_at is null;
comment on table timeline.republish_run is 'Republishing that was asked for, and how far it is: a run that was killed goes on here.';
comment on column timeline.republish_run.id is 'ULID.';
comment on column timeline.republish_run.actor is 'Who asked.';
comment on column timeline.republish_run.reason is 'Why.';
comment on column timeline.republish_run.selection is 'Which requests: since, until, sagaId, topic, messageIds, missingOnly.';
comment on column timeline.republish_run.asked_at is 'When it was asked for; requests written later are none of its own.';
comment on column timeline.republish_run.cursor_xid is 'Everything up to here was looked at: transaction.';
comment on column timeline.republish_run.cursor_id is 'Everything up to here was looked at: message of that transaction.';
comment on column timeline.republish_run.first_at is 'When the first request that was looked at was written.';
comment on column timeline.republish_run.reached_at is 'When the last request that was looked at was written.';
comment on column timeline.republish_run.scanned is 'Requests looked at.';
comment on column timeline.republish_run.sent is 'Requests sent again, by topic.';
comment on column timeline.republish_run.finished_at is 'When everything selected had been sent again.';
