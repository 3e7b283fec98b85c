create table rough.effect (
  step_key text collate "C" constraint effect_pkey primary key,
  note text not null
);
create table rough.undone (
  step_key text collate "C" constraint undone_pkey primary key
);
create table rough.ended (
  saga_id text collate "C" constraint ended_pkey primary key
);
