-- Neither table knows a key: whatever is done twice stands there twice.
create table course.effect (
  step_key text collate "C" not null,
  saga_id text not null,
  action text not null,
  xid xid8 not null default pg_current_xact_id()
);
create table course.undone (
  step_key text collate "C" not null,
  saga_id text not null
);
