create table screening.screening (
  id text collate "C" not null,
  step_key text not null,
  application_id text not null,
  result text not null,
  score integer not null,
  reasons text[] not null,
  examined_at timestamptz not null,
  voided_at timestamptz,
  constraint screening_pkey primary key (id),
  constraint screening_step_key_once unique (step_key),
  constraint screening_result_known check (result in ('approved', 'manual_review', 'rejected')),
  constraint screening_voided_after_examined check (voided_at >= examined_at)
);
create index screening_application_id on screening.screening (application_id);

comment on table screening.screening is 'One row a screening; a voided one keeps its row.';
comment on column screening.screening.id is 'ULID of the screening.';
comment on column screening.screening.step_key is 'The saga step that wrote the row: one effect a step.';
comment on column screening.screening.application_id is
  'The application examined; it belongs to another domain, hence no foreign key.';
comment on column screening.screening.result is 'approved, manual_review or rejected.';
comment on column screening.screening.score is 'Sum of the points table.';
comment on column screening.screening.reasons is 'Every line of the points table that counted, with its points.';
comment on column screening.screening.examined_at is 'When the decision was made.';
comment on column screening.screening.voided_at is 'When the screening was undone; null while it stands.';
