-- Functions of the event store. Those for participants are `security definer`: a domain's role has no grant on the
-- tables, and what it writes is stamped with its own domain.

create function timeline.ulid_time(p_at timestamptz) returns text
language plpgsql immutable strict parallel safe set search_path = pg_catalog as $$
declare
  v_ms bigint := floor(extract(epoch from p_at) * 1000)::bigint;
  v_text text := '';
begin
  for i in 1..10 loop
    v_text := substr('0123456789ABCDEFGHJKMNPQRSTVWXYZ', (v_ms % 32)::int + 1, 1) || v_text;
    v_ms := v_ms / 32;
  end loop;
  return v_text;
end $$;
comment on function timeline.ulid_time is 'The ten characters of a ULID that hold its time.';

create function timeline.ulid_of(p_at timestamptz, p_bytes bytea) returns text
language plpgsql immutable strict parallel safe set search_path = pg_catalog as $$
declare
  v_text text := timeline.ulid_time(p_at);
begin
  for i in 0..15 loop
    v_text := v_text || substr('0123456789ABCDEFGHJKMNPQRSTVWXYZ', get_byte(p_bytes, i) % 32 + 1, 1);
  end loop;
  return v_text;
end $$;
comment on function timeline.ulid_of is 'A ULID from a time and 16 bytes.';

create function timeline.new_ulid() returns text
language sql volatile set search_path = pg_catalog as $$
  select timeline.ulid_of(clock_timestamp(), decode(replace(gen_random_uuid()::text, '-', ''), 'hex'));
$$;
comment on function timeline.new_ulid is 'A new ULID by the database''s clock; its bits of a UUIDv4''s version and variant are fixed, 74 random bits remain.';

