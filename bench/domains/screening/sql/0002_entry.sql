create table screening.entry (
  id text constraint entry_pkey primary key,
  saga_id text not null,
  status text not null,
  amount integer not null,
  created_at timestamptz not null default clock_timestamp()
);
