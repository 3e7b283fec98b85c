-- No unique key over the step: a second effect would have to show.
create table appraisal.appraised (
  id bigint generated always as identity constraint appraised_pkey primary key,
  step_key text not null,
  item text not null,
  price bigint not null
);
comment on table appraisal.appraised is 'Each appraisal that took effect.';
comment on column appraisal.appraised.id is 'Counter.';
comment on column appraisal.appraised.step_key is 'The step that appraised.';
comment on column appraisal.appraised.item is 'What was appraised.';
comment on column appraisal.appraised.price is 'What it is said to be worth.';

create table appraisal.withdrawn (
  id bigint generated always as identity constraint withdrawn_pkey primary key,
  step_key text not null,
  price bigint
);
comment on table appraisal.withdrawn is 'Each appraisal that was taken back.';
comment on column appraisal.withdrawn.id is 'Counter.';
comment on column appraisal.withdrawn.step_key is 'The step that had appraised.';
comment on column appraisal.withdrawn.price is 'Its price.';
