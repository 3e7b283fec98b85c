-- What starts sagas besides a call: the time, and messages of other programs.

create table timeline.schedule_run (
  definition text collate "C" not null,
  planned_at timestamptz not null,
  status text not null default 'waiting',
  saga_id text collate "C",
  reason text,
  recorded_at timestamptz not null default clock_timestamp(),
  decided_at timestamptz,
  constraint schedule_run_pkey primary key (definition, planned_at),
  constraint schedule_run_status_check check (status in ('waiting', 'started', 'skipped', 'refused')),
  constraint schedule_run_saga_check check ((status = 'started') = (saga_id is not null))
);
create index schedule_run_waiting_idx on timeline.schedule_run (definition, planned_at) where status = 'waiting';
create index schedule_run_saga_id_idx on timeline.schedule_run (saga_id) where saga_id is not null;
comment on table timeline.schedule_run is 'Planned times of definitions with a `schedule`, and what became of each; one row a time.';
comment on column timeline.schedule_run.definition is 'Name of the definition.';
comment on column timeline.schedule_run.planned_at is 'The time that the cron line names.';
comment on column timeline.schedule_run.status is 'waiting, started, skipped or refused.';
comment on column timeline.schedule_run.saga_id is 'The saga that was started.';
comment on column timeline.schedule_run.reason is 'Why it was skipped or refused.';
comment on column timeline.schedule_run.recorded_at is 'When the engine noticed that the time had come.';
comment on column timeline.schedule_run.decided_at is 'When it was started, skipped or refused.';

-- A message that may start a saga is consumed once in its group, whoever wrote it. Its own id is used when it is a ULID that
-- the event store could hold, else one is made of its time and place.
create function timeline.start_messages(p_consumer_group text, p_messages jsonb)
returns table (ordinal integer, message_id text, done boolean)
language sql stable set search_path = pg_catalog, pg_temp as $$
  with incoming as (
    select (m.ordinality - 1)::integer as ordinal,
      case when m.value->'headers'->>'id' ~ '^[0-7][0-9A-HJKMNP-TV-Z]{25}$' then m.value->'headers'->>'id'
        else timeline.ulid_of(to_timestamp(greatest(0, (m.value->>'timestamp')::double precision) / 1000),
          substring(sha256(convert_to(format('%s/%s/%s', m.value->>'topic', m.value->>'partition', m.value->>'offset'), 'UTF8'))
            from 1 for 16)) end as message_id
    from jsonb_array_elements(p_messages) with ordinality m
  )
  select i.ordinal, i.message_id, exists (
    select from timeline.event_consumption c
    where c.consumer_group = p_consumer_group and c.message_id = i.message_id and c.consumed_at is not null
      and not c.error_flag)
  from incoming i order by i.ordinal;
$$;
comment on function timeline.start_messages is 'Ids of messages that may start sagas, and whether the group is done with them.';

-- p_rows: array of {messageId, message (as `foreignMessage` makes it), sagaId, code, error}.
create function timeline.record_start_messages(p_consumer_group text, p_rows jsonb) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
begin
  insert into timeline.event_consumption as c (consumer_group, message_id, correlation_id, foreign_id, topic, message_key,
    partition, "offset", consumer, recorded_at, received_at, consumed_at, error_flag, error_code, error_message,
    message_headers, message_body)
  select distinct on (w."messageId") p_consumer_group, w."messageId", w."sagaId",
    coalesce(w.message->'headers'->>'id', w.message->'headers'->>'ce_id'), w.message->>'topic', w.message->>'key',
    (w.message->>'partition')::integer, (w.message->>'offset')::bigint, coalesce(w.message->>'consumer', 'unknown'),
    to_timestamp((w.message->>'timestamp')::double precision / 1000), (w.message->>'receivedAt')::timestamptz,
    clock_timestamp(), w.code is not null, w.code, w.error, w.message->'headers', to_jsonb(w.message->>'value')
  from jsonb_to_recordset(p_rows) as w ("messageId" text, message jsonb, "sagaId" text, code text, error text)
  order by w."messageId"
  on conflict (consumer_group, message_id) do update set attempts = c.attempts + 1, consumed_at = clock_timestamp(),
    correlation_id = excluded.correlation_id, error_flag = excluded.error_flag, error_code = excluded.error_code,
    error_message = excluded.error_message
    where c.error_flag or c.consumed_at is null;
  insert into timeline.event_consumption_failure (consumer_group, message_id, attempt, topic, partition, "offset", consumer, code, message)
  select c.consumer_group, c.message_id, c.attempts, c.topic, c.partition, c."offset", c.consumer, c.error_code, c.error_message
  from jsonb_to_recordset(p_rows) as w ("messageId" text, code text)
  join timeline.event_consumption c on c.consumer_group = p_consumer_group and c.message_id = w."messageId" and c.error_flag
  where w.code is not null
  on conflict do nothing;
end $$;
comment on function timeline.record_start_messages is 'Records what became of messages that may start sagas: a saga, nothing (the condition was false), or an error.';
revoke execute on function timeline.start_messages(text, jsonb), timeline.record_start_messages(text, jsonb) from public;

-- A child saga: the step of another saga that started it and awaits its end.
alter table timeline.saga add parent_id text collate "C", add parent_path text collate "C",
  add constraint saga_parent_check check ((parent_id is null) = (parent_path is null));
create index saga_parent_id_idx on timeline.saga (parent_id, id) where parent_id is not null;
comment on column timeline.saga.parent_id is 'Of a child saga: the saga that started it and awaits its end.';
comment on column timeline.saga.parent_path is 'Of a child saga: path of the step in that saga.';
