-- What a batch begins with, in one statement: on an idle engine, where a batch is one message, the statements of a saga
-- cost the engine and the server more than their work.

-- p_epoch: as `timeline.fence` takes it; null: nobody owns the transport. The fence comes first, then the locks, then what is
-- read, each a statement of its own, so that the snapshot is taken under the locks. The transaction's id comes last: whoever
-- waits for a lock must not have one. What `fence` and `lock_sagas` do stands here and is not called: a call with settings of
-- its own costs as much as the work.
create function timeline.open_events(p_epoch bigint, p_saga_ids text[], p_message_ids text[]) returns json
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
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
  return json_build_object(
    'now', date_trunc('milliseconds', clock_timestamp()),
    'events', (
      select json_agg(json_build_object('message_id', r.message_id, 'correlation_id', r.correlation_id, 'topic', r.topic,
        'message_key', r.message_key, 'message_type', r.message_type, 'saga', r.saga, 'step_key', r.step_key,
        'attempt', r.attempt, 'traceparent', r.traceparent, 'message_body', r.message_body,
        'done', coalesce(c.done, false), 'counted', coalesce(r.message_headers->>'applied' = 'false', false)))
      from unnest(p_message_ids) i (message_id)
      cross join lateral (
        select q.* from timeline.event_request q where q.message_id = i.message_id offset 0
      ) r
      left join lateral (
        select q.consumed_at is not null and not q.error_flag as done from timeline.event_consumption q
        where q.consumer_group = 'dispatcher' and q.message_id = i.message_id offset 0
      ) c on true
    ),
    'sagas', (
      select json_agg(json_build_object('id', s.id, 'definition', s.definition, 'version', s.version,
        'revision', s.revision, 'status', s.status, 'sequence', s.sequence, 'unapplied', s.unapplied, 'key', s.key,
        'input', s.input, 'state', s.state, 'traceparent', s.traceparent, 'writer', s.writer, 'started_at', s.started_at,
        'parent_id', s.parent_id, 'parent_path', s.parent_path))
      from timeline.saga s where s.id = any (p_saga_ids)
    ),
    'xid', pg_current_xact_id()::text
  );
end $$;
comment on function timeline.open_events is 'What a batch of the dispatcher begins with: fence, locks of the sagas, their rows, and the events with whether they are done.';
revoke execute on function timeline.open_events(bigint, text[], text[]) from public;

-- As in 0003, with the fence before the locks, the time, and the id of the transaction behind them. The one of 0003 stays for
-- processes of the version before, which go on during a rolling restart.
create function timeline.open_batch(p_consumer_group text, p_message_ids text[], p_topics text[], p_step_keys text[], p_epoch bigint)
returns table (ordinal integer, verdict text, request jsonb, now timestamptz, xid text)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
set enable_seqscan = off set plan_cache_mode = force_generic_plan as $$
#variable_conflict use_column
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
  -- Of the requests that exist, not of what the headers name: a forged one must not wait for a step of somebody else.
  perform pg_advisory_xact_lock(k.lock_key)
  from (
    select distinct hashtextextended(r.step_key, 2) as lock_key
    from unnest(p_message_ids, p_topics, p_step_keys) i (message_id, topic, step_key)
    cross join lateral (
      select q.step_key from timeline.event_request q
      where q.message_id = i.message_id and q.topic = i.topic and q.step_key = i.step_key
        and split_part(q.topic, '.', 1) = v_domain
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
comment on function timeline.open_batch(text, text[], text[], text[], bigint) is 'Locks the steps of commands and hands out those that nobody has claimed: verdict run. Nothing is written; `close_batch` in the same transaction claims and answers at once. Verdict later: the same step stands earlier in this batch; claim: `claim_batch` must judge it (done before, in error, given up, foreign). p_epoch: as `timeline.fence` takes it, before anything else; null: none.';
revoke execute on function timeline.open_batch(text, text[], text[], text[], bigint) from public;
