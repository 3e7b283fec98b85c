-- The path that every step takes, by index only and with half the writes.
--
-- A plan that was made while the history was small is kept for as long as its session lives. With joins to choose from it
-- then reads the whole history for every batch (measured: 13 ms of CPU a saga after 2,000 sagas, rising). So tables that
-- grow are looked up one row at a time, by `lateral (… offset 0)` or by `= any (array(…))`, and functions allow no other plans.

alter function timeline.claim_batch(text, jsonb, boolean)
  set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_material = off;
alter function timeline.claim_projection_batch(text, jsonb)
  set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_material = off;
alter function timeline.settle_step(text, text, boolean) set enable_seqscan = off;

-- p_answers: array of {messageId, answerId, outcome, body}. Returns the events that were written.
create or replace function timeline.answer_batch(p_consumer_group text, p_answers jsonb, p_consumer text default 'unknown') returns setof jsonb
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_material = off as $$
#variable_conflict use_column
declare
  v_domain text := timeline.caller_domain(p_consumer_group);
  v_unclaimed text;
begin
  perform pg_advisory_xact_lock(k.lock_key)
  from (
    select distinct hashtextextended(r.step_key, 2) as lock_key
    from jsonb_array_elements(p_answers) a
    cross join lateral (
      select q.step_key from timeline.event_request q where q.message_id = a->>'messageId' offset 0
    ) r
    order by 1
  ) k;
  select string_agg(a->>'messageId', ', ') into v_unclaimed
  from jsonb_array_elements(p_answers) a
  left join lateral (
    select q.message_id from timeline.event_consumption q
    where q.consumer_group = p_consumer_group and q.message_id = a->>'messageId' and q.consumed_at is null
      and not q.error_flag
    offset 0
  ) c on true
  where c.message_id is null or coalesce(a->>'outcome', '') not in ('succeeded', 'rejected', 'failed', 'unknown');
  if v_unclaimed is not null then
    raise exception 'not claimed by group %, or of an unknown outcome: %', p_consumer_group, v_unclaimed
      using errcode = '55000', hint = 'Call timeline.claim first, in the same transaction unless the step is external.';
  end if;
  return query
  with answer as (
    select a->>'messageId' as message_id, a->>'answerId' as answer_id, a->>'outcome' as outcome, a->'body' as body,
      p_consumer_group as consumer_group, r.correlation_id, r.message_key, r.message_type, r.saga, r.step_key, r.action,
      r.attempt, r.traceparent, r.message_headers, r.message_body, coalesce(r.message_headers->>'notify', 'false') = 'true' as notify,
      r.message_type = 'compensation.requested' as compensation
    from jsonb_array_elements(p_answers) a
    cross join lateral (
      select q.* from timeline.event_request q where q.message_id = a->>'messageId' offset 0
    ) r
  ), settled as (
    insert into timeline.step_guard as g (step_key, saga_id, state, code, message, output, command_message_id)
    select a.step_key, a.correlation_id, case a.outcome when 'succeeded' then 'done' else 'rejected' end,
      case a.outcome when 'rejected' then a.body->>'code' end, case a.outcome when 'rejected' then a.body->>'message' end,
      case a.outcome when 'succeeded' then a.body->'output' end, a.message_id
    from answer a
    where not a.compensation and (a.outcome = 'succeeded' or (a.outcome = 'rejected' and not a.notify))
    on conflict (step_key) do update set state = excluded.state, code = excluded.code, message = excluded.message,
      output = excluded.output, command_message_id = excluded.command_message_id, updated_at = clock_timestamp()
      where g.state = 'started'
  ), undone as (
    update timeline.step_guard g set state = 'compensated', compensation_output = a.body->'output',
      compensation_message_id = a.message_id, updated_at = clock_timestamp()
    from answer a
    where a.compensation and a.outcome = 'succeeded' and g.step_key = a.step_key and g.state in ('done', 'unknown', 'compensating')
      and g.step_key = any (array(select x.step_key from answer x))
  ), not_sent as (
    -- The call never left: the `started` that it wrote is taken back, unless an earlier call may have arrived.
    delete from timeline.step_guard g using answer a
    where not a.compensation and a.outcome = 'failed' and g.step_key = a.step_key and g.state = 'started'
      and g.command_message_id = a.message_id and g.calls = 1
      and g.step_key = any (array(select x.step_key from answer x))
  ), ended as (
    -- The call threw: nobody saw what became of it, but it runs no more.
    update timeline.step_guard g set started_until = clock_timestamp(), updated_at = clock_timestamp()
    from answer a
    where not a.compensation and a.outcome = 'unknown' and g.step_key = a.step_key and g.state = 'started'
      and g.command_message_id = a.message_id and g.step_key = any (array(select x.step_key from answer x))
  ), consumed as (
    update timeline.event_consumption c set consumed_at = clock_timestamp(),
      error_flag = a.outcome in ('failed', 'unknown') or (a.notify and a.outcome = 'rejected'),
      error_code = case when a.outcome <> 'succeeded' then coalesce(a.body->>'code', 'failed') end,
      error_message = case when a.outcome <> 'succeeded' then a.body->>'message' end,
      message_headers = case when a.outcome in ('failed', 'unknown') then a.message_headers else c.message_headers end,
      message_body = case when a.outcome in ('failed', 'unknown') then a.message_body else c.message_body end
    from answer a
    where c.consumer_group = a.consumer_group and c.message_id = a.message_id
    returning c.*, a.body->>'stack' as stack
  ), failures as (
    insert into timeline.event_consumption_failure (consumer_group, message_id, attempt, topic, partition, "offset", consumer,
      code, message, stack)
    select c.consumer_group, c.message_id, c.attempts, c.topic, c.partition, c."offset", c.consumer, c.error_code,
      coalesce(c.error_message, ''), c.stack
    from consumed c where c.error_flag
  ), events as (
    insert into timeline.event_request as r (message_id, correlation_id, causation_id, topic, message_key, message_type,
      saga, step_key, action, attempt, traceparent, message_body, producer)
    select coalesce(a.answer_id, timeline.new_ulid()), a.correlation_id, a.message_id, 'timeline', a.message_key,
      case when a.compensation then case a.outcome when 'succeeded' then 'compensation.succeeded' else 'compensation.failed' end
        else case a.outcome when 'succeeded' then 'step.succeeded' when 'rejected' then 'step.rejected' else 'step.failed' end end,
      a.saga, a.step_key, a.action, a.attempt, a.traceparent,
      case
        when a.outcome = 'succeeded' and a.compensation then case when a.body->'output' is null then '{}'::jsonb
          else jsonb_build_object('output', a.body->'output') end
        when a.outcome = 'succeeded' then jsonb_build_object('output', a.body->'output')
        when a.outcome = 'rejected' and not a.compensation then
          jsonb_build_object('code', coalesce(a.body->>'code', 'rejected'), 'message', coalesce(a.body->>'message', ''))
        else jsonb_build_object('code', coalesce(a.body->>'code', 'failed'), 'message', coalesce(a.body->>'message', ''),
            'retryable', a.outcome <> 'rejected' and coalesce((a.body->>'retryable')::boolean, true))
          || case when a.compensation then '{}'::jsonb else jsonb_build_object('unknown', a.outcome = 'unknown') end
      end,
      v_domain || '@' || p_consumer
    from answer a
    where not a.notify
    returning timeline.wire(r) as row
  )
  select e.row from events e;