create function timeline.iso(p_at timestamptz) returns text
language sql immutable strict parallel safe set search_path = pg_catalog as $$
  select to_char(p_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"');
$$;
comment on function timeline.iso is 'A time in ISO 8601 with microseconds, as the connector writes it.';

create function timeline.ensure_partitions(p_ahead integer default 3) returns integer
language plpgsql set search_path = pg_catalog as $$
declare
  v_first date := (date_trunc('month', clock_timestamp() at time zone 'UTC') - interval '1 month')::date;
  v_month date;
  v_name text;
  v_made integer := 0;
begin
  -- Two engines that start at once would both try to make the same partition.
  perform pg_advisory_xact_lock(hashtextextended('ensure_partitions', 3));
  for i in 0..p_ahead + 1 loop
    v_month := (v_first + make_interval(months => i))::date;
    v_name := 'event_request_' || to_char(v_month, 'YYYYMM');
    if to_regclass('timeline.' || v_name) is null then
      execute format('create table timeline.%I partition of timeline.event_request for values from (%L) to (%L)', v_name,
        timeline.ulid_time(v_month::timestamp at time zone 'UTC') || repeat('0', 16),
        timeline.ulid_time((v_month + interval '1 month') at time zone 'UTC') || repeat('0', 16));
      v_made := v_made + 1;
    end if;
  end loop;
  return v_made;
end $$;
comment on function timeline.ensure_partitions is 'Makes the monthly partitions of event_request from last month to p_ahead months ahead. Returns how many were made.';

select timeline.ensure_partitions();

create function timeline.lock_saga(p_saga_id text) returns void
language sql volatile set search_path = pg_catalog as $$
  select pg_advisory_xact_lock(hashtextextended(p_saga_id, 1));
$$;
comment on function timeline.lock_saga is 'The first statement of every transaction that changes a saga.';

create function timeline.lock_sagas(p_saga_ids text[]) returns void
language plpgsql volatile set search_path = pg_catalog as $$
begin
  -- In the order of the keys themselves, so that two transactions never wait for each other in a circle.
  perform pg_advisory_xact_lock(k.lock_key)
  from (select distinct hashtextextended(id, 1) as lock_key from unnest(p_saga_ids) id order by 1) k;
end $$;
comment on function timeline.lock_sagas is 'Locks several sagas in key order.';

create function timeline.lock_step(p_step_key text) returns void
language sql volatile set search_path = pg_catalog as $$
  select pg_advisory_xact_lock(hashtextextended(p_step_key, 2));
$$;
comment on function timeline.lock_step is 'A participant''s lock: on its step alone, so that a slow handler holds up nobody else.';

create function timeline.settle_step(p_step_key text, p_saga_id text, p_keep_started boolean default false) returns jsonb
language plpgsql volatile set search_path = pg_catalog as $$
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
  if v_guard.state = 'started' then
    if v_guard.started_until > clock_timestamp() then
      return jsonb_build_object('state', 'running');
    end if;
    -- A pivot's unknown end is not written down: a retry must still be able to run it (S9).
    if not p_keep_started then
      update timeline.step_guard set state = 'unknown', updated_at = clock_timestamp() where step_key = p_step_key;
    end if;
    return jsonb_build_object('state', 'unknown');
  end if;
  return jsonb_strip_nulls(jsonb_build_object('state', v_guard.state, 'code', v_guard.code, 'message', v_guard.message))
    || case when v_guard.output is null then '{}'::jsonb else jsonb_build_object('output', v_guard.output) end;
end $$;
comment on function timeline.settle_step is 'Settles a step through its guard for a transition that gives it up: no row becomes closed, started becomes unknown, any other state wins and is returned; a step that runs now says running.';

create function timeline.reopen_step(p_step_key text) returns boolean
language plpgsql volatile set search_path = pg_catalog as $$
begin
  perform pg_advisory_xact_lock(hashtextextended(p_step_key, 2));
  delete from timeline.step_guard where step_key = p_step_key and state = 'rejected';
  return found;
end $$;
comment on function timeline.reopen_step is 'Takes a rejection off the guard, for a retry that names its code in `also`.';

create function timeline.keep_step(p_step_key text) returns boolean
language plpgsql volatile set search_path = pg_catalog as $$
begin
  if not pg_try_advisory_xact_lock(hashtextextended(p_step_key, 2)) then
    return false;
  end if;
  update timeline.step_guard set state = 'kept', updated_at = clock_timestamp()
  where step_key = p_step_key and state in ('done', 'unknown', 'compensating');
  return true;
end $$;
comment on function timeline.keep_step is 'Gives a compensation up: the step''s effect is kept. False: the compensation runs now.';

create function timeline.wire(p_request timeline.event_request) returns jsonb
language sql stable set search_path = pg_catalog as $$
  select jsonb_build_object(
    'messageId', p_request.message_id, 'topic', p_request.topic, 'key', p_request.message_key,
    'value', p_request.message_body::text, 'requestedAt', p_request.requested_at, 'xid', p_request.xid::text,
    'headers', jsonb_build_object(
      'id', p_request.message_id, 'correlation_id', p_request.correlation_id, 'causation_id', p_request.causation_id,
      'type', p_request.message_type, 'producer', p_request.producer, 'saga', p_request.saga,
      'step_key', p_request.step_key, 'action', p_request.action, 'attempt', p_request.attempt::text,
      'traceparent', p_request.traceparent, 'headers', p_request.message_headers::text,
      'ce_id', p_request.message_id, 'ce_type', p_request.message_type, 'ce_source', p_request.producer,
      'ce_subject', p_request.correlation_id, 'ce_time', timeline.iso(p_request.requested_at),
      'ce_specversion', '1.0', 'content-type', 'application/json'));
$$;
comment on function timeline.wire is 'A request as it looks on the wire: key, headers and body, the same on every transport.';

create function timeline.caller_domain(p_consumer_group text) returns text
language plpgsql stable security definer set search_path = pg_catalog as $$
declare
  v_domain text;
begin
  select l.domain into v_domain from timeline.domain_login l where l.role_name = session_user;
  if v_domain is null then
    if pg_has_role(session_user, (select nspowner from pg_namespace where nspname = 'timeline'), 'member') then
      return split_part(p_consumer_group, '.', 1);
    end if;
    raise exception 'role % belongs to no domain', session_user using errcode = '42501';
  end if;
  if v_domain <> split_part(p_consumer_group, '.', 1) then
    raise exception 'role % may not consume as group %', session_user, p_consumer_group using errcode = '42501';
  end if;
  return v_domain;
end $$;
comment on function timeline.caller_domain is 'Domain of the calling role; refuses a group that is not its own.';

create function timeline.record_foreign(p_consumer_group text, p_message jsonb, p_reason text) returns text
language plpgsql volatile security definer set search_path = pg_catalog as $$
declare
  v_at timestamptz := coalesce(to_timestamp((p_message->>'timestamp')::double precision / 1000), clock_timestamp());
  v_place text := format('%s/%s/%s', p_message->>'topic', p_message->>'partition', p_message->>'offset');
  v_id text := timeline.ulid_of(v_at, substring(sha256(convert_to(v_place, 'UTF8')) from 1 for 16));
begin
  perform timeline.caller_domain(p_consumer_group);
  insert into timeline.event_consumption as c (consumer_group, message_id, foreign_id, topic, message_key, partition,
    "offset", consumer, recorded_at, received_at, consumed_at, error_flag, error_code, error_message, message_headers, message_body)
  values (p_consumer_group, v_id, coalesce(p_message->'headers'->>'id', p_message->'headers'->>'ce_id'),
    p_message->>'topic', p_message->>'key', (p_message->>'partition')::integer, (p_message->>'offset')::bigint,
    coalesce(p_message->>'consumer', 'unknown'), v_at, coalesce((p_message->>'receivedAt')::timestamptz, clock_timestamp()),
    clock_timestamp(), true, 'message.foreign', p_reason, p_message->'headers', to_jsonb(p_message->>'value'))
  on conflict (consumer_group, message_id) do update set attempts = c.attempts + 1, consumed_at = clock_timestamp();
  insert into timeline.event_consumption_failure (consumer_group, message_id, attempt, topic, partition, "offset", consumer, code, message)
  select c.consumer_group, c.message_id, c.attempts, c.topic, c.partition, c."offset", c.consumer, c.error_code, c.error_message
  from timeline.event_consumption c where c.consumer_group = p_consumer_group and c.message_id = v_id;
  return v_id;
end $$;
comment on function timeline.record_foreign is 'Records a message that the event store did not ask for as an error row; the consumer goes on. Returns the id made for it.';

-- The claim. Locks the steps, claims the messages, consults the guards, answers what is settled already.
-- p_messages: array of {topic, partition, offset, timestamp (ms), receivedAt, key, headers, consumer, answerId}.
create function timeline.claim_batch(p_consumer_group text, p_messages jsonb, p_external boolean default false)
returns table (ordinal integer, message_id text, verdict text, claims integer, request jsonb, answer jsonb)
language plpgsql volatile security definer set search_path = pg_catalog as $$
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
    update timeline.step_guard g set state = 'compensating', updated_at = clock_timestamp()
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
comment on function timeline.claim_batch is 'Claims messages for a consumer group under their steps'' locks. Verdicts: run, skip (done before), answered (with the stored outcome), refused (the saga gave the step up), foreign (not recorded yet: call record_foreign), later (same step earlier in this batch).';

create function timeline.claim(p_consumer_group text, p_message jsonb, p_external boolean default false)
returns table (message_id text, verdict text, claims integer, request jsonb)
language plpgsql volatile security definer set search_path = pg_catalog as $$
#variable_conflict use_column
begin
  return query
  select coalesce(c.message_id, case when c.verdict = 'foreign' then
      timeline.record_foreign(p_consumer_group, p_message, 'the event store has no such request for this group') end),
    case c.verdict when 'foreign' then 'skip' else c.verdict end, c.claims, c.request
  from timeline.claim_batch(p_consumer_group, jsonb_build_array(p_message), p_external) c;
end $$;
comment on function timeline.claim is 'Claims one message: run, skip, answered or refused. With external = true commit before the call, and answer in a second transaction.';

-- p_answers: array of {messageId, answerId, outcome, body}. Returns the events that were written.
create function timeline.answer_batch(p_consumer_group text, p_answers jsonb, p_consumer text default 'unknown') returns setof jsonb
language plpgsql volatile security definer set search_path = pg_catalog as $$
#variable_conflict use_column
declare
  v_domain text := timeline.caller_domain(p_consumer_group);
  v_unclaimed text;
begin
  perform pg_advisory_xact_lock(k.lock_key)
  from (
    select distinct hashtextextended(r.step_key, 2) as lock_key
    from jsonb_array_elements(p_answers) a join timeline.event_request r on r.message_id = a->>'messageId'
    order by 1
  ) k;
  select string_agg(a->>'messageId', ', ') into v_unclaimed
  from jsonb_array_elements(p_answers) a
  left join timeline.event_consumption c on c.consumer_group = p_consumer_group and c.message_id = a->>'messageId'
    and c.consumed_at is null and not c.error_flag
  where c.message_id is null or coalesce(a->>'outcome', '') not in ('succeeded', 'rejected', 'failed', 'unknown');
  if v_unclaimed is not null then
    raise exception 'not claimed by group %, or of an unknown outcome: %', p_consumer_group, v_unclaimed
      using errcode = '55000', hint = 'Call timeline.claim first, in the same transaction unless the step is external.';
  end if;
  return query
  with answer as (
    select a->>'messageId' as message_id, a->>'answerId' as answer_id, a->>'outcome' as outcome, a->'body' as body,
      r.correlation_id, r.message_key, r.message_type, r.saga, r.step_key, r.action, r.attempt, r.traceparent,
      r.message_headers, r.message_body, coalesce(r.message_headers->>'notify', 'false') = 'true' as notify,
      r.message_type = 'compensation.requested' as compensation
    from jsonb_array_elements(p_answers) a
    join timeline.event_request r on r.message_id = a->>'messageId'
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
  ), not_sent as (
    -- The call never left: the `started` that it wrote is taken back, unless an earlier call may have arrived.
    delete from timeline.step_guard g using answer a
    where not a.compensation and a.outcome = 'failed' and g.step_key = a.step_key and g.state = 'started'
      and g.command_message_id = a.message_id and g.calls = 1
  ), ended as (
    -- The call threw: nobody saw what became of it, but it runs no more.
    update timeline.step_guard g set started_until = clock_timestamp(), updated_at = clock_timestamp()
    from answer a
    where not a.compensation and a.outcome = 'unknown' and g.step_key = a.step_key and g.state = 'started'
      and g.command_message_id = a.message_id
  ), consumed as (
    update timeline.event_consumption c set consumed_at = clock_timestamp(),
      error_flag = a.outcome in ('failed', 'unknown') or (a.notify and a.outcome = 'rejected'),
      error_code = case when a.outcome <> 'succeeded' then coalesce(a.body->>'code', 'failed') end,
      error_message = case when a.outcome <> 'succeeded' then a.body->>'message' end,
      message_headers = case when a.outcome in ('failed', 'unknown') then a.message_headers else c.message_headers end,
      message_body = case when a.outcome in ('failed', 'unknown') then a.message_body else c.message_body end
    from answer a
    where c.consumer_group = p_consumer_group and c.message_id = a.message_id
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
comment on function timeline.answer_batch is 'Answers claimed messages: settles the guards, ends the consumptions, writes the events. Returns the written events.';

create function timeline.answer(p_consumer_group text, p_message_id text, p_outcome text, p_body jsonb) returns text
language plpgsql volatile security definer set search_path = pg_catalog as $$
declare
  v_event jsonb;
begin
  select e into v_event from timeline.answer_batch(p_consumer_group, jsonb_build_array(jsonb_build_object(
    'messageId', p_message_id, 'outcome', p_outcome, 'body', coalesce(p_body, '{}'::jsonb)))) e;
  return v_event->>'messageId';
end $$;
comment on function timeline.answer is 'Answers one claimed message: outcome succeeded, rejected, failed or unknown. Returns the id of the event, null for a notify.';

-- Projections: one claim a message; the projection's writes follow in the same transaction.
create function timeline.claim_projection_batch(p_consumer_group text, p_messages jsonb)
returns table (ordinal integer, verdict text, event jsonb)
language plpgsql volatile security definer set search_path = pg_catalog as $$
#variable_conflict use_column
begin
  perform timeline.caller_domain(p_consumer_group);
  return query
  with incoming as (
    select (m.ordinality - 1)::integer as ordinal, m.value as message, r.*
    from jsonb_array_elements(p_messages) with ordinality m
    left join timeline.event_request r on r.message_id = m.value->'headers'->>'id' and r.topic = m.value->>'topic'
  ), claimed as (
    insert into timeline.event_consumption as c (consumer_group, message_id, correlation_id, topic, message_key, partition,
      "offset", consumer, recorded_at, received_at, consumed_at)
    select distinct on (i.message_id) p_consumer_group, i.message_id, i.correlation_id, i.topic, i.message_key,
      nullif((i.message->>'partition')::integer, -1), nullif((i.message->>'offset')::bigint, -1), coalesce(i.message->>'consumer', 'unknown'),
      to_timestamp((i.message->>'timestamp')::double precision / 1000), (i.message->>'receivedAt')::timestamptz, clock_timestamp()
    from incoming i where i.message_id is not null order by i.message_id, i.ordinal
    on conflict (consumer_group, message_id) do update set attempts = c.attempts + 1, error_flag = false, error_code = null,
      error_message = null, consumed_at = clock_timestamp(), started_at = clock_timestamp(), consumer = excluded.consumer,
      partition = excluded.partition, "offset" = excluded."offset", received_at = excluded.received_at
      where c.error_flag or c.consumed_at is null
    returning c.message_id
  )
  select i.ordinal,
    case when i.message_id is null then 'foreign'
      when c.message_id is null or row_number() over (partition by i.message_id order by i.ordinal) > 1 then 'skip'
      else 'run' end,
    case when c.message_id is not null then jsonb_build_object('messageId', i.message_id, 'type', i.message_type,
      'sagaId', i.correlation_id, 'saga', i.saga, 'stepKey', i.step_key, 'action', i.action, 'at', i.requested_at,
      'body', i.message_body) end
  from incoming i left join claimed c on c.message_id = i.message_id
  order by i.ordinal;
end $$;
comment on function timeline.claim_projection_batch is 'Claims timeline events for a projection. Place -1: read from the event store, not from a topic.';

create function timeline.fail_consumption(p_consumer_group text, p_message jsonb, p_code text, p_error text, p_stack text) returns void
language plpgsql volatile security definer set search_path = pg_catalog as $$
begin
  perform timeline.caller_domain(p_consumer_group);
  insert into timeline.event_consumption as c (consumer_group, message_id, correlation_id, topic, message_key, partition,
    "offset", consumer, recorded_at, received_at, consumed_at, error_flag, error_code, error_message, message_headers, message_body)
  select p_consumer_group, r.message_id, r.correlation_id, r.topic, r.message_key, (p_message->>'partition')::integer,
    (p_message->>'offset')::bigint, coalesce(p_message->>'consumer', 'unknown'),
    to_timestamp((p_message->>'timestamp')::double precision / 1000), (p_message->>'receivedAt')::timestamptz,
    clock_timestamp(), true, p_code, p_error, r.message_headers, r.message_body
  from timeline.event_request r where r.message_id = p_message->'headers'->>'id'
  on conflict (consumer_group, message_id) do update set attempts = c.attempts + 1, error_flag = true, error_code = p_code,
    error_message = p_error, consumed_at = clock_timestamp()
    where c.error_flag or c.consumed_at is null;
  insert into timeline.event_consumption_failure (consumer_group, message_id, attempt, topic, partition, "offset", consumer, code,
    message, stack)
  select c.consumer_group, c.message_id, c.attempts, c.topic, c.partition, c."offset", c.consumer, p_code, p_error, p_stack
  from timeline.event_consumption c
  where c.consumer_group = p_consumer_group and c.message_id = p_message->'headers'->>'id' and c.error_flag
  on conflict do nothing;
end $$;
comment on function timeline.fail_consumption is 'Records a consumption that failed and has no answer (a projection''s).';

-- Functions are executable by everyone unless it is taken away.
revoke execute on all functions in schema timeline from public;

-- The view's columns mean what the tables' columns of the same name mean.
do $$
declare
  v_column record;
begin
  for v_column in
    select v.attname, coalesce(col_description('timeline.event_consumption'::regclass, c.attnum),
      col_description('timeline.event_request'::regclass, r.attnum)) as comment
    from pg_attribute v
    left join pg_attribute c on c.attrelid = 'timeline.event_consumption'::regclass and c.attname = v.attname
    left join pg_attribute r on r.attrelid = 'timeline.event_request'::regclass and r.attname = v.attname
    where v.attrelid = 'timeline.event_consumption_history'::regclass and v.attnum > 0
  loop
    execute format('comment on column timeline.event_consumption_history.%I is %L', v_column.attname, v_column.comment);
  end loop;
end $$;
