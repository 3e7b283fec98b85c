import type { Law } from "./law.ts";

/** I7 to I10: the way of a message. */
const WAY: readonly Law[] = [
  {
    invariant: "I7",
    says: "what was consumed had been requested, or is marked as foreign",
    breaches: `select c.correlation_id as saga_id, c.consumer_group, c.message_id, c.topic from timeline.event_consumption c
      left join timeline.event_request r using (message_id) where r.message_id is null and c.foreign_id is null`,
  },
  {
    invariant: "I7",
    says: "nothing that was requested is marked as foreign",
    breaches: `select r.correlation_id as saga_id, c.consumer_group, r.message_id, r.message_type, r.requested_at, c.received_at
      from timeline.event_consumption c join timeline.event_request r on r.message_id = c.foreign_id`,
  },
  {
    invariant: "I7",
    says: "every request was consumed by whom it is for",
    breaches: `select r.correlation_id as saga_id, r.message_id, r.topic, r.message_type, c.error_code, c.attempts
      from timeline.event_request r left join timeline.event_consumption c on c.message_id = r.message_id
        and c.consumer_group = case when r.topic = 'timeline' then 'dispatcher' else split_part(r.topic, '.', 1) end
      where c.message_id is null or c.consumed_at is null and not c.error_flag`,
  },
  {
    invariant: "I7",
    says: "the projections have consumed every end",
    breaches: `select r.correlation_id as saga_id, r.message_id from timeline.event_request r
      left join timeline.event_consumption c on c.message_id = r.message_id and c.consumer_group = 'south.ends'
      where r.message_type in ('saga.completed', 'saga.failed') and (c.consumed_at is null or c.error_flag)`,
  },
  {
    invariant: "I8",
    says: "every request lies in its topic, whole and under its key, unless the slot was lost after everybody had consumed it",
    breaches: `select r.correlation_id as saga_id, r.message_id, r.topic, l.topic as found_in, l.message_key, l.body is not null as has_body
      from timeline.event_request r left join checker.log l using (message_id)
      where l.message_id is null and not exists (
          select from timeline.slot_loss s join timeline.event_consumption c on c.message_id = r.message_id
          where r.requested_at between coalesce(s.since, '-infinity') and coalesce(s.renewed_at, 'infinity')
            and c.consumed_at is not null
            and c.consumer_group = case when r.topic = 'timeline' then 'dispatcher' else split_part(r.topic, '.', 1) end
        )
        or l.message_id is not null and (
          l.topic <> r.topic or l.message_key is distinct from r.message_key
          or l.body is not null and l.body <> r.message_body
          or l.headers is not null and l.headers <> jsonb_strip_nulls(jsonb_build_object(
            'correlation_id', r.correlation_id, 'causation_id', r.causation_id, 'type', r.message_type, 'producer', r.producer,
            'saga', r.saga, 'step_key', r.step_key, 'action', r.action, 'attempt', r.attempt::text))
        )`,
  },
  {
    invariant: "I9",
    says: "what was written under one saga's lock comes first in the order of its commits",
    breaches: `select saga_id, topic, message_id, "offset", xid, xid_before from (
        select r.correlation_id as saga_id, l.topic, l.message_id, l."offset", r.xid::text::bigint as xid,
          lag(r.xid::text::bigint) over (partition by l.topic, l.partition, r.message_key order by l."offset") as xid_before
        from (
          select topic, partition, message_id, min("offset") as "offset" from checker.log where not was_lost group by 1, 2, 3
        ) l
        join timeline.event_request r using (message_id)
        where r.correlation_id = r.message_key and (r.producer like 'dispatcher@%' or r.producer like 'api@%')
          and r.message_type not in ('child.requested', 'child.ended', 'child.released', 'cancel.requested')
      ) o where xid < xid_before`,
  },
  {
    invariant: "I10",
    says: "a committed offset is not past a message that nobody has worked off",
    breaches: `select r.correlation_id as saga_id, o.consumer_group, o.topic, o.partition, o."offset", l.message_id
      from checker.committed o
      join checker.log l on l.topic = o.topic and l.partition = o.partition and l."offset" < o."offset"
      join timeline.event_request r on r.message_id = l.message_id
      left join timeline.event_consumption c on c.message_id = l.message_id and c.consumer_group = o.consumer_group
      where o.consumer_group not like '%.%' and (c.message_id is null or c.consumed_at is null and not c.error_flag)
      union all
      select null, o.consumer_group, o.topic, o.partition, o."offset", 'past the end'
      from checker.committed o join (select topic, partition, max("offset") as last from checker.log group by 1, 2) e using (topic, partition)
      where o."offset" > e.last + 1`,
  },
  {
    invariant: "I10",
    says: "whatever lay below an offset when it was first seen had been worked off by then",
    breaches: `select r.correlation_id as saga_id, m.consumer_group, m.topic, m.partition, m."offset", m.before, l."offset" as lies_at, l.message_id, c.consumed_at, m.at
      from (
        select s.*, lag("offset") over (partition by consumer_group, topic, partition order by at) as before from (
          select consumer_group, topic, partition, "offset", min(at) as at from checker.committed_sample group by 1, 2, 3, 4
        ) s
      ) m
      join checker.log l on l.topic = m.topic and l.partition = m.partition
        and l."offset" < m."offset" and l."offset" >= coalesce(m.before, 0)
      join timeline.event_request r on r.message_id = l.message_id
      join timeline.event_consumption c on c.message_id = l.message_id and c.consumer_group = m.consumer_group
      where m.consumer_group not like '%.%' and c.consumed_at > m.at and c.attempts = 1 and not c.error_flag`,
  },
  {
    invariant: "I10",
    says: "while it ran, no committed offset was past a message without its row, or went back unless it was rewound",
    breaches: `select s.consumer_group, s.topic, s.partition, s."offset", s.passed_over, s.before, s.at from (
        select s.*, lag(s."offset") over w as before, lag(s.at) over w as at_before from checker.committed_sample s
        window w as (partition by consumer_group, topic, partition order by at)
      ) s
      where s.passed_over > 0
        or s."offset" < s.before and not exists (select from checker.rewound r where r.at between s.at_before - interval '30 seconds' and s.at)`,
  },
];

