create table application.application (
  id text collate "C" not null,
  step_key text not null,
  number text not null,
  status text not null,
  name text not null,
  email text not null,
  age integer not null,
  housing text not null,
  job text not null,
  checking text not null,
  savings text not null,
  amount numeric not null,
  months integer not null,
  purpose text not null,
  registered_at timestamptz not null,
  cancelled_at timestamptz,
  constraint application_pkey primary key (id),
  constraint application_step_key_once unique (step_key),
  constraint application_status_known check (status in ('registered', 'cancelled')),
  constraint application_cancelled_has_time check ((status = 'cancelled') = (cancelled_at is not null)),
  constraint application_age_of_consent check (age between 18 and 120),
  constraint application_housing_known check (housing in ('own', 'rent', 'free')),
  constraint application_amount_positive check (amount >= 1),
  constraint application_months_bounded check (months between 1 and 120)
);
create index application_number on application.application (number);

comment on table application.application is 'One row an application; a cancelled one keeps its row.';
comment on column application.application.id is 'ULID of the application.';
comment on column application.application.step_key is 'The saga step that wrote the row: one effect a step.';
comment on column application.application.number is
  'The number on the form. Not unique: who was cancelled may apply again.';
comment on column application.application.status is 'registered, or cancelled once the step was compensated.';
comment on column application.application.name is 'Name of the applicant.';
comment on column application.application.email is 'E-mail address as given; nobody has checked it.';
comment on column application.application.age is 'Age in years.';
comment on column application.application.housing is 'own, rent or free.';
comment on column application.application.job is 'Kind of work, in the words of the form.';
comment on column application.application.checking is 'State of the checking account, in the words of the form.';
comment on column application.application.savings is 'State of the savings account, in the words of the form.';
comment on column application.application.amount is 'Credit asked for, in currency units.';
comment on column application.application.months is 'Months until the credit is paid back.';
comment on column application.application.purpose is 'What the credit is for, in the words of the form.';
comment on column application.application.registered_at is 'When the application was taken in.';
comment on column application.application.cancelled_at is 'When it was cancelled; null while it stands.';
