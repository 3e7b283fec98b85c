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

-- A message that may start a saga: consumed once in its group, whoever wrote it. Returns true when it is done already.
create function timeline.start_message_done(p_consumer_group text, p_message_id text) returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
  select exists (
    select from timeline.event_consumption c
    where c.consumer_group = p_consumer_group and c.message_id = p_message_id and c.consumed_at is not null and not c.error_flag);
$$;
comment on function timeline.start_message_done is 'Whether a group that starts sagas is done with a message.';

-- p_message: as `foreignMessage` makes it, and its id.
create function timeline.record_start_message(p_consumer_group text, p_message_id text, p_message jsonb, p_saga_id text,
  p_code text, p_error text) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
begin
  insert into timeline.event_consumption as c (consumer_group, message_id, correlation_id, foreign_id, topic, message_key,
    partition, "offset", consumer, recorded_at, received_at, consumed_at, error_flag, error_code, error_message,
    message_headers, message_body)
  values (p_consumer_group, p_message_id, p_saga_id, coalesce(p_message->'headers'->>'id', p_message->'headers'->>'ce_id'),
    p_message->>'topic', p_message->>'key', (p_message->>'partition')::integer, (p_message->>'offset')::bigint,
    coalesce(p_message->>'consumer', 'unknown'), to_timestamp((p_message->>'timestamp')::double precision / 1000),
    (p_message->>'receivedAt')::timestamptz, clock_timestamp(), p_code is not null, p_code, p_error,
    p_message->'headers', to_jsonb(p_message->>'value'))
  on conflict (consumer_group, message_id) do update set attempts = c.attempts + 1, consumed_at = clock_timestamp(),
    correlation_id = excluded.correlation_id, error_flag = excluded.error_flag, error_code = excluded.error_code,
    error_message = excluded.error_message
    where c.error_flag or c.consumed_at is null;
  if p_code is not null then
    insert into timeline.event_consumption_failure (consumer_group, message_id, attempt, topic, partition, "offset", consumer, code, message)
    select c.consumer_group, c.message_id, c.attempts, c.topic, c.partition, c."offset", c.consumer, c.error_code, c.error_message
    from timeline.event_consumption c where c.consumer_group = p_consumer_group and c.message_id = p_message_id and c.error_flag
    on conflict do nothing;
  end if;
end $$;
comment on function timeline.record_start_message is 'Records what became of a message that may start a saga: the saga, nothing (its condition was false), or an error.';
revoke execute on function timeline.start_message_done(text, text),
  timeline.record_start_message(text, text, jsonb, text, text, text) from public;
