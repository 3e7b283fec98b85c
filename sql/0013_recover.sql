-- Whose history this is: a database that was restored to an earlier point, or a Kafka that was emptied, is noticed, and
-- nothing is consumed until a person has run `ekiden recover`.

create table timeline.identity (
  id integer constraint identity_pkey primary key default 1,
  generation bigint not null default 1,
  system_identifier text,
  timeline_id integer,
  database_oid text not null,
  kafka_cluster text,
  adopted_at timestamptz not null default clock_timestamp(),
  need text,
  need_detail text,
  needed_at timestamptz,
  constraint identity_id_check check (id = 1),
  constraint identity_need_check check (need is null or need in ('database.restored', 'kafka.emptied') and need_detail is not null)
);
comment on table timeline.identity is 'Which database and which Kafka this history belongs to, and why nothing is consumed when one of them is another one.';
comment on column timeline.identity.id is 'Always 1.';
comment on column timeline.identity.generation is 'Rises with every `ekiden recover`; what was compared with an older one is void.';
comment on column timeline.identity.system_identifier is 'Of the PostgreSQL cluster; null where the login may not read it.';
comment on column timeline.identity.timeline_id is 'PostgreSQL''s timeline: another one after a restore to a point in time, or a failover.';
comment on column timeline.identity.database_oid is 'Of the database: another one after it was made again from a dump.';
comment on column timeline.identity.kafka_cluster is 'Kafka''s cluster id; null as long as there was none.';
comment on column timeline.identity.adopted_at is 'When these became the present ones.';
comment on column timeline.identity.need is 'Why `ekiden recover` must be run: database.restored or kafka.emptied; null: it need not.';
comment on column timeline.identity.need_detail is 'What was seen, in words.';
comment on column timeline.identity.needed_at is 'When it was seen.';

create table timeline.kafka_position (
  topic text collate "C" not null,
  partition integer not null,
  "end" bigint not null,
  seen_at timestamptz not null default clock_timestamp(),
  constraint kafka_position_pkey primary key (topic, partition)
);
comment on table timeline.kafka_position is 'How far Kafka''s topics have reached. Kafka ends before it: it lost messages. It holds unknown ones beyond it: the database was restored.';
comment on column timeline.kafka_position.topic is 'Topic, without the configured prefix.';
comment on column timeline.kafka_position.partition is 'Its partition.';
comment on column timeline.kafka_position."end" is 'Offset of the next message to come, when last seen.';
comment on column timeline.kafka_position.seen_at is 'When it was last seen to have moved.';

alter table timeline.consumer_group add held boolean not null default false;
comment on column timeline.consumer_group.held is 'True: paused by the engine itself until `ekiden recover` has been run, which resumes it.';

create table timeline.retention (
  id integer constraint retention_pkey primary key default 1,
  horizon text collate "C" not null default '',
  moved_at timestamptz not null default clock_timestamp(),
  constraint retention_id_check check (id = 1)
);
insert into timeline.retention default values;
comment on table timeline.retention is 'How far back the event store reaches.';
comment on column timeline.retention.id is 'Always 1.';
comment on column timeline.retention.horizon is 'Requests with a smaller message id may have been dropped: what is delivered again from before it cannot be told from a foreign message. Empty: nothing was dropped.';
comment on column timeline.retention.moved_at is 'When a partition was last dropped.';

-- What the router writes to every message of ours: the same id, producer and saga twice.
create function timeline.is_forgotten(p_headers jsonb) returns boolean
language sql stable set search_path = pg_catalog, pg_temp as $$
  select coalesce(
    p_headers->>'id' ~ '^[0-7][0-9A-HJKMNP-TV-Z]{25}$' and p_headers->>'ce_id' = p_headers->>'id'
    and p_headers->>'ce_source' = p_headers->>'producer' and p_headers->>'ce_subject' = p_headers->>'correlation_id'
    and p_headers->>'ce_type' = p_headers->>'type'
    and (p_headers->>'id') collate "C" >= (select t.horizon from timeline.retention t where t.id = 1)
    and not exists (select from timeline.event_request r where r.message_id = p_headers->>'id'), false);
$$;
comment on function timeline.is_forgotten is 'Whether a message with these headers is the engine''s own and yet unknown here: the database was restored to before it was written.';
revoke execute on function timeline.is_forgotten(jsonb) from public;

-- As in 0006, but for the code of what a restored database does not know any more.
create or replace function timeline.record_foreign(p_consumer_group text, p_message jsonb, p_reason text) returns text
language plpgsql volatile security definer set search_path = pg_catalog, pg_temp as $$
declare
  v_ms double precision := (p_message->>'timestamp')::double precision;
  v_at timestamptz := case when v_ms is null then clock_timestamp()
    when v_ms between 0 and 253402300799999 then to_timestamp(v_ms / 1000) else to_timestamp(0) end;
  v_place text := format('%s/%s/%s', p_message->>'topic', p_message->>'partition', p_message->>'offset');
  v_id text := timeline.ulid_of(v_at, substring(sha256(convert_to(v_place, 'UTF8')) from 1 for 16));
  v_forgotten boolean := timeline.is_forgotten(p_message->'headers');
begin
  perform timeline.caller_domain(p_consumer_group);
  insert into timeline.event_consumption as c (consumer_group, message_id, foreign_id, topic, message_key, partition,
    "offset", consumer, recorded_at, received_at, consumed_at, error_flag, error_code, error_message, message_headers, message_body)
  values (p_consumer_group, v_id, coalesce(p_message->'headers'->>'id', p_message->'headers'->>'ce_id'),
    p_message->>'topic', p_message->>'key', (p_message->>'partition')::integer, (p_message->>'offset')::bigint,
    coalesce(p_message->>'consumer', 'unknown'), v_at, coalesce((p_message->>'receivedAt')::timestamptz, clock_timestamp()),
    clock_timestamp(), true, case when v_forgotten then 'message.from-the-future' else 'message.foreign' end,
    case when v_forgotten then 'the engine wrote it in a history that this database was restored to before: it is not executed'
      else p_reason end,
    p_message->'headers', to_jsonb(p_message->>'value'))
  on conflict (consumer_group, message_id) do update set attempts = c.attempts + 1, consumed_at = clock_timestamp();
  insert into timeline.event_consumption_failure (consumer_group, message_id, attempt, topic, partition, "offset", consumer, code, message)
  select c.consumer_group, c.message_id, c.attempts, c.topic, c.partition, c."offset", c.consumer, c.error_code, c.error_message
  from timeline.event_consumption c where c.consumer_group = p_consumer_group and c.message_id = v_id;
  return v_id;
end $$;
