-- What a statement costs however few rows it has: on an idle engine a batch is one message, so these costs are most of
-- what a saga takes; under load they are shared by a batch.

-- A trigger with a transition table costs every statement 110 µs of the server's time (of 300 for one row). A row needs to
-- be asked for only if it goes elsewhere than to `timeline`, which every process makes before it writes anything, and once a
-- topic in each transaction: asking for every row took 48 µs of each.
drop trigger event_request_topic on timeline.event_request;
drop function timeline.require_topics();
create function timeline.require_topic() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if not exists (select from timeline.topic t where t.name = new.topic) then
    raise exception 'no such topic: %', new.topic using errcode = '23503',
      hint = 'Topics are made when an engine process starts whose domains have their handlers.';
  end if;
  perform set_config('ekiden.topics', coalesce(current_setting('ekiden.topics', true), '') || ' ' || new.topic || ' ', true);
  return new;
end $$;
comment on function timeline.require_topic is 'Every request goes to a topic that exists in timeline.topic. What was found is kept in `ekiden.topics` until the transaction ends.';
revoke execute on function timeline.require_topic() from public;
create trigger event_request_topic before insert on timeline.event_request for each row
  when (new.topic <> 'timeline' and strpos(coalesce(current_setting('ekiden.topics', true), ''), ' ' || new.topic || ' ') = 0)
  execute function timeline.require_topic();

-- One function instead of two: each has its own settings, plan and result to hand on.
drop function timeline.close_batch(text, jsonb, text);
create or replace function timeline.close_batch(p_consumer_group text, p_rows jsonb, p_consumer text, p_answers integer)
returns table (message_id text, requested_at text, xid text, body text)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_material = off as $$
#variable_conflict use_column
declare
  v_domain text := timeline.caller_domain(p_consumer_group);
  v_written bigint;
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
  get diagnostics v_written = row_count;
  if v_written is distinct from p_answers then
    raise exception '% answers were due, % were written', p_answers, v_written using errcode = '55000',
      hint = 'A command of the batch was taken meanwhile, or its step has moved: open it again.';
  end if;
end $$;
comment on function timeline.close_batch(text, jsonb, text, integer) is 'Ends commands that `open_batch` handed out in this transaction and that succeeded: consumption, guard and answer in one go. Returns the answers that were written; fails (55000) when another number of them was written than was due: one for every row but notifications.';

-- Of a batch of one message the planner takes a plan of its own to be cheaper, and makes it anew each time: 1.5 ms of 2 for
-- `open_batch`. These functions allow one kind of plan only, which serves any number of rows.
alter function timeline.open_batch(text, text[], text[], text[]) set plan_cache_mode = force_generic_plan;
alter function timeline.close_batch(text, jsonb, text, integer) set plan_cache_mode = force_generic_plan;
alter function timeline.claim_batch(text, jsonb, boolean) set plan_cache_mode = force_generic_plan;
alter function timeline.answer_batch(text, jsonb, text) set plan_cache_mode = force_generic_plan;
alter function timeline.claim_projection_batch(text, jsonb) set plan_cache_mode = force_generic_plan;
