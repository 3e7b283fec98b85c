-- What a process has just written itself, it knows: the embedded transport hands the message over in memory, and the state
-- that a saga was left in is still there. The database says only whether that still holds.

-- As in 0018. p_saga_xids: for each saga the transaction in which p_writer, a process, left the row that it knows; null: it
-- knows none, and p_saga_sequences what the saga's sequence was. Of a row that is still this version nothing is read:
-- `{"id": …, "same": true}`. The transaction alone would do but for a failover to a standby that had lost some: their ids are
-- given again, maybe to another process.
-- p_message_ids: of the events that are to be read. Between the first and the last of them lie few partitions of the history;
-- without these bounds each call would begin with all of them.
create function timeline.open_events(p_epoch bigint, p_saga_ids text[], p_saga_xids text[], p_saga_sequences bigint[],
  p_writer text, p_message_ids text[])
returns json
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
declare
  v_events json;
  v_first text;
  v_last text;
begin
  if p_epoch is not null then
    perform pg_advisory_xact_lock_shared(4, p_epoch::integer);
    if not exists (select from timeline.topic_log_position where id = 1 and owner is not null and owner_epoch = p_epoch) then
      raise exception using errcode = '57EK1', message = format('owner epoch %s is over', p_epoch),
        hint = 'Another engine process owns the embedded transport; this one is its standby.';
    end if;
  end if;
  perform pg_advisory_xact_lock(k.lock_key)
  from (select distinct hashtextextended(id, 1) as lock_key from unnest(p_saga_ids) id order by 1) k;
  if cardinality(p_message_ids) > 0 then
    select min(id collate "C"), max(id collate "C") into v_first, v_last from unnest(p_message_ids) id;
    v_events := (
      select json_agg(json_build_object('message_id', r.message_id, 'correlation_id', r.correlation_id, 'topic', r.topic,
        'message_key', r.message_key, 'message_type', r.message_type, 'saga', r.saga, 'step_key', r.step_key,
        'attempt', r.attempt, 'traceparent', r.traceparent, 'message_body', r.message_body,
        'done', coalesce(c.done, false), 'counted', coalesce(r.message_headers->>'applied' = 'false', false)))
      from unnest(p_message_ids) i (message_id)
      cross join lateral (
        select q.* from timeline.event_request q
        where q.message_id = i.message_id and q.message_id >= v_first and q.message_id <= v_last offset 0
      ) r
      left join lateral (
        select q.consumed_at is not null and not q.error_flag as done from timeline.event_consumption q
        where q.consumer_group = 'dispatcher' and q.message_id = i.message_id offset 0
      ) c on true
    );
  end if;
  return json_build_object(
    'now', date_trunc('milliseconds', clock_timestamp()),
    'events', v_events,
    'sagas', (
      select json_agg(case when s.xmin = (i.xid::xid8)::xid and s.sequence = i.sequence and s.writer = p_writer
        then json_build_object('id', s.id, 'same', true)
        else json_build_object('id', s.id, 'definition', s.definition, 'version', s.version,
          'revision', s.revision, 'status', s.status, 'sequence', s.sequence, 'unapplied', s.unapplied, 'key', s.key,
          'input', s.input, 'state', s.state, 'traceparent', s.traceparent, 'writer', s.writer, 'started_at', s.started_at,
          'parent_id', s.parent_id, 'parent_path', s.parent_path)
        end)
      from unnest(p_saga_ids, p_saga_xids, p_saga_sequences) i (id, xid, sequence)
      cross join lateral (
        select q.xmin, q.* from timeline.saga q where q.id = i.id offset 0
      ) s
    ),
    'xid', pg_current_xact_id()::text
  );
end $$;
comment on function timeline.open_events(bigint, text[], text[], bigint[], text, text[]) is 'What a batch of the dispatcher begins with: fence, locks of the sagas, the rows of those of which p_writer does not know the newest version, and the events that it does not know, with whether they are done.';
revoke execute on function timeline.open_events(bigint, text[], text[], bigint[], text, text[]) from public;

-- What `open_batch` does for commands that this process has written itself and was never handed before: their requests are
-- known. Under the step's lock the step may have moved, and an edit may have closed the command before it was delivered: what
-- a person has replaced must not run. Either is said of steps of the caller's domain alone.
create function timeline.open_own(p_consumer_group text, p_message_ids text[], p_step_keys text[], p_compensations boolean[],
  p_epoch bigint)
returns table (now timestamptz, xid text, others integer[])
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
set enable_seqscan = off set plan_cache_mode = force_generic_plan as $$
declare
  v_domain text := timeline.caller_domain(p_consumer_group);
