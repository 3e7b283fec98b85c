-- The boundary between domains, as their own roles met it: what a domain could do beyond its part is taken away.

-- `pg_temp` is searched first for types and tables wherever a search path does not name it. With it a domain could make
-- a temporary type called `text` whose check is its own code, and have a function that runs with its owner's rights
-- evaluate it: with these rights. Named last, it is never asked for a name that pg_catalog has.
do $$
declare
  v_function regprocedure;
begin
  for v_function in
    select p.oid from pg_proc p
    where p.pronamespace = 'timeline'::regnamespace and 'search_path=pg_catalog' = any (p.proconfig)
  loop
    execute format('alter function %s set search_path = pg_catalog, pg_temp', v_function);
  end loop;
end $$;

-- A group that is null was nobody's, and no comparison with it refuses.
create or replace function timeline.caller_domain(p_consumer_group text) returns text
language plpgsql stable security definer set search_path = pg_catalog, pg_temp as $$
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
  if v_domain is distinct from split_part(p_consumer_group, '.', 1) then
    raise exception 'role % may not consume as group %', session_user, p_consumer_group using errcode = '42501';
  end if;
  return v_domain;
end $$;

-- Of a message of another domain nothing is recorded, and nothing copied.
create or replace function timeline.fail_consumption(p_consumer_group text, p_message jsonb, p_code text, p_error text, p_stack text) returns void
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_domain text := timeline.caller_domain(p_consumer_group);
begin
  insert into timeline.event_consumption as c (consumer_group, message_id, correlation_id, topic, message_key, partition,
    "offset", consumer, recorded_at, received_at, consumed_at, error_flag, error_code, error_message, message_headers, message_body)
  select p_consumer_group, r.message_id, r.correlation_id, r.topic, r.message_key, (p_message->>'partition')::integer,
    (p_message->>'offset')::bigint, coalesce(p_message->>'consumer', 'unknown'),
    to_timestamp((p_message->>'timestamp')::double precision / 1000), (p_message->>'receivedAt')::timestamptz,
    clock_timestamp(), true, p_code, p_error, r.message_headers, r.message_body
  from timeline.event_request r
  where r.message_id = p_message->'headers'->>'id' and split_part(r.topic, '.', 1) in ('timeline', v_domain)
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

-- A participant outside the engine does not see that its group was paused: its claim says so, as no outcome (class 57), and
-- the message is tried again until the group is resumed. The engine claims in batches, and stops by itself.
create or replace function timeline.claim(p_consumer_group text, p_message jsonb, p_external boolean default false)
returns table (message_id text, verdict text, claims integer, request jsonb)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
begin
  perform timeline.caller_domain(p_consumer_group);
  if exists (select from timeline.consumer_group g where g.consumer_group = p_consumer_group and g.paused) then
    raise exception using errcode = '57EK2', message = format('consumer group %s is paused', p_consumer_group),
      hint = 'Try again later: nothing is lost. `ekiden resume` lets it go on.';
  end if;
  return query
  select coalesce(c.message_id, case when c.verdict = 'foreign' then
      timeline.record_foreign(p_consumer_group, p_message, 'the event store has no such request for this group') end),
    case c.verdict when 'foreign' then 'skip' else c.verdict end, c.claims, c.request
  from timeline.claim_batch(p_consumer_group, jsonb_build_array(p_message), p_external) c;
end $$;
comment on function timeline.claim is 'Claims one message: run, skip, answered or refused; fails with 57EK2 while the group is paused. With external = true commit before the call, and answer in a second transaction.';
