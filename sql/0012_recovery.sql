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

create table timeline.auditor (
  id integer constraint auditor_pkey primary key default 1,
  xid xid8 not null,
  message_id text collate "C" not null default '',
  republished bigint not null default 0,
  constraint auditor_id_check check (id = 1)
);
-- What is older is for `ekiden republish --missing-only`: nobody kept an eye on it.
insert into timeline.auditor (xid) values (pg_snapshot_xmin(pg_current_snapshot()));
comment on table timeline.auditor is 'The auditor, which looks whether every request is consumed: how far it has looked.';
comment on column timeline.auditor.id is 'Always 1.';
comment on column timeline.auditor.xid is 'Everything up to here is consumed or stands in late_message: transaction.';
comment on column timeline.auditor.message_id is 'Everything up to here is consumed or stands in late_message: message of that transaction.';
comment on column timeline.auditor.republished is 'Requests that it has sent again, ever.';

create table timeline.late_message (
  consumer_group text collate "C" not null,
  message_id text collate "C" not null,
  topic text collate "C" not null,
  noticed_at timestamptz not null default clock_timestamp(),
  mark text not null,
  ends jsonb,
  republishes integer not null default 0,
  republished_at timestamptz,
  constraint late_message_pkey primary key (consumer_group, message_id)
);
comment on table timeline.late_message is 'Requests that a group which must consume them has not taken up in time. A row goes when it has.';
comment on column timeline.late_message.consumer_group is 'The group.';
comment on column timeline.late_message.message_id is 'The request.';
comment on column timeline.late_message.topic is 'Its topic.';
comment on column timeline.late_message.noticed_at is 'When the auditor noticed.';
comment on column timeline.late_message.mark is 'Place in the outbox behind the request, or behind its newest sending: Kafka: an LSN, embedded: a transaction.';
comment on column timeline.late_message.ends is 'Partition → end of the topic, seen once the transport had passed the mark: a group that has passed these without the request never had it.';
comment on column timeline.late_message.republishes is 'How often it was sent again.';
comment on column timeline.late_message.republished_at is 'When it was last sent again.';

create table timeline.group_progress (
  consumer_group text collate "C" not null,
  topic text collate "C" not null,
  partition integer not null,
  committed bigint not null,
  moved_at timestamptz not null default clock_timestamp(),
  waits boolean not null,
  constraint group_progress_pkey primary key (consumer_group, topic, partition)
);
comment on table timeline.group_progress is 'Of groups with late messages: how far they have come, and since when they stand there.';
comment on column timeline.group_progress.consumer_group is 'The group.';
comment on column timeline.group_progress.topic is 'The topic.';
comment on column timeline.group_progress.partition is 'The partition.';
comment on column timeline.group_progress.committed is 'Committed offset.';
comment on column timeline.group_progress.moved_at is 'When it last moved.';
comment on column timeline.group_progress.waits is 'True: messages lie before it.';

create table timeline.projection_rebuild (
  id text collate "C" constraint projection_rebuild_pkey primary key,
  consumer_group text collate "C" not null,
  actor text not null,
  reason text not null,
  asked_at timestamptz not null default clock_timestamp(),
  taken_by text,
  taken_until timestamptz,
  events bigint not null default 0,
  share double precision not null default 0,
  finished_at timestamptz,
  problem text
);
create unique index projection_rebuild_open_idx on timeline.projection_rebuild (consumer_group) where finished_at is null;
create index projection_rebuild_group_idx on timeline.projection_rebuild (consumer_group, id);
comment on table timeline.projection_rebuild is 'Rebuilds of projections that were asked for; a process that runs the domain carries them out.';
comment on column timeline.projection_rebuild.id is 'ULID.';
comment on column timeline.projection_rebuild.consumer_group is 'The projection: `<domain>.<projection>`.';
comment on column timeline.projection_rebuild.actor is 'Who asked.';
comment on column timeline.projection_rebuild.reason is 'Why.';
comment on column timeline.projection_rebuild.asked_at is 'When it was asked for.';
comment on column timeline.projection_rebuild.taken_by is 'Process that carries it out.';
comment on column timeline.projection_rebuild.taken_until is 'After this another process may begin it anew.';
comment on column timeline.projection_rebuild.events is 'Events applied so far.';
comment on column timeline.projection_rebuild.share is 'How far it is, 0 to 1.';
comment on column timeline.projection_rebuild.finished_at is 'When it ended, well or not.';
comment on column timeline.projection_rebuild.problem is 'Why it could not be done; the read model is as it was.';

-- A batch of a projection and the end of its rebuild exclude each other. Lock keys: (5, hash of the group).
alter function timeline.claim_projection_batch(text, jsonb) rename to claim_projection_batch_unlocked;
revoke execute on function timeline.claim_projection_batch_unlocked(text, jsonb) from public;
create function timeline.claim_projection_batch(p_consumer_group text, p_messages jsonb)
returns table (ordinal integer, verdict text, event jsonb)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
begin
  perform timeline.caller_domain(p_consumer_group);
  -- Lock first, then claim: two statements, so that what a rebuild has just claimed is seen.
  perform pg_advisory_xact_lock_shared(5, hashtext(p_consumer_group));
  return query select c.ordinal, c.verdict, c.event from timeline.claim_projection_batch_unlocked(p_consumer_group, p_messages) c;
end $$;
comment on function timeline.claim_projection_batch is 'Claims events for a projection and hands them out; waits while a rebuild of it ends.';
comment on function timeline.claim_projection_batch_unlocked is 'As claim_projection_batch, which calls it under the lock.';
revoke execute on function timeline.claim_projection_batch(text, jsonb) from public;
