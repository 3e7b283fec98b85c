-- A completed child that its parent takes back keeps its status; while its compensation is parked it is among the open
-- sagas, as parked, so that a person finds it.

insert into timeline.saga_open (saga_id, definition, status)
select s.id, s.definition, 'parked' from timeline.saga s
where s.parent_id is not null and s.status = 'completed' and s.state->>'reversal' = 'running' and s.state ? 'parked'
on conflict do nothing;

comment on table timeline.saga_open is
  'Sagas that are not final, and completed children that are parked while they are taken back; a business key is unique among them.';
