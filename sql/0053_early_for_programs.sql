-- Kafka can bring a message before its request is visible: PostgreSQL sends a transaction to Debezium before other sessions see its
-- rows. As the engine's own consumers, a claim waits for it while the message is new, up to 3 s, instead of recording it as foreign.
-- A transaction stricter than read committed sees the same at every look: its claim fails as one that must be tried again, but for a
-- message whose time lies far ahead, which may be old. What the event store holds but asks of somebody else is known at once.
create or replace function timeline.claim(p_consumer_group text, p_message jsonb, p_external boolean default false)
returns table (message_id text, verdict text, claims integer, request jsonb)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
  v_claimed record;
  v_id text := p_message->'headers'->>'id';
  v_written timestamptz := to_timestamp(greatest(0, least((p_message->>'timestamp')::double precision, 253402300799999)) / 1000);
  v_until timestamptz := case when v_id ~ '^[0-7][0-9A-HJKMNP-TV-Z]{25}$' then
    least(clock_timestamp() + interval '3 s', v_written + interval '3 s') end;
  v_held boolean := false;
begin
  perform timeline.caller_domain(p_consumer_group);
  if exists (select from timeline.consumer_group g where g.consumer_group = p_consumer_group and g.paused) then
    raise exception using errcode = '57EK2', message = format('consumer group %s is paused', p_consumer_group),
      hint = 'Try again later: nothing is lost. `ekiden resume` lets it go on.';
  end if;
  loop
    select c.message_id, c.verdict, c.claims, c.request into v_claimed
    from timeline.claim_batch(p_consumer_group, jsonb_build_array(p_message), p_external) c;
    exit when not found or v_claimed.verdict <> 'foreign' or v_held or v_until is null or clock_timestamp() >= v_until;
    -- It may have appeared between the two looks: it is judged once more.
    v_held := exists (select from timeline.event_request r where r.message_id = v_id);
    continue when v_held;
    if current_setting('transaction_isolation') in ('repeatable read', 'serializable') then
      exit when v_written is null or v_written > clock_timestamp() + interval '3 s';
      raise exception using errcode = '40001', message = format('the request of message %s cannot be seen in this transaction', v_id),
        hint = 'Roll back and claim it again: nothing is lost. In a transaction that is read committed the claim waits for it.';
    end if;
    perform pg_sleep(0.05);
  end loop;
  if v_claimed is null then return; end if;
  return query
  select coalesce(v_claimed.message_id, case when v_claimed.verdict = 'foreign' then
      timeline.record_foreign(p_consumer_group, p_message, 'the event store has no such request for this group') end),
    case v_claimed.verdict when 'foreign' then 'skip' else v_claimed.verdict end, v_claimed.claims, v_claimed.request;
end $$;
comment on function timeline.claim is 'Claims one message: run, skip, answered or refused; fails with 57EK2 while the group is paused; waits up to 3 s for a request whose transaction cannot be seen yet, or fails with 40001 where its own transaction never sees it. With external = true commit before the call, and answer in a second transaction.';
