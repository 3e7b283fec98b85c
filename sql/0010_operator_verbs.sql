-- A person may say how a step or a compensation has ended, leave it out, or stop a saga: their guards must say so as well.

create function timeline.resolve_step(p_step_key text, p_saga_id text, p_output jsonb) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
begin
  perform pg_advisory_xact_lock(hashtextextended(p_step_key, 2));
  insert into timeline.step_guard as g (step_key, saga_id, state, output)
  values (p_step_key, p_saga_id, 'done', coalesce(p_output, 'null'))
  on conflict (step_key) do update set state = 'done', code = null, message = null, output = excluded.output,
    updated_at = clock_timestamp()
  where g.state in ('started', 'closed', 'rejected', 'unknown');
end $$;
comment on function timeline.resolve_step is 'A person says that a step is done, with this result. What has been done or undone stays as it is.';

create function timeline.resolve_compensation(p_step_key text, p_output jsonb) returns void
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
begin
  perform pg_advisory_xact_lock(hashtextextended(p_step_key, 2));
  update timeline.step_guard set state = 'compensated', compensation_output = p_output, updated_at = clock_timestamp()
  where step_key = p_step_key and state in ('done', 'unknown', 'compensating');
end $$;
comment on function timeline.resolve_compensation is 'A person says that a compensation is done, with this result.';

create function timeline.close_notifications(p_saga_id text) returns jsonb
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
declare
  v_running boolean := false;
  v_step_key text;
begin
  for v_step_key in
    select r.step_key from timeline.event_request r
    where r.correlation_id = p_saga_id and r.message_type = 'step.requested' and r.message_headers->>'notify' = 'true'
    order by r.step_key
  loop
    if timeline.settle_step(v_step_key, p_saga_id)->>'state' = 'running' then
      v_running := true;
    end if;
  end loop;
  return jsonb_build_object('state', case when v_running then 'running' else 'closed' end);
end $$;
comment on function timeline.close_notifications is 'Closes the notifications of a terminated saga that nobody has taken or that have failed, so that no rewind runs them. One that runs now says running.';

revoke execute on function timeline.resolve_step(text, text, jsonb), timeline.resolve_compensation(text, jsonb),
  timeline.close_notifications(text) from public;
