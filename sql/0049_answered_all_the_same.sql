-- As in 0032. A notification whose call was under way when its group was told to pass over it: a call that succeeds all the same is
-- answered as such. Else the store said of what was done that it had been passed over, and the step stayed `started` for ever.
-- One that was passed over and never claimed carries the name of whoever asked for it, and has no answer.
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
    where q.consumer_group = p_consumer_group and q.message_id = a->>'messageId' and case
      when q.consumed_at is null then not q.error_flag
      else q.error_code = 'message.skipped' and q.consumer = p_consumer and a->>'outcome' = 'succeeded' end
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
