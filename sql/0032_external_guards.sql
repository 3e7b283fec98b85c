-- An external compensation runs as an external step does: from its claim to its answer, and no longer than its timeout. Without
-- that, whoever gave it up in between (terminate, skip, resolve, an optional one) wrote that the step's effect is kept, and it
-- was undone all the same. And a call that ended runs no more, also when its `started` cannot be taken back: after an earlier
-- call of the step, and of a notification that was refused.
--
-- A participant that claims in one transaction and answers in another, of a step that is not external, is overtaken by whoever
-- gives the step up: the saga counts it as never run. Its success is refused then, so that its work is rolled back.

comment on column timeline.step_guard.started_until is 'External step or compensation: until then the call counts as running.';

-- As in 0002.
create or replace function timeline.settle_step(p_step_key text, p_saga_id text, p_keep_started boolean default false) returns jsonb
language plpgsql volatile set search_path = pg_catalog, pg_temp set enable_seqscan = off as $$
declare
  v_guard timeline.step_guard;
begin
  if not pg_try_advisory_xact_lock(hashtextextended(p_step_key, 2)) then
    return jsonb_build_object('state', 'running');
  end if;
  select g.* into v_guard from timeline.step_guard g where g.step_key = p_step_key;
  if not found then
    insert into timeline.step_guard (step_key, saga_id, state) values (p_step_key, p_saga_id, 'closed');
    return jsonb_build_object('state', 'closed');
  end if;
  if v_guard.state in ('started', 'compensating') and v_guard.started_until > clock_timestamp() then
    return jsonb_build_object('state', 'running');
  end if;
  if v_guard.state = 'started' then
    -- A pivot's unknown end is not written down: a retry must still be able to run it (S9).
    if not p_keep_started then
      update timeline.step_guard set state = 'unknown', updated_at = clock_timestamp() where step_key = p_step_key;
    end if;
    return jsonb_build_object('state', 'unknown');
  end if;
  return jsonb_strip_nulls(jsonb_build_object('state', v_guard.state, 'code', v_guard.code, 'message', v_guard.message))
    || case when v_guard.output is null then '{}'::jsonb else jsonb_build_object('output', v_guard.output) end;
end $$;
comment on function timeline.settle_step is 'Settles a step through its guard for a transition that gives it or its compensation up: no row becomes closed, started becomes unknown, any other state wins and is returned; a step or a compensation that runs now says running.';

-- As in 0002, within the bounds of 0016.
create or replace function timeline.claim_batch(p_consumer_group text, p_messages jsonb, p_external boolean default false)
returns table (ordinal integer, message_id text, verdict text, claims integer, request jsonb, answer jsonb)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_material = off
set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
  v_domain text := timeline.caller_domain(p_consumer_group);
