create table calm.effect (
  step_key text collate "C" constraint effect_pkey primary key,
  note text not null
);
