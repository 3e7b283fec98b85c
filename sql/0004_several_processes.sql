-- Several engine processes on one database: the fence that keeps a former owner of the embedded transport from writing,
-- and what domains tell the processes that do not run them.

-- Lock keys of the fence: (4, epoch), in the space of two-part advisory locks, which nothing else uses.
create function timeline.holds_epoch(p_epoch bigint) returns boolean
language plpgsql volatile security definer set search_path = pg_catalog as $$
begin
  -- Lock first, then look (two statements, so two snapshots): whoever sees the old epoch holds the lock already, and the
  -- next owner ends it before it begins. A row lock would make the owner's own renewal wait for every open batch.
  perform pg_advisory_xact_lock_shared(4, p_epoch::integer);
  return exists (select from timeline.topic_log_position where id = 1 and owner is not null and owner_epoch = p_epoch);
end $$;
comment on function timeline.holds_epoch is 'Whether this owner epoch of the embedded transport is the current one, and stays it until this transaction ends: a next owner ends the transaction before it begins.';

create function timeline.fence(p_epoch bigint) returns void
language plpgsql volatile security definer set search_path = pg_catalog as $$
begin
  -- As in holds_epoch, not by a call of it: this runs in every batch, and costs a third less (23 of 35 microseconds).
  perform pg_advisory_xact_lock_shared(4, p_epoch::integer);
  if not exists (select from timeline.topic_log_position where id = 1 and owner is not null and owner_epoch = p_epoch) then
    -- Class 57, operator intervention: no outcome, nothing is recorded, the message comes again wherever it belongs.
    raise exception using errcode = '57EK1', message = format('owner epoch %s is over', p_epoch),
      hint = 'Another engine process owns the embedded transport; this one is its standby.';
  end if;
end $$;
comment on function timeline.fence is 'Fails unless this owner epoch is the current one: the first statement of every transaction that the owner of the embedded transport writes.';

create function timeline.end_former_owner(p_epoch bigint, p_process text) returns integer
language plpgsql volatile set search_path = pg_catalog as $$
declare
  v_pid integer;
  v_left integer := 0;
begin
  for v_pid in
    select l.pid from pg_locks l
    where l.locktype = 'advisory' and l.classid::bigint = 4 and l.objsubid = 2 and l.objid::bigint < p_epoch
      and l.database = (select d.oid from pg_database d where d.datname = current_database())
    union
    -- What else it was doing, its API's calls say: a transaction of a process that is stopped holds locks and the horizon
    -- behind which the outbox is read.
    select a.pid from pg_stat_activity a
    where p_process <> '' and a.datname = current_database() and a.xact_start is not null
      and right(a.application_name, length(p_process) + 1) = ' ' || p_process
      and a.pid <> pg_backend_pid()
  loop
    v_left := v_left + 1;
    begin
      perform pg_terminate_backend(v_pid);
    exception when insufficient_privilege then
      null; -- It is waited for: its own time limits end it.
    end;
  end loop;
  return v_left;
end $$;
comment on function timeline.end_former_owner is 'Ends the transactions that earlier owner epochs have open, and those of the former owner''s process (the last word of its connections'' application name). Returns how many there were: call it until it says 0.';

revoke execute on function timeline.holds_epoch(bigint), timeline.fence(bigint), timeline.end_former_owner(bigint, text) from public;

create table timeline.domain_catalog (
  domain text collate "C" constraint domain_catalog_pkey primary key,
  catalog jsonb not null,
  hash text not null,
  published_at timestamptz not null default clock_timestamp()
);
comment on table timeline.domain_catalog is 'What each domain offers, published by the process that runs it: a process that does not run it checks definitions and inputs by this and loads none of its files.';
comment on column timeline.domain_catalog.domain is 'Name of the domain.';
comment on column timeline.domain_catalog.catalog is 'actions: name → {external, handled, input, output} with JSON schemas (draft 2020-12); projections: names.';
comment on column timeline.domain_catalog.hash is 'SHA-256 of the catalog as it was published; others read it again when this changes.';
comment on column timeline.domain_catalog.published_at is 'When this content was published.';
