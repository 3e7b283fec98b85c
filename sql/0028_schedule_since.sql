-- A definition is current since its last edit, its schedule since the last change of the schedule. Planned times counted from
-- the former: one that passed while no engine ran was lost when the file had been edited meanwhile, were it in a comment.
-- Processes of the version before write neither column; the next publication by one that knows them puts that right.
alter table timeline.definition add column schedule text;
alter table timeline.definition add column scheduled_since timestamptz;
update timeline.definition set scheduled_since = updated_at;
alter table timeline.definition alter column scheduled_since set default clock_timestamp();
alter table timeline.definition alter column scheduled_since set not null;
comment on column timeline.definition.schedule is 'Line of cron and time zone of its schedule; empty: it has none; null: not known, of an engine that did not write it.';
comment on column timeline.definition.scheduled_since is 'Since when planned times count: when that schedule was first published or last changed.';
