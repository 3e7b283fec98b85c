import type { Law } from "./law.ts";

const FINAL = `('completed', 'failed', 'cancelled', 'terminated')`;

/** I1: one end. */
const ENDS: readonly Law[] = [
  {
    invariant: "I1",
    says: "the sequence of a saga is dense",
    breaches: `select s.id as saga_id, s.sequence, count(m.sequence), max(m.sequence) from timeline.saga s
      left join moved m on m.saga_id = s.id
      group by s.id having count(m.sequence) <> s.sequence or count(distinct m.sequence) <> s.sequence or max(m.sequence) <> s.sequence`,
  },
  {
    invariant: "I1",
    says: "a saga has one end, and it is the one that its row says",
    breaches: `select s.id as saga_id, s.status, e.ends from timeline.saga s left join lateral (
        select coalesce(array_agg(r.message_type), '{}') as ends from timeline.event_request r
        where r.correlation_id = s.id and r.message_type in ('saga.completed', 'saga.failed', 'saga.cancelled', 'saga.terminated')
      ) e on true
      where e.ends <> case when s.status in ${FINAL} then array['saga.' || s.status] else '{}' end
        or (s.finished_at is not null) <> (s.status in ${FINAL})
        or s.state->>'status' is distinct from s.status
        or (s.status in ${FINAL} and not (s.state->>'reversal' = 'running' and s.state ? 'parked') is true) = exists (select from timeline.saga_open o where o.saga_id = s.id)`,
  },
  {
    invariant: "I1",
    says: "a parked saga says why",
    breaches: `select id as saga_id, state->'parked' as parked from timeline.saga
      where status = 'parked' and coalesce(state->'parked'->>'code', '') = ''`,
  },
  {
    invariant: "I1",
    says: "what has gone backward does not complete, and what has failed had gone backward",
    breaches: `select s.id as saga_id, s.status, count(r.message_id) as turned from timeline.saga s
      left join timeline.event_request r on r.correlation_id = s.id and r.message_type = 'saga.compensating'
      where s.status in ${FINAL} and s.status <> 'terminated'
      group by s.id having count(r.message_id) <> case when s.status = 'completed' then 0 else 1 end`,
  },
  {
    invariant: "I1",
    // Under a saga's lock ids of transactions grow. A child that had completed is taken back with its parent, after its end.
    says: "a saga that has ended sends no command and no compensation",
    breaches: `select s.id as saga_id, s.status, e.message_type as ended, r.message_type, r.step_key, r.message_id, r.xid::text, e.xid::text as end_xid
      from timeline.event_request e join timeline.saga s on s.id = e.correlation_id
      join timeline.event_request r on r.correlation_id = s.id and r.xid > e.xid
      where e.message_type in ('saga.completed', 'saga.failed', 'saga.cancelled', 'saga.terminated')
        and r.message_type in ('step.requested', 'compensation.requested')
        and not (s.status = 'completed' and s.id in (select saga_id from gone_back)
          and (r.message_type = 'compensation.requested' or r.step_key like '%/compensate/%'))`,
  },
];