begin
  perform pg_advisory_xact_lock(k.lock_key)
  from (
    select distinct hashtextextended(r.step_key, 2) as lock_key
    from jsonb_array_elements(p_messages) m
    join timeline.event_request r on r.message_id = m->'headers'->>'id'
    where r.step_key is not null
    order by 1
  ) k;
  -- A new statement, hence a snapshot taken after the locks.
  return query
  with incoming as (
    select (m.ordinality - 1)::integer as ordinal, m.value as message, r.message_id, r.correlation_id, r.topic, r.message_key,
      r.message_type, r.saga, r.step_key, r.action, r.attempt, r.traceparent, r.message_headers, r.message_body,
      row_number() over (partition by r.step_key order by m.ordinality) as turn
    from jsonb_array_elements(p_messages) with ordinality m
    left join timeline.event_request r on r.message_id = m.value->'headers'->>'id' and r.topic = m.value->>'topic'
      and split_part(r.topic, '.', 1) = v_domain and r.step_key is not null
      and r.message_type in ('step.requested', 'compensation.requested')
  ), judged as (
    select i.*, g.state, g.code, g.message as guard_message, g.output, g.compensation_output,
      case
        when i.message_id is null then 'foreign'
        when i.turn > 1 then 'later'
        when i.message_type = 'step.requested' then case
          when g.state is null or g.state = 'started' then 'run'
          when g.state in ('done', 'rejected') then 'answered'
          else 'refused' end
        else case
          when g.state is null or g.state in ('blocked', 'closed', 'rejected', 'compensated') then 'answered'
          when g.state in ('done', 'unknown', 'compensating') then 'run'
          else 'refused' end
      end as judgement
    from incoming i
    left join timeline.step_guard g on g.step_key = i.step_key
  ), claimed as (
    insert into timeline.event_consumption as c (consumer_group, message_id, correlation_id, topic, message_key, partition,
      "offset", consumer, recorded_at, received_at, consumed_at, error_code)
    select p_consumer_group, j.message_id, j.correlation_id, j.topic, j.message_key, (j.message->>'partition')::integer,
      (j.message->>'offset')::bigint, coalesce(j.message->>'consumer', 'unknown'),
      to_timestamp((j.message->>'timestamp')::double precision / 1000),
      coalesce((j.message->>'receivedAt')::timestamptz, clock_timestamp()),
      case when j.judgement in ('answered', 'refused') then clock_timestamp() end,
      case when j.judgement = 'refused' then 'step.closed' end
    from judged j
    where j.judgement in ('run', 'answered', 'refused')
    on conflict (consumer_group, message_id) do update set attempts = c.attempts + 1, error_flag = false,
      error_code = excluded.error_code, error_message = null, consumed_at = excluded.consumed_at,
      started_at = clock_timestamp(), consumer = excluded.consumer, partition = excluded.partition,
      "offset" = excluded."offset", recorded_at = excluded.recorded_at, received_at = excluded.received_at
      where c.error_flag or c.consumed_at is null
    returning c.message_id, c.attempts
  ), blocked as (
    insert into timeline.step_guard (step_key, saga_id, state, compensation_message_id)
    select j.step_key, j.correlation_id, 'blocked', j.message_id
    from judged j join claimed c on c.message_id = j.message_id
    where j.message_type = 'compensation.requested' and j.state is null
  ), started as (
    insert into timeline.step_guard as g (step_key, saga_id, state, command_message_id, started_until)
    select j.step_key, j.correlation_id, 'started', j.message_id,
      clock_timestamp() + make_interval(secs => coalesce((j.message_headers->>'timeoutMs')::double precision, 30000) / 1000)
    from judged j join claimed c on c.message_id = j.message_id
    where p_external and j.judgement = 'run' and j.message_type = 'step.requested'
    on conflict (step_key) do update set started_until = excluded.started_until, command_message_id = excluded.command_message_id,
      calls = g.calls + 1, updated_at = clock_timestamp() where g.state = 'started'
  ), compensating as (
    update timeline.step_guard g set state = 'compensating', compensation_message_id = j.message_id,
      started_until = clock_timestamp()
        + make_interval(secs => coalesce((j.message_headers->>'timeoutMs')::double precision, 30000) / 1000),
      updated_at = clock_timestamp()
    from judged j join claimed c on c.message_id = j.message_id
    where p_external and j.judgement = 'run' and j.message_type = 'compensation.requested' and g.step_key = j.step_key
  ), answers as (
    insert into timeline.event_request as r (message_id, correlation_id, causation_id, topic, message_key, message_type,
      saga, step_key, action, attempt, traceparent, message_body, producer)
    select coalesce(j.message->>'answerId', timeline.new_ulid()), j.correlation_id, j.message_id, 'timeline', j.message_key,
      case when j.message_type = 'step.requested' then case j.state when 'done' then 'step.succeeded' else 'step.rejected' end
        when j.state = 'compensated' then 'compensation.succeeded' else 'compensation.skipped' end,
      j.saga, j.step_key, j.action, j.attempt, j.traceparent,
      case when j.message_type = 'step.requested' then case j.state
          when 'done' then jsonb_build_object('output', j.output)
          else jsonb_build_object('code', j.code, 'message', j.guard_message) end
        when j.state = 'compensated' and j.compensation_output is not null then jsonb_build_object('output', j.compensation_output)
        else '{}'::jsonb end,
      v_domain || '@' || coalesce(j.message->>'consumer', 'unknown')
    from judged j join claimed c on c.message_id = j.message_id
    where j.judgement = 'answered' and coalesce(j.message_headers->>'notify', 'false') <> 'true'
    returning r.causation_id, timeline.wire(r) as row
  )
  select j.ordinal, j.message_id,
    case when j.judgement in ('foreign', 'later') then j.judgement when c.message_id is null then 'skip' else j.judgement end,
    c.attempts,
    case when c.message_id is not null and j.judgement = 'run' then jsonb_build_object(
      'messageId', j.message_id, 'type', j.message_type, 'sagaId', j.correlation_id, 'saga', j.saga, 'stepKey', j.step_key,
      'action', j.action, 'attempt', j.attempt, 'traceparent', j.traceparent, 'headers', j.message_headers, 'body', j.message_body)
    end,
    a.row
  from judged j
  left join claimed c on c.message_id = j.message_id and j.judgement not in ('foreign', 'later')
  left join answers a on a.causation_id = j.message_id and j.judgement = 'answered'
  order by j.ordinal;
end $$;

-- As in 0003, within the bounds of 0016.
create or replace function timeline.answer_batch(p_consumer_group text, p_answers jsonb, p_consumer text default 'unknown') returns setof jsonb
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_material = off
set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
declare
  v_domain text := timeline.caller_domain(p_consumer_group);
  v_unclaimed text;
  v_given_up text;
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
  -- Under the step's lock. A claim that stood in this transaction, or wrote `started`, cannot be overtaken so.
  select string_agg(a->>'messageId', ', ') into v_given_up
  from jsonb_array_elements(p_answers) a
  cross join lateral (
    select q.step_key, q.message_type from timeline.event_request q where q.message_id = a->>'messageId' offset 0
  ) r
  cross join lateral (
    select q.state from timeline.step_guard q where q.step_key = r.step_key offset 0
  ) g
  where a->>'outcome' = 'succeeded' and r.message_type = 'step.requested' and g.state in ('closed', 'blocked');
  if v_given_up is not null then
    raise exception 'given up by the saga since it was claimed: %', v_given_up
      using errcode = '55000', hint = 'Roll back and claim again: it says refused. Claim and answer in one transaction unless the step is external.';
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
    -- Nobody saw what became of the call, or a call before it may have arrived; but it runs no more.
    update timeline.step_guard g set started_until = clock_timestamp(), updated_at = clock_timestamp()
    from answer a
    where g.step_key = a.step_key and g.step_key = any (array(select x.step_key from answer x)) and case
      when a.compensation then a.outcome <> 'succeeded' and g.state = 'compensating'
        and g.compensation_message_id = a.message_id
      else g.state = 'started' and g.command_message_id = a.message_id
        and (a.outcome = 'unknown' or (a.outcome = 'failed' and g.calls > 1) or (a.outcome = 'rejected' and a.notify)) end
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