end $$;

-- Commands that nobody has claimed yet, in a transaction that will also end them: nothing is written before the end.
create function timeline.open_batch(p_consumer_group text, p_message_ids text[], p_topics text[], p_step_keys text[])
returns table (ordinal integer, verdict text, request jsonb)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp set enable_seqscan = off as $$
#variable_conflict use_column
declare
  v_domain text := timeline.caller_domain(p_consumer_group);
begin
  perform pg_advisory_xact_lock(k.lock_key)
  from (
    select distinct hashtextextended(s.step_key, 2) as lock_key
    from unnest(p_step_keys) s (step_key) where s.step_key is not null
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
      'action', r.action, 'attempt', r.attempt, 'traceparent', r.traceparent, 'headers', r.message_headers, 'body', r.message_body)
  from unnest(p_message_ids, p_topics, p_step_keys) with ordinality i (message_id, topic, step_key, ordinal)
  left join lateral (
    select q.* from timeline.event_request q where q.message_id = i.message_id offset 0
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
comment on function timeline.open_batch is 'Locks the steps of commands and hands out those that nobody has claimed: verdict run. Nothing is written; `close_batch` in the same transaction claims and answers at once. Verdict later: the same step stands earlier in this batch; claim: `claim_batch` must judge it (done before, in error, given up, foreign).';

-- p_rows: array of {messageId, answerId, output, partition, offset, timestamp (ms), receivedAt, startedAt}.
create function timeline.close_batch(p_consumer_group text, p_rows jsonb, p_consumer text)
returns table (message_id text, requested_at text, xid text, body text)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_material = off as $$
#variable_conflict use_column
declare
  v_domain text := timeline.caller_domain(p_consumer_group);
begin
  return query
  with ended as (
    select w."messageId" as message_id, w."answerId" as answer_id, w.output, w.partition, w."offset", w."timestamp",
      w."receivedAt" as received_at, w."startedAt" as started_at, r.topic, r.correlation_id, r.message_key, r.saga, r.step_key,
      r.action, r.attempt, r.traceparent, r.message_type = 'compensation.requested' as compensation,
      coalesce(r.message_headers->>'notify', 'false') = 'true' as notify
    from jsonb_to_recordset(p_rows) as w ("messageId" text, "answerId" text, output jsonb, partition integer, "offset" bigint,
      "timestamp" double precision, "receivedAt" timestamptz, "startedAt" timestamptz)
    cross join lateral (
      select q.* from timeline.event_request q where q.message_id = w."messageId" offset 0
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
end $$;
comment on function timeline.close_batch is 'Ends commands that `open_batch` handed out in this transaction and that succeeded: consumption, guard and answer in one go. Returns the answers that were written: one for every row but notifications, else the caller must roll back.';

revoke execute on function timeline.open_batch(text, text[], text[], text[]), timeline.close_batch(text, jsonb, text) from public;

-- An index over partition and offset, even one that holds errors only, costs every row whose place is filled in later its
-- HOT update. Errors are few: they are sorted when they are asked for.
drop index timeline.event_consumption_error_idx;
create index event_consumption_error_idx on timeline.event_consumption (consumer_group, message_id) where error_flag;

-- A foreign key locks the topic's row for every message: 14 µs each, and a multixact for each pair of sessions. Asked once
-- a statement instead; nothing but a person deletes topics.
alter table timeline.event_request drop constraint event_request_topic_fkey;
create function timeline.require_topics() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_unknown text;
begin
  select string_agg(distinct n.topic, ', ') into v_unknown
  from new_rows n
  where not exists (select from timeline.topic t where t.name = n.topic);
  if v_unknown is not null then
    raise exception 'no such topic: %', v_unknown using errcode = '23503',
      hint = 'Topics are made when an engine process starts whose domains have their handlers.';
  end if;
  return null;
end $$;
comment on function timeline.require_topics is 'Every request goes to a topic that exists in timeline.topic.';
revoke execute on function timeline.require_topics() from public;
create trigger event_request_topic after insert on timeline.event_request
  referencing new table as new_rows for each statement execute function timeline.require_topics();
