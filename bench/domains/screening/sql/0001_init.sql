create table screening.examination (
  id text constraint examination_pkey primary key,
  saga_id text not null constraint examination_saga_id_key unique,
  status text not null,
  score integer not null,
  created_at timestamptz not null default clock_timestamp()
);
