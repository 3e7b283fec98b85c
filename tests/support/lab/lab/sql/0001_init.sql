create table lab.effect (
  step_key text collate "C" constraint effect_pkey primary key,
  saga_id text not null,
  action text not null,
  note text,
  xid xid8 not null default pg_current_xact_id(),
  at timestamptz not null default clock_timestamp(),
  place bigint generated always as identity
);
create table lab.undone (
  step_key text collate "C" constraint undone_pkey primary key,
  saga_id text not null,
  output jsonb,
  at timestamptz not null default clock_timestamp(),
  place bigint generated always as identity
);
