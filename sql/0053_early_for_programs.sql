-- PostgreSQL sends a transaction to the connector as soon as its commit stands in the log, a moment before others see its rows.
-- The engine's own consumers wait for a request that may still appear; a program outside the engine was told `skip` at once, and
-- its message was recorded as foreign: the saga stood still until the auditor sent it again. As 0005, but for the wait, which is
-- for what bears an id of ours and was written to Kafka within the last 3 s. Each look is a statement of its own and sees what has
-- been committed since, unless the caller's transaction is of a stricter isolation than read committed.
create or replace function timeline.claim(p_consumer_group text, p_message jsonb, p_external boolean default false)
returns table (message_id text, verdict text, claims integer, request jsonb)
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
#variable_conflict use_column
declare
  v_claimed record;
  v_until timestamptz := case when p_message->'headers'->>'id' ~ '^[0-7][0-9A-HJKMNP-TV-Z]{25}$' then
    least(clock_timestamp() + interval '3 s',
      to_timestamp(greatest(0, least((p_message->>'timestamp')::double precision, 253402300799999)) / 1000) + interval '3 s') end;
begin
  perform timeline.caller_domain(p_consumer_group);
  if exists (select from timeline.consumer_group g where g.consumer_group = p_consumer_group and g.paused) then
    raise exception using errcode = '57EK2', message = format('consumer group %s is paused', p_consumer_group),
      hint = 'Try again later: nothing is lost. `ekiden resume` lets it go on.';
  end if;
  loop
    select c.message_id, c.verdict, c.claims, c.request into v_claimed
    from timeline.claim_batch(p_consumer_group, jsonb_build_array(p_message), p_external) c;
    exit when not found or v_claimed.verdict <> 'foreign' or v_until is null or clock_timestamp() >= v_until;
    perform pg_sleep(0.05);
  end loop;
  if v_claimed is null then return; end if;
  return query
  select coalesce(v_claimed.message_id, case when v_claimed.verdict = 'foreign' then
      timeline.record_foreign(p_consumer_group, p_message, 'the event store has no such request for this group') end),
    case v_claimed.verdict when 'foreign' then 'skip' else v_claimed.verdict end, v_claimed.claims, v_claimed.request;
end $$;
comment on function timeline.claim is 'Claims one message: run, skip, answered or refused; fails with 57EK2 while the group is paused; waits up to 3 s for a request whose transaction cannot be seen yet. With external = true commit before the call, and answer in a second transaction.';