/** I2 and I5: effects. */
const EFFECTS: readonly Law[] = [
  {
    invariant: "I2",
    says: "a step takes effect at most once, and is compensated at most once and not without effect",
    breaches: `select split_part(step_key, '/', 1) as saga_id, step_key, sum(effects) as effects, sum(undone) as undone
      from (select step_key, 1 as effects, 0 as undone from effect union all select step_key, 0, 1 from undone) e
      group by step_key having sum(effects) > 1 or sum(undone) > sum(effects)`,
  },
  {
    invariant: "I2",
    says: "a step's guard says what became of it",
    breaches: `select p.saga_id, p.step_key, p.topic, g.state, e.effects, u.undone from step p join leaves_row l using (topic)
      left join timeline.step_guard g using (step_key)
      left join (select step_key, count(*) as effects from effect group by step_key) e using (step_key)
      left join (select step_key, count(*) as undone from undone group by step_key) u using (step_key)
      where coalesce(e.effects, 0) <> case when g.state in ('done', 'compensated', 'kept') then 1 else 0 end
        and not (p.topic = 'abroad.book' and g.state in ('unknown', 'compensated', 'rejected'))
        or coalesce(u.undone, 0) <> case when g.state = 'compensated' then 1 else 0 end
        and not (p.topic = 'abroad.book' and g.state = 'compensated' and e.effects is null)`,
  },
  {
    invariant: "I2",
    says: "an effect belongs to a step that was sent",
    breaches: `select split_part(step_key, '/', 1) as saga_id, step_key, place from effect e
      where not exists (select from step p where p.step_key = e.step_key)`,
  },
  {
    invariant: "I2",
    says: "an end is projected once",
    breaches: `select s.id as saga_id, s.status, count(e.saga_id) as projected from timeline.saga s
      left join south.effect e on e.saga_id = s.id and e.action = 'end'
      where s.status in ('completed', 'failed') group by s.id having count(e.saga_id) <> 1`,
  },
  {
    invariant: "I5",
    says: "no effect commits after a compensation of the same step",
    breaches: `select a.correlation_id as saga_id, a.step_key, a.message_id as effect, c.message_id as compensation
      from timeline.event_request a join timeline.event_request c on c.step_key = a.step_key
        and c.message_type in ('compensation.succeeded', 'compensation.skipped') and a.requested_at > c.requested_at
      where a.message_type = 'step.succeeded'
      union all
      select e.saga_id, e.step_key, e.at::text, u.at::text
      from (select step_key, saga_id, at from north.effect union all select step_key, saga_id, at from south.effect) e
      join (select step_key, at from north.undone union all select step_key, at from south.undone) u using (step_key)
      where e.at > u.at`,
  },
];

/** I3: what an end means. */
const MEANING: readonly Law[] = [
  {
    invariant: "I3",
    says: "of a saga that completed, every step that succeeded stands",
    breaches: `select s.id as saga_id, t.path, t.status, g.state from timeline.saga s join timeline.saga_step t on t.saga_id = s.id
      left join timeline.step_guard g on g.step_key = s.id || '/' || t.path
      join step p on p.step_key = s.id || '/' || t.path
      where s.status = 'completed' and s.id not in (select saga_id from gone_back) and not p.is_notify
        and (t.status = 'succeeded' and g.state is distinct from 'done'
          or g.state = 'compensated' and t.status <> 'compensated'
          or t.status not in ('succeeded', 'compensated', 'rejected', 'failed', 'closed', 'skipped'))`,
  },
  {
    invariant: "I3",
    says: "of a saga that failed or was cancelled, nothing stands but what it lists",
    breaches: `select s.id as saga_id, s.status, p.step_key, g.state from timeline.saga s join step p on p.saga_id = s.id
      left join timeline.step_guard g using (step_key)
      where s.id in (select saga_id from gone_back)
        and coalesce(g.state, 'none') in ('none', 'done', 'started', 'unknown', 'compensating') and not p.is_notify
        and not exists (select from jsonb_array_elements(s.uncompensated) u where u->>'step' = substr(p.step_key, 28))
      union all
      select s.id, s.status, e.step_key, e.place from effect e join timeline.saga s on s.id = split_part(e.step_key, '/', 1)
      where s.id in (select saga_id from gone_back) and e.place <> 'subscription.letter'
        and not exists (select from undone u where u.step_key = e.step_key)
        and not exists (select from jsonb_array_elements(s.uncompensated) u where u->>'step' = substr(e.step_key, 28))`,
  },
  {
    invariant: "I3",
    says: "a child stands when its parent does, and goes back with it",
    breaches: `select p.id as saga_id, p.status, c.id as child, c.status as child_status, c.state->>'reversal' as reversal
      from timeline.saga p join timeline.saga c on c.parent_id = p.id
      where c.status = 'completed' and p.status in ('failed', 'cancelled') and c.state->>'reversal' is distinct from 'done'
        or p.status = 'completed' and c.status not in ('completed', 'failed', 'cancelled')`,
  },
];

