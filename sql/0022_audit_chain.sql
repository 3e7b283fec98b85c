-- The audit is append-only and a chain: each row's hash holds the one before it, so that a row that was changed, taken
-- out or slipped in later is found (`ekiden audit --verify`).

create table timeline.audit_chain (
  position bigint constraint audit_chain_pkey primary key,
  audit_id text collate "C" not null
    constraint audit_chain_audit_id_key unique
    constraint audit_chain_audit_id_fkey references timeline.audit (id),
  hash bytea not null constraint audit_chain_hash_check check (octet_length(hash) = 32)
);
comment on table timeline.audit_chain is 'The rows of the audit in the order in which they were committed, each sealed by a hash over itself and all before it.';
comment on column timeline.audit_chain.position is 'From 1, without a gap.';
comment on column timeline.audit_chain.audit_id is 'The row.';
comment on column timeline.audit_chain.hash is 'SHA-256 of the hash before (32 zero bytes for the first) and the row as audit_sealed writes it.';

-- What of a row is sealed, as bytes that are the same in every session: times in UTC to the microsecond.
create function timeline.audit_sealed(a timeline.audit) returns bytea
language sql stable
set search_path = pg_catalog, pg_temp
as $$
  select convert_to(
    jsonb_build_array(
      a.id, to_char(a.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), a.actor, a.action, a.target, a.reason, a.before, a.after
    )::text,
    'UTF8'
  )
$$;
comment on function timeline.audit_sealed(timeline.audit) is 'The bytes of a row of the audit that its hash is over.';

-- At commit, when the transaction takes no other lock any more: whoever acts on sagas and groups in whatever order meets
-- here last of all, so that nobody who holds this lock waits for anybody.
create function timeline.seal_audit() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
declare
  last record;
begin
  perform pg_advisory_xact_lock(hashtextextended('audit_chain', 3));
  select c.position, c.hash into last from timeline.audit_chain c order by c.position desc limit 1;
  insert into timeline.audit_chain (position, audit_id, hash)
  values (
    coalesce(last.position, 0) + 1,
    new.id,
    sha256(coalesce(last.hash, decode(repeat('00', 32), 'hex')) || timeline.audit_sealed(new))
  );
  return null;
end
$$;
comment on function timeline.seal_audit() is 'Adds a row of the audit to the chain.';

create function timeline.refuse_audit_change() returns trigger
language plpgsql
set search_path = pg_catalog, pg_temp
as $$
begin
  raise exception 'timeline.% is append-only', tg_table_name using errcode = 'insufficient_privilege';
end
$$;
comment on function timeline.refuse_audit_change() is 'The audit is never changed.';

-- What was written before there was a chain stands in it in the order of its times.
do $$
declare
  entry timeline.audit;
  place bigint := 0;
  previous bytea := decode(repeat('00', 32), 'hex');
begin
  for entry in select a.* from timeline.audit a order by a.at, a.id loop
    place := place + 1;
    previous := sha256(previous || timeline.audit_sealed(entry));
    insert into timeline.audit_chain (position, audit_id, hash) values (place, entry.id, previous);
  end loop;
end
$$;

create constraint trigger audit_seal after insert on timeline.audit
  deferrable initially deferred for each row execute function timeline.seal_audit();
create trigger audit_append_only before update or delete or truncate on timeline.audit
  for each statement execute function timeline.refuse_audit_change();
create trigger audit_chain_append_only before update or delete or truncate on timeline.audit_chain
  for each statement execute function timeline.refuse_audit_change();

revoke all on function timeline.audit_sealed(timeline.audit), timeline.seal_audit(), timeline.refuse_audit_change() from public;
