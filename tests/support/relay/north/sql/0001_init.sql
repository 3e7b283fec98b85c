-- No key but the row itself: a step that ran twice must show as two rows.
create table north.effect (
  step_key text not null,
  saga_id text not null,
  action text not null,
  at timestamptz not null default clock_timestamp()
);
create table north.undone (
  step_key text not null,
  saga_id text not null,
  at timestamptz not null default clock_timestamp()
);
