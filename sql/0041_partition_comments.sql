-- A partition is a table that people find in the catalogue, and says what it is as every other does.

create function timeline.describe_partition(p_name text) returns void
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_column record;
begin
  execute format('comment on table timeline.%I is %L', p_name,
    'Event request history (イベント依頼履歴) of one month: a partition of event_request.');
  for v_column in
    select a.attname, d.description from pg_attribute a
    join pg_description d on d.classoid = 'pg_class'::regclass and d.objoid = a.attrelid and d.objsubid = a.attnum
    where a.attrelid = 'timeline.event_request'::regclass and a.attnum > 0 and not a.attisdropped
  loop
    execute format('comment on column timeline.%I.%I is %L', p_name, v_column.attname, v_column.description);
  end loop;
end $$;
comment on function timeline.describe_partition is 'Gives a partition of event_request the comments of its parent.';
revoke execute on function timeline.describe_partition(text) from public;

-- As in 0013, with comments.
create or replace function timeline.ensure_partitions(p_ahead integer default 3) returns integer
language plpgsql set search_path = pg_catalog, pg_temp as $$
declare
  v_first date := (date_trunc('month', clock_timestamp() at time zone 'UTC') - interval '1 month')::date;
  v_month date;
  v_name text;
  v_made integer := 0;
begin
  -- Two engines that start at once would both try to make the same partition.
  perform pg_advisory_xact_lock(hashtextextended('ensure_partitions', 3));
  for i in 0..p_ahead + 1 loop
    v_month := (v_first + make_interval(months => i))::date;
    v_name := 'event_request_' || to_char(v_month, 'YYYYMM');
    if to_regclass('timeline.' || v_name) is null
      and not exists (select from timeline.request_partition p where p.name = v_name and p.dropping_at is not null) then
      execute format('create table timeline.%I partition of timeline.event_request for values from (%L) to (%L)', v_name,
        timeline.ulid_time(v_month::timestamp at time zone 'UTC') || repeat('0', 16),
        timeline.ulid_time((v_month + interval '1 month') at time zone 'UTC') || repeat('0', 16));
      perform timeline.describe_partition(v_name);
      v_made := v_made + 1;
    end if;
  end loop;
  return v_made;
end $$;

select timeline.describe_partition(p.name) from timeline.request_partitions() p;
