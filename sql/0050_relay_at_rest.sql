-- An owner of the embedded transport that has had nothing to do looks at the outbox once a second, and is told of rows that others
-- write meanwhile. Only meanwhile: transactions that notify commit one after another.
alter table timeline.topic_log_position add column resting_epoch bigint;
comment on column timeline.topic_log_position.resting_epoch is 'The owner of this epoch is at rest: it looks at the outbox once a second, and is told of new rows.';

create function timeline.wake_relay() returns trigger
language plpgsql security definer set search_path = pg_catalog, pg_temp as $$
begin
  if exists (
    select from timeline.topic_log_position p
    where p.id = 1 and p.resting_epoch = p.owner_epoch and p.owner_until > clock_timestamp()
  ) then
    perform pg_notify('ekiden_outbox', '');
  end if;
  return null;
end $$;
comment on function timeline.wake_relay is 'Tells an owner of the embedded transport that is at rest that the outbox has new rows.';
revoke execute on function timeline.wake_relay() from public;
create trigger event_request_wake after insert on timeline.event_request
  for each statement execute function timeline.wake_relay();
create trigger event_republish_wake after insert on timeline.event_republish
  for each statement execute function timeline.wake_relay();