begin
  if p_epoch is not null then
    perform pg_advisory_xact_lock_shared(4, p_epoch::integer);
    if not exists (select from timeline.topic_log_position where id = 1 and owner is not null and owner_epoch = p_epoch) then
      raise exception using errcode = '57EK1', message = format('owner epoch %s is over', p_epoch),
        hint = 'Another engine process owns the embedded transport; this one is its standby.';
    end if;
  end if;
  perform pg_advisory_xact_lock(k.lock_key)
  from (select distinct hashtextextended(step_key, 2) as lock_key from unnest(p_step_keys) step_key order by 1) k;
  -- A new statement, hence a snapshot taken after the locks.
  others := array(
    select (i.ordinal - 1)::integer
    from unnest(p_step_keys, p_compensations) with ordinality i (step_key, compensation, ordinal)
    left join lateral (
      select q.state from timeline.step_guard q where q.step_key = i.step_key offset 0
    ) g on true
    left join lateral (
      select true as is from timeline.event_consumption q
      where q.consumer_group = p_consumer_group and q.message_id = p_message_ids[i.ordinal] offset 0
    ) c on true
    where c.is or case when i.compensation then g.state is null or g.state not in ('done', 'unknown', 'compensating')
      else g.state is not null end
  );
  if cardinality(others) > 0 then
    others := array(
      select o.ordinal from unnest(others) o (ordinal)
      join timeline.event_request r on r.message_id = p_message_ids[o.ordinal + 1]
      where r.step_key = p_step_keys[o.ordinal + 1] and split_part(r.topic, '.', 1) = v_domain
    );
  end if;
  now := clock_timestamp();
  xid := pg_current_xact_id()::text;
  return next;
end $$;
comment on function timeline.open_own(text, text[], text[], boolean[], bigint) is 'Locks the steps of commands that the calling process has written itself and begins to handle for the first time. others: the ordinals (from 0) of those that are not to be run as they come, for `claim_batch` to judge. Writes nothing; `close_batch` in the same transaction checks all of it again.';
revoke execute on function timeline.open_own(text, text[], text[], boolean[], bigint) from public;

-- Domains that have a role already: a process may hold no right to grant it itself.
do $$
declare
  v_role text;
begin
  for v_role in select l.role_name from timeline.domain_login l join pg_roles r on r.rolname = l.role_name loop
    execute format('grant execute on function timeline.open_own(text, text[], text[], boolean[], bigint) to %I', v_role);
  end loop;
end $$;

-- As in 0018, within bounds.
create or replace function timeline.open_batch(p_consumer_group text, p_message_ids text[], p_topics text[], p_step_keys text[], p_epoch bigint)
returns table (ordinal integer, verdict text, request jsonb, now timestamptz, xid text)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
set enable_seqscan = off set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
  v_domain text := timeline.caller_domain(p_consumer_group);
  v_first text;
  v_last text;
begin
  if p_epoch is not null then
    perform pg_advisory_xact_lock_shared(4, p_epoch::integer);
    if not exists (select from timeline.topic_log_position where id = 1 and owner is not null and owner_epoch = p_epoch) then
      raise exception using errcode = '57EK1', message = format('owner epoch %s is over', p_epoch),
        hint = 'Another engine process owns the embedded transport; this one is its standby.';
    end if;
  end if;
  select min(id collate "C"), max(id collate "C") into v_first, v_last from unnest(p_message_ids) id;
  -- Of the requests that exist, not of what the headers name: a forged one must not wait for a step of somebody else.
  perform pg_advisory_xact_lock(k.lock_key)
  from (
    select distinct hashtextextended(r.step_key, 2) as lock_key
    from unnest(p_message_ids, p_topics, p_step_keys) i (message_id, topic, step_key)
    cross join lateral (
      select q.step_key from timeline.event_request q
      where q.message_id = i.message_id and q.message_id >= v_first and q.message_id <= v_last
        and q.topic = i.topic and q.step_key = i.step_key and split_part(q.topic, '.', 1) = v_domain
      offset 0
    ) r
    order by 1
  ) k;
  -- A new statement, hence a snapshot taken after the locks.
  return query
  select (i.ordinal - 1)::integer,
    case
      when r.message_id is null then 'claim'
      when row_number() over (partition by r.step_key order by i.ordinal) > 1 then 'later'
      when c.message_id is not null then 'claim'
      when r.message_type = 'step.requested' and g.state is null then 'run'
      when r.message_type = 'compensation.requested' and g.state in ('done', 'unknown', 'compensating') then 'run'
      else 'claim'
    end,
    jsonb_build_object(
      'messageId', r.message_id, 'type', r.message_type, 'sagaId', r.correlation_id, 'saga', r.saga, 'stepKey', r.step_key,
      'action', r.action, 'attempt', r.attempt, 'traceparent', r.traceparent, 'headers', r.message_headers, 'body', r.message_body),
    clock_timestamp(), pg_current_xact_id()::text
  from unnest(p_message_ids, p_topics, p_step_keys) with ordinality i (message_id, topic, step_key, ordinal)
  left join lateral (
    select q.* from timeline.event_request q
    where q.message_id = i.message_id and q.message_id >= v_first and q.message_id <= v_last offset 0
  ) r on r.topic = i.topic and r.step_key = i.step_key and split_part(r.topic, '.', 1) = v_domain
    and r.message_type in ('step.requested', 'compensation.requested')
  left join lateral (
    select q.state from timeline.step_guard q where q.step_key = r.step_key offset 0
  ) g on true
  left join lateral (
    select q.message_id from timeline.event_consumption q
    where q.consumer_group = p_consumer_group and q.message_id = r.message_id offset 0
  ) c on true
  order by i.ordinal;