/** I11: one commit. */
const ONE_COMMIT: readonly Law[] = [
  {
    invariant: "I11",
    says: "effect, consumption and answer are of one transaction",
    breaches: `select p.saga_id, e.step_key, e.place, e.xid, c.xmin::text as consumption, a.xids as answers
      from effect e join step p using (step_key) join timeline.step_guard g using (step_key)
      left join timeline.event_consumption c on c.message_id = g.command_message_id and c.consumer_group = split_part(p.topic, '.', 1)
      left join lateral (
        select array_agg(r.xid::text::bigint & 4294967295) as xids from timeline.event_request r
        where r.causation_id = g.command_message_id and r.message_type = 'step.succeeded'
      ) a on true
      where e.fresh and (c.xmin::text::bigint is distinct from e.xid or not p.is_notify and not coalesce(e.xid = any (a.xids), false))`,
  },
  {
    invariant: "I11",
    says: "compensation, consumption and answer are of one transaction",
    breaches: `select g.saga_id, u.step_key, u.place, u.xid, c.xmin::text as consumption, a.xids as answers
      from undone u join timeline.step_guard g using (step_key)
      left join timeline.event_consumption c on c.message_id = g.compensation_message_id
      left join lateral (
        select array_agg(r.xid::text::bigint & 4294967295) as xids from timeline.event_request r
        where r.causation_id = g.compensation_message_id and r.message_type = 'compensation.succeeded'
      ) a on true
      where u.fresh and (c.xmin::text::bigint is distinct from u.xid or not coalesce(u.xid = any (a.xids), false))`,
  },
  {
    invariant: "I11",
    says: "a transition's consumption and its requests are of one transaction",
    breaches: `select r.correlation_id as saga_id, r.causation_id, r.message_id, r.message_type, r.xid::text, c.xmin::text as consumption
      from timeline.event_request r
      join timeline.event_request e on e.message_id = r.causation_id
        and e.message_type in ('step.succeeded', 'step.rejected', 'compensation.succeeded', 'compensation.skipped')
      join timeline.event_consumption c on c.message_id = e.message_id and c.consumer_group = 'dispatcher'
      where r.producer like 'dispatcher@%' and (r.xid::text::bigint & 4294967295) <> c.xmin::text::bigint`,
  },
];