/** I6 and I13: what comes in. */
const BEGINNINGS: readonly Law[] = [
  {
    invariant: "I6",
    says: "a saga has one first request, and a first request has its saga",
    breaches: `select coalesce(s.id, r.correlation_id) as saga_id, count(r.message_id) as requests, s.id is not null as is_there
      from timeline.saga s full join (
        select correlation_id, message_id from timeline.event_request where message_type in ('saga.started', 'child.requested')
      ) r on r.correlation_id = s.id
      group by s.id, r.correlation_id having count(r.message_id) <> 1 or s.id is null`,
  },
  {
    invariant: "I6",
    says: "what was accepted is there, and nobody has started anything else",
    breaches: `select named as saga_id, c.key from checker.call c cross join unnest(c.saga_ids) named
      where c.kind = 'start' and not exists (select from timeline.saga s where s.id = named)
      union all
      select s.id, k.idempotency_key from timeline.saga s left join timeline.start_key k on k.saga_id = s.id and k.scope = 'start'
      where s.parent_id is null and not exists (
        select from checker.call c where c.key = k.idempotency_key and c.kind = 'start'
          and (c.outcome = 'unknown' or s.id = any (c.saga_ids)))
      and not exists (select from timeline.schedule_run w where w.saga_id = s.id)`,
  },
  {
    invariant: "I6",
    says: "the same key means the same saga and the same answer",
    breaches: `select c.key, c.saga_ids, k.saga_id from checker.call c
      left join timeline.start_key k on k.idempotency_key = c.key and k.scope = 'start'
      where c.kind = 'start' and ((select count(distinct named) from unnest(c.saga_ids) named) > 1
        or k.saga_id is not null and c.outcome = 'accepted' and k.saga_id <> all (c.saga_ids))`,
  },
  {
    invariant: "I6",
    says: "a signal or a cancel that was accepted is written down once for each key",
    breaches: `select c.saga_ids[1] as saga_id, c.kind, count(distinct c.key) as accepted, max(w.written) as written
      from checker.call c cross join lateral (
        select count(*) as written from timeline.event_request r where r.correlation_id = c.saga_ids[1]
          and r.message_type = case c.kind when 'signal' then 'signal.received' when 'cancel' then 'cancel.requested' else 'retry.requested' end
      ) w
      where c.kind <> 'start' and c.outcome = 'accepted'
      group by c.saga_ids[1], c.kind having count(distinct c.key) > max(w.written)`,
  },
  {
    invariant: "I3",
    says: "a saga ends as its input says",
    breaches: `select s.id as saga_id, s.definition, s.status, c.ends, s.error from checker.call c join timeline.saga s on s.id = c.saga_ids[1]
      where c.kind = 'start' and s.status in ${FINAL} and s.status <> all (c.ends)
        and not exists (select from timeline.event_request r where r.correlation_id = s.id and r.message_type = 'cancel.requested')`,
  },
  {
    invariant: "I13",
    says: "a timer fires once, and not before its time",
    breaches: `select r.correlation_id as saga_id, r.message_body->>'timer' as timer, r.message_body->>'dueAt' as due, count(*) as fired,
        min(r.requested_at) as first
      from timeline.event_request r left join timeline.event_consumption c on c.message_id = r.message_id and c.consumer_group = 'dispatcher'
      where r.message_type = 'timer.fired'
      group by 1, 2, 3 having count(*) > 1
        or min(r.requested_at) < (r.message_body->>'dueAt')::timestamptz
        or min((c.read->>'now')::timestamptz) < (r.message_body->>'dueAt')::timestamptz`,
  },
];

export const LAWS_OF_SAGAS: readonly Law[] = [...ENDS, ...EFFECTS, ...MEANING, ...BEGINNINGS];
