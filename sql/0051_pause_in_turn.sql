-- Every start, signal, call and firing of timers looks whether the dispatcher is paused, and holds a share of its row until it has
-- ended, so that a pause returns when none of them is left that knew nothing of it. PostgreSQL lets a share through beside others
-- whoever waits for the whole row: while they overlapped, the pause waited on (measured under load of three processes: 47 s). A
-- lock that is queued for comes first: those that come behind a pause wait for it. The share of the row stays, for a process of the
-- version before pauses by that alone.
create function timeline.dispatcher_paused() returns boolean
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
declare
  v_paused boolean;
begin
  perform pg_advisory_xact_lock_shared(hashtextextended('pause/dispatcher', 3));
  -- A statement of its own: it sees what the first has waited for.
  select g.paused into v_paused from timeline.consumer_group g where g.consumer_group = 'dispatcher' for share;
  return coalesce(v_paused, false);
end $$;
comment on function timeline.dispatcher_paused() is 'Whether the dispatcher is paused; holds off pausing and resuming it until the transaction ends.';
revoke execute on function timeline.dispatcher_paused() from public;
