-- A definition that was published could be started for ever, also when its file was long gone. One that is retired starts no
-- saga any more until it is restored; what runs goes on, with the children it asks for. Publishing another revision writes
-- none of these columns: it stays retired. Processes of the version before do not look at them and go on starting.
alter table timeline.definition add column retired_at timestamptz;
alter table timeline.definition add column retired_by text;
alter table timeline.definition add column retired_reason text;
alter table timeline.definition add constraint definition_retired_check
  check (num_nulls(retired_at, retired_by, retired_reason) in (0, 3));
comment on column timeline.definition.retired_at is 'Since when it starts no saga; null: it is not retired.';
comment on column timeline.definition.retired_by is 'Who retired it.';
comment on column timeline.definition.retired_reason is 'Why it was retired.';

-- The current revisions of definitions that sagas are to be started of. Until the transaction ends none of them is retired or
-- restored: once that has returned, no start that knew nothing of it can commit. A function, since a statement that waits for
-- the lock would read what was there before it waited; here the second statement sees what the first has waited for. In the
-- order of the names, so that two groups of starts and two retirements never wait in a circle.
create function timeline.definitions_to_start(p_names text[])
returns table (name text, revision text, retired_at timestamptz, retired_by text, retired_reason text)
language plpgsql volatile set search_path = pg_catalog, pg_temp as $$
begin
  perform pg_advisory_xact_lock_shared(hashtextextended('start/' || n.name, 3))
  from (select distinct w.name from unnest(p_names) as w (name) order by w.name) n;
  return query
    select d.name, d.revision, d.retired_at, d.retired_by, d.retired_reason
    from timeline.definition d
    where d.name = any (p_names);
end $$;
comment on function timeline.definitions_to_start(text[]) is 'Current revisions for starts; holds off retiring and restoring until the transaction ends.';
revoke execute on function timeline.definitions_to_start(text[]) from public;