end $$;

-- As in 0016, within bounds.
create or replace function timeline.close_batch(p_consumer_group text, p_rows jsonb, p_consumer text, p_answers integer)
returns table (message_id text, requested_at text, xid text, body text)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_material = off
set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
  v_domain text := timeline.caller_domain(p_consumer_group);
  v_written bigint;
  v_first text;
  v_last text;
begin
  select min((w->>'messageId') collate "C"), max((w->>'messageId') collate "C") into v_first, v_last
  from jsonb_array_elements(p_rows) w;
  return query
  with ended as (
    select w."messageId" as message_id, w."answerId" as answer_id, w.output, w.partition, w."offset", w."timestamp",
      w."receivedAt" as received_at, w."startedAt" as started_at, r.topic, r.correlation_id, r.message_key, r.saga, r.step_key,
      r.action, r.attempt, r.traceparent, r.message_type = 'compensation.requested' as compensation,
      coalesce(r.message_headers->>'notify', 'false') = 'true' as notify
    from jsonb_to_recordset(p_rows) as w ("messageId" text, "answerId" text, output jsonb, partition integer, "offset" bigint,
      "timestamp" double precision, "receivedAt" timestamptz, "startedAt" timestamptz)
    cross join lateral (
      select q.* from timeline.event_request q
      where q.message_id = w."messageId" and q.message_id >= v_first and q.message_id <= v_last offset 0
    ) r
    where split_part(r.topic, '.', 1) = v_domain and r.step_key is not null
      and r.message_type in ('step.requested', 'compensation.requested')
  ), consumed as (
    -- The primary key decides: a message that somebody else has claimed meanwhile fails the transaction.
    insert into timeline.event_consumption (consumer_group, message_id, correlation_id, topic, message_key, partition,
      "offset", consumer, recorded_at, received_at, started_at, consumed_at)
    select p_consumer_group, e.message_id, e.correlation_id, e.topic, e.message_key, e.partition, e."offset", p_consumer,
      to_timestamp(e."timestamp" / 1000), e.received_at, e.started_at, clock_timestamp()
    from ended e
  ), done as (
    insert into timeline.step_guard (step_key, saga_id, state, output, command_message_id)
    select e.step_key, e.correlation_id, 'done', e.output, e.message_id from ended e where not e.compensation
  ), undone as (
    update timeline.step_guard g set state = 'compensated', compensation_output = e.output,
      compensation_message_id = e.message_id, updated_at = clock_timestamp()
    from ended e
    where e.compensation and g.step_key = e.step_key and g.state in ('done', 'unknown', 'compensating')
      and g.step_key = any (array(select x.step_key from ended x where x.compensation))
    returning g.step_key
  ), events as (
    insert into timeline.event_request as r (message_id, correlation_id, causation_id, topic, message_key, message_type,
      saga, step_key, action, attempt, traceparent, message_body, producer)
    select e.answer_id, e.correlation_id, e.message_id, 'timeline', e.message_key,
      case when e.compensation then 'compensation.succeeded' else 'step.succeeded' end,
      e.saga, e.step_key, e.action, e.attempt, e.traceparent,
      case when e.compensation and e.output is null then '{}'::jsonb else jsonb_build_object('output', e.output) end,
      v_domain || '@' || p_consumer
    from ended e
    where not e.notify and (not e.compensation or e.step_key in (select u.step_key from undone u))
    returning r.message_id, r.requested_at, r.xid, r.message_body
  )
  select v.message_id, to_char(v.requested_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), v.xid::text,
    v.message_body::text
  from events v;
  get diagnostics v_written = row_count;
  if v_written is distinct from p_answers then
    raise exception '% answers were due, % were written', p_answers, v_written using errcode = '55000',
      hint = 'A command of the batch was taken meanwhile, or its step has moved: open it again.';
  end if;
end $$;
