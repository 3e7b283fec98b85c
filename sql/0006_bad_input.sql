-- Bad input on topics and in answers: what is not exactly what the event store asked for is an error row, and what no
-- message may carry is refused where it comes in.

-- A projection reads what happened: the topic `timeline`. It could ask for another domain's commands, if it knew their ids.
-- The key and the type of a copy must be those of the event: a copy with another key would be applied out of its saga's order.
create or replace function timeline.claim_projection_batch(p_consumer_group text, p_messages jsonb)
returns table (ordinal integer, verdict text, event jsonb)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp
set enable_seqscan = off set enable_hashjoin = off set enable_mergejoin = off set enable_material = off as $$
#variable_conflict use_column
begin
  perform timeline.caller_domain(p_consumer_group);
  return query
  with incoming as (
    select (m.ordinality - 1)::integer as ordinal, m.value as message, r.*
    from jsonb_array_elements(p_messages) with ordinality m
    left join timeline.event_request r on r.message_id = m.value->'headers'->>'id' and r.topic = m.value->>'topic'
      and r.topic = 'timeline' and r.correlation_id = m.value->>'key'
      and r.message_type = coalesce(nullif(m.value->'headers'->>'type', ''), r.message_type)
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

create function timeline.body_fault(p_value jsonb) returns text
language sql immutable parallel safe set search_path = pg_catalog, pg_temp as $$
  select case
    when jsonb_path_exists(p_value,
        'strict $.** ? (@.type() == "number" && (@ > 9007199254740991 || @ < -9007199254740991))')
      then 'holds a number beyond 2^53 - 1; send it as a text'
    when jsonb_path_exists(p_value, 'strict $.** ? (@.type() == "object").keyvalue() ? (@.key == "__proto__" || @.key == "constructor" || @.key == "prototype")')
      then 'holds a key that no message may have: __proto__, constructor or prototype'
    when jsonb_path_exists(p_value, 'strict $.**{64 to last} ? (@.type() == "object" || @.type() == "array")')
      then 'is nested deeper than 64 levels'
  end;
$$;
comment on function timeline.body_fault is 'Why a value must not travel in a message, null when it may. NUL and half a surrogate pair never get into jsonb.';
revoke execute on function timeline.body_fault(jsonb) from public;

-- The answer of a participant outside the engine says who gave it, as the claim did. And for programs in any language: what the engine's own handlers are held to, they are held to here. A
-- rejection without code or message gets them at once, so that a second asking has the same answer.
create or replace function timeline.answer(p_consumer_group text, p_message_id text, p_outcome text, p_body jsonb) returns text
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_body jsonb := coalesce(p_body, '{}'::jsonb);
  v_fault text := timeline.body_fault(p_body->'output');
  v_consumer text;
  v_event jsonb;
begin
  if jsonb_typeof(v_body) <> 'object' then
    raise exception 'the body of the answer to % is no object', p_message_id using errcode = '22023',
      hint = 'succeeded: {"output": …}; rejected: {"code", "message"}; failed, unknown: {"code", "message", "retryable"}.';
  end if;
  if v_fault is not null then
    raise exception 'the output for % %', p_message_id, v_fault using errcode = '22023',
      hint = 'Roll back, claim again, and answer failed with a code and a message.';
  end if;
  if p_outcome = 'rejected' then
    v_body := v_body || jsonb_build_object('code', coalesce(v_body->>'code', 'rejected'),
      'message', coalesce(v_body->>'message', ''));
  end if;
  select c.consumer into v_consumer from timeline.event_consumption c
  where c.consumer_group = p_consumer_group and c.message_id = p_message_id;
  select e into v_event from timeline.answer_batch(p_consumer_group, jsonb_build_array(jsonb_build_object(
    'messageId', p_message_id, 'outcome', p_outcome, 'body', v_body)), coalesce(v_consumer, 'unknown')) e;
  return v_event->>'messageId';
end $$;

-- As in 0002, and whatever stands in a record as its time, the id made of it is a ULID.
create or replace function timeline.record_foreign(p_consumer_group text, p_message jsonb, p_reason text) returns text
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_ms double precision := (p_message->>'timestamp')::double precision;
  v_at timestamptz := case when v_ms is null then clock_timestamp()
    when v_ms between 0 and 253402300799999 then to_timestamp(v_ms / 1000) else to_timestamp(0) end;
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
