-- As in 0042. A call that hung at a consumer which has lost the message meanwhile ends late: its try is recorded only while the
-- claim is still its own. Else it made a notification that the next consumer had given up look as if it were still tried, and
-- took the number of the failure that the next one was about to write.
create or replace function timeline.fail_try(p_consumer_group text, p_message jsonb, p_claimed boolean, p_code text, p_error text, p_stack text)
returns void
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_domain text := timeline.caller_domain(p_consumer_group);
  v_step_key text;
begin
  select r.step_key into v_step_key
  from timeline.event_request r
  where r.message_id = p_message->'headers'->>'id' and split_part(r.topic, '.', 1) = v_domain
    and r.message_headers->>'notify' = 'true';
  if v_step_key is null then
    return;
  end if;
  -- As every claim of it.
  perform pg_advisory_xact_lock(hashtextextended(v_step_key, 2));
  with claimed as (
    insert into timeline.event_consumption as c (consumer_group, message_id, correlation_id, topic, message_key, partition,
      "offset", consumer, recorded_at, received_at)
    select p_consumer_group, r.message_id, r.correlation_id, r.topic, r.message_key, (p_message->>'partition')::integer,
      (p_message->>'offset')::bigint, coalesce(p_message->>'consumer', 'unknown'),
      to_timestamp((p_message->>'timestamp')::double precision / 1000),
      coalesce((p_message->>'receivedAt')::timestamptz, clock_timestamp())
    from timeline.event_request r where r.message_id = p_message->'headers'->>'id'
    on conflict (consumer_group, message_id) do update set
      attempts = c.attempts + case when p_claimed then 0 else 1 end, error_flag = false, error_code = null,
      error_message = null, consumed_at = null, started_at = clock_timestamp(), consumer = excluded.consumer,
      partition = excluded.partition, "offset" = excluded."offset", recorded_at = excluded.recorded_at,
      received_at = excluded.received_at
      -- A claim that has committed may be another consumer's by now, or over: then its row is not for us.
      where case when p_claimed then c.consumed_at is null and c.consumer = excluded.consumer
        else c.error_flag or c.consumed_at is null end
    returning c.*
  )
  insert into timeline.event_consumption_failure (consumer_group, message_id, attempt, topic, partition, "offset", consumer, code,
    message, stack)
  select c.consumer_group, c.message_id, c.attempts, c.topic, c.partition, c."offset", c.consumer, p_code, p_error, p_stack
  from claimed c
  -- One, two, four, eight, …: what is tried for ever must not fill the store.
  where c.attempts & (c.attempts - 1) = 0
  on conflict do nothing;
end $$;
