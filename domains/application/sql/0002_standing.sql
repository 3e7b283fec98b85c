-- The read side. Rows change a few times within seconds of each other: room on the page keeps the updates in place.
create table application.standing (
  saga_id text collate "C" not null,
  application_no text not null,
  standing text not null,
  why text,
  since_at timestamptz not null,
  started_at timestamptz not null,
  facts jsonb not null,
  constraint standing_pkey primary key (saga_id),
  constraint standing_standing_known check (
    standing in (
      'received', 'registered', 'in_review', 'approved', 'contracted', 'parked',
      'completed', 'declined', 'cancelled', 'terminated'
    )
  )
) with (fillfactor = 80);
create index standing_application_no on application.standing (application_no);

comment on table application.standing is
  'Read model: where each application stands, kept from timeline events by the consumer group application.standing.';
comment on column application.standing.saga_id is 'The onboarding saga.';
comment on column application.standing.application_no is 'The number on the form.';
comment on column application.standing.standing is
  'received, registered, in_review, approved, contracted, parked; ends as completed, declined, cancelled, terminated.';
comment on column application.standing.why is
  'Score and reasons, reviewer, contract number, or the code of the refusal; null where the standing says it all.';
comment on column application.standing.since_at is 'Time of the event by which standing or why last changed.';
comment on column application.standing.started_at is 'When the application came in.';
comment on column application.standing.facts is 'What the events have told so far; standing and why follow from it.';
