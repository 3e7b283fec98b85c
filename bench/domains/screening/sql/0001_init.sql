create table screening.examination (
  id text constraint examination_pkey primary key,
  saga_id text not null,
  status text not null,
  score integer not null,
  created_at timestamptz not null default clock_timestamp()
);
