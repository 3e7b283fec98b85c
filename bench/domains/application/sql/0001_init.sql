create table application.application (
  id text constraint application_pkey primary key,
  saga_id text not null,
  status text not null,
  applicant text not null,
  amount integer not null,
  created_at timestamptz not null default clock_timestamp()
);