/**
 * I12: what people and policies allow. Attempts of a policy, once more for each retry that a person asked for; a cancel
 * reaches the children by requests that the parent's causes.
 */
const ALLOWED: readonly Law[] = [
  {
    invariant: "I12",
    says: "no more attempts are sent than the policy allows",
    breaches: `select a.saga_id, a.step_key, a.message_type, a.sent from (
        select correlation_id as saga_id, step_key, message_type, min(saga) as definition, min(topic) as topic, count(*) as sent
        from timeline.event_request where message_type in ('step.requested', 'compensation.requested') group by 1, 2, 3
      ) a cross join lateral (
        select 1 + count(*) as rounds from timeline.event_request r
        where r.correlation_id in (a.saga_id, (select parent_id from timeline.saga where id = a.saga_id)) and r.message_type = 'retry.requested'
      ) helped
      where a.topic not in ('payment.capture', 'subscription.extend') and a.sent > helped.rounds * case
        when a.message_type = 'compensation.requested' then case a.topic when 'abroad.book' then 40 else 10 end
        when a.definition = 'settlement' then 8 when a.definition = 'voyage' then 4 else 5 end`,
  },
  {
    invariant: "I12",
    says: "attempts are numbered one after another",
    breaches: `select correlation_id as saga_id, step_key, array_agg(attempt order by message_id) as attempts
      from timeline.event_request where message_type = 'step.requested' group by 1, 2
      having count(*) <> max(attempt) or count(distinct attempt) <> count(*)`,
  },
  {
    invariant: "I12",
    says: "what is in error has failed, and nothing has failed but what may",
    breaches: `select c.correlation_id as saga_id, c.consumer_group, c.message_id, c.error_code, c.error_message
      from timeline.event_consumption c where c.error_flag and c.foreign_id is null and not exists (
        select from timeline.event_consumption_failure f where f.consumer_group = c.consumer_group and f.message_id = c.message_id)
      union all
      select r.correlation_id, f.consumer_group, f.message_id, f.code, f.message
      from timeline.event_consumption_failure f join timeline.event_request r using (message_id)
      where f.code not in ('timeout', 'unknown', 'cut')`,
  },
  {
    invariant: "I12",
    says: "an operator's action stands in the audit, and what stands there was done",
    breaches: `select coalesce(a.target, r.saga_id) as saga_id, coalesce(a.action, r.action) as action, a.times as audited, r.times as requested
      from (select target, action, count(*) as times from timeline.audit where action in ('saga.cancel', 'saga.retry') group by 1, 2) a
      full join (
        select correlation_id as saga_id, 'saga.' || split_part(message_type, '.', 1) as action, count(*) as times
        from timeline.event_request q where message_type in ('cancel.requested', 'retry.requested') and producer like 'api@%'
          and not exists (
            select from timeline.event_request p where p.message_id = q.causation_id and p.correlation_id <> q.correlation_id)
        group by 1, 2
      ) r on r.saga_id = a.target and r.action = a.action
      where a.times is distinct from r.times`,
  },
];

export const LAWS_OF_MESSAGES: readonly Law[] = [...WAY, ...ONE_COMMIT, ...ALLOWED];
