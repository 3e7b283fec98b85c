const ONE_DONE = `(select step_key from timeline.step_guard g join north.effect e using (step_key) where g.state = 'done' order by 1 limit 1)`;
const ONE_UNDONE = `(select step_key from north.undone order by 1 limit 1)`;
const COMPLETED = `(select id from timeline.saga where status = 'completed' and definition = 'relay' order by 1 limit 1)`;
const FAILED = `(select id from timeline.saga where status = 'failed' and definition = 'relay' order by 1 limit 1)`;
/** A message of the dispatcher that moved a saga on. */
const MOVED = `(select c.message_id from timeline.event_consumption c join timeline.event_request r using (message_id)
  where c.consumer_group = 'dispatcher' and r.message_type = 'step.succeeded' and c.correlation_id = ${COMPLETED} order by 1 limit 1)`;

const COMPLETED_ONBOARDING = `(select id from timeline.saga where definition = 'onboarding' and status = 'completed' order by 1 limit 1)`;
/** What the first transition of a saga behind its start has sent. */
const SENT = `(select r.message_id from timeline.event_request r join timeline.event_request e on e.message_id = r.causation_id
  where e.message_type = 'step.succeeded' and r.producer like 'dispatcher@%' order by 1 limit 1)`;
/** The slot was lost, and the topic lacks a request. */
const LOST = `insert into timeline.slot_loss (id, slot, cause) values (timeline.new_ulid(), 'x', 'x');
  delete from checker.log where message_id = ${MOVED}`;
const A_TIMER = `(select min(message_id) from timeline.event_request where message_type = 'timer.fired')`;

/** A copy of a request under a new id; `set` replaces columns of it. */
function copyOf(where: string, set: Readonly<Record<string, string>>): string {
  const columns = [
    "correlation_id",
    "causation_id",
    "topic",
    "message_key",
    "message_type",
    "saga",
    "step_key",
    "action",
    "attempt",
    "message_headers",
    "message_body",
    "producer",
    "requested_at",
    "xid",
  ];
  const values = columns.map((column) => set[column] ?? column);
  return `insert into timeline.event_request (message_id, ${columns.join(", ")})
    select timeline.new_ulid(), ${values.join(", ")} from timeline.event_request where ${where} order by message_id limit 1`;
}

/** By what a law says: violations of it, each some SQL against the database of a run in which nothing was wrong. */
export const PLANTED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "the sequence of a saga is dense": {
    "a transition has no number": `update timeline.event_consumption set sequence = null where consumer_group = 'dispatcher' and message_id = ${MOVED}`,
  },
  "a saga has one end, and it is the one that its row says": {
    "a saga ends twice": copyOf("message_type = 'saga.completed'", { message_type: "'saga.failed'" }),
    "a saga that has ended has no time of its end": `update timeline.saga set finished_at = null where id = ${COMPLETED}`,
    "a saga's state says another end than its row": `update timeline.saga set state = jsonb_set(state, '{status}', '"failed"') where id = ${COMPLETED}`,
  },
  "a parked saga says why": {
    "a saga is parked for no reason": `update timeline.saga set status = 'parked' where id = ${FAILED}`,
  },
  "what has gone backward does not complete, and what has failed had gone backward": {
    "a saga turned and completed": copyOf(`message_type = 'saga.completed' and correlation_id = ${COMPLETED}`, {
      message_type: "'saga.compensating'",
    }),
    "a saga failed and never turned": `delete from timeline.event_request where message_type = 'saga.compensating' and correlation_id = ${FAILED}`,
  },
  "a saga that has ended sends no command and no compensation": {
    "a command was sent after the end": copyOf(
      `step_key = ${COMPLETED} || '/second' and message_type = 'step.requested'`,
      {
        xid: "pg_current_xact_id()",
        attempt: "2",
      },
    ),
    "a compensation was sent after the end": copyOf(
      `step_key = ${FAILED} || '/first' and message_type = 'compensation.requested'`,
      { xid: "pg_current_xact_id()" },
    ),
    "a child that was taken back sent a command after its end": `update timeline.saga set parent_id = ${FAILED}, parent_path = 'x' where id = ${COMPLETED};
      ${copyOf(`step_key = ${COMPLETED} || '/second' and message_type = 'step.requested'`, { xid: "pg_current_xact_id()" })}`,
  },
  "a step takes effect at most once, and is compensated at most once and not without effect": {
    "a step took effect twice": `insert into north.effect (step_key, saga_id, action, at)
      select step_key, saga_id, action, at from north.effect where step_key = ${ONE_DONE}`,
    "a compensation without its effect": `delete from north.effect where step_key = ${ONE_UNDONE}`,
  },
  "a step's guard says what became of it": {
    "a step that took effect is said to be closed": `update timeline.step_guard set state = 'closed' where step_key = ${ONE_DONE}`,
    "a step that was taken back is said to stand": `update timeline.step_guard set state = 'done' where step_key = ${ONE_UNDONE}`,
  },
  "an effect belongs to a step that was sent": {
    "something took effect that nobody sent": `insert into north.effect (step_key, saga_id, action, at)
      select saga_id || '/never_sent', saga_id, action, at from north.effect where step_key = ${ONE_DONE}`,
  },
  "an end is projected once": {
    "an end was projected twice": `insert into south.effect (step_key, saga_id, action, at)
      select step_key, saga_id, action, at from south.effect where action = 'end' order by saga_id limit 1`,
    "an end was not projected": `delete from south.effect where action = 'end' and saga_id = ${COMPLETED}`,
  },
  "no effect commits after a compensation of the same step": {
    "an effect after its compensation": `update north.effect e set at = u.at + interval '1 second' from north.undone u where u.step_key = e.step_key`,
    "an answer after that of its compensation": `update timeline.event_request set requested_at = requested_at + interval '1 hour'
      where message_type = 'step.succeeded' and step_key = ${ONE_UNDONE}`,
  },
  "of a saga that completed, every step that succeeded stands": {
    "a step of a completed saga was taken back": `update timeline.step_guard set state = 'compensated' where step_key = ${ONE_DONE};
      insert into north.undone (step_key, saga_id) select step_key, saga_id from north.effect where step_key = ${ONE_DONE}`,
  },
  "of a saga that failed or was cancelled, nothing stands but what it lists": {
    "what failed still stands": `delete from north.undone where step_key = ${ONE_UNDONE}`,
    "a step of a failed saga was not settled": `update timeline.step_guard set state = 'started' where step_key = ${ONE_UNDONE}`,
  },
  "a child stands when its parent does, and goes back with it": {
    "a completed child of a failed parent was not taken back": `update timeline.saga set parent_id = ${FAILED}, parent_path = 'x' where id = ${COMPLETED}`,
    "a parent completed before its child": `update timeline.saga set parent_id = ${COMPLETED}, parent_path = 'x', status = 'running' where id = ${FAILED}`,
  },
  "a saga ends as its input says": {
    "a saga failed that nothing hindered": `update checker.call set ends = '{completed}' where kind = 'start' and saga_ids[1] = ${FAILED}`,
  },
  "compensations go the other way, one at a time": {
    "the first step was taken back before the second": `update timeline.event_request a set causation_id = b.causation_id from timeline.event_request b
      where a.step_key = ${FAILED} || '/first' and a.message_type = 'compensation.requested'
        and b.step_key = ${FAILED} || '/second' and b.message_type = 'compensation.requested'`,
  },
  "nothing goes forward after the failure": {
    "a command was sent after the failure": copyOf(
      `step_key = ${FAILED} || '/first' and message_type = 'step.requested'`,
      {
        causation_id: `(select max(message_id) from timeline.event_request where correlation_id = ${FAILED} and message_type = 'compensation.succeeded')`,
        attempt: "2",
      },
    ),
  },
  "nothing goes back after the pivot": {
    "a compensation was sent after the pivot": copyOf(
      "message_type = 'step.requested' and topic = 'screening.examine'",
      {
        message_type: "'compensation.requested'",
        correlation_id: COMPLETED_ONBOARDING,
        step_key: `${COMPLETED_ONBOARDING} || '/screen'`,
        causation_id: `(select message_id from timeline.event_request where message_type = 'step.succeeded' and step_key = ${COMPLETED_ONBOARDING} || '/contract')`,
      },
    ),
  },
  "a saga has one first request, and a first request has its saga": {
    "a saga was started twice": copyOf("message_type = 'saga.started'", {}),
    "a first request has no saga": `delete from timeline.saga where id = ${COMPLETED}`,
  },
  "what was accepted is there, and nobody has started anything else": {
    "an accepted saga is gone": `delete from timeline.saga where id = ${COMPLETED}`,
    "there is a saga that nobody started": `delete from checker.call where kind = 'start' and saga_ids[1] = ${COMPLETED}`,
  },
  "the same key means the same saga and the same answer": {
    "one key named two sagas": `update checker.call set saga_ids = saga_ids || ${FAILED} where kind = 'start' and saga_ids[1] = ${COMPLETED}`,
    "a key is kept for another saga than the answer named": `update timeline.start_key set saga_id = ${FAILED} where scope = 'start' and saga_id = ${COMPLETED}`,
  },
  "a signal or a cancel that was accepted is written down once for each key": {
    "an accepted signal is gone": `delete from timeline.event_request where message_id =
      (select min(message_id) from timeline.event_request where message_type = 'signal.received')`,
    "an accepted cancel is gone": `delete from timeline.event_request where message_type = 'cancel.requested' and correlation_id =
      (select min(saga_ids[1]) from checker.call where kind = 'cancel' and outcome = 'accepted')`,
  },
  "what was consumed had been requested, or is marked as foreign": {
    "something was consumed that nobody requested": `insert into timeline.event_consumption (consumer_group, message_id, topic, consumer, consumed_at)
      values ('south', timeline.new_ulid(), 'south.pass', 'x', now())`,
  },
  "nothing that was requested is marked as foreign": {
    "a request was taken for foreign": `insert into timeline.event_consumption (consumer_group, message_id, foreign_id, topic, consumer, consumed_at)
      values ('south', timeline.new_ulid(), ${MOVED}, 'timeline', 'x', now())`,
  },
  "every request was consumed by whom it is for": {
    "a command was consumed by nobody": `delete from timeline.event_consumption where consumer_group = 'south' and message_id =
      (select min(message_id) from timeline.event_consumption where consumer_group = 'south')`,
    "a command was claimed and never worked off": `update timeline.event_consumption set consumed_at = null where consumer_group = 'south' and message_id =
      (select min(message_id) from timeline.event_consumption where consumer_group = 'south')`,
  },
  "the projections have consumed every end": {
    "a projection missed an end": `delete from timeline.event_consumption where consumer_group = 'south.ends' and message_id =
      (select message_id from timeline.event_request where message_type = 'saga.failed' and correlation_id = ${FAILED})`,
  },
  "every request lies in its topic (on Kafka with its key, headers and body), unless a lost slot swallowed it once it had been consumed by whom it is for":
    {
      "a lost slot swallowed a request that was never worked off": `${LOST};
      update timeline.event_consumption set consumed_at = null where message_id = ${MOVED}`,
      "a lost slot swallowed a request that only others had consumed": `${LOST};
      update timeline.event_consumption set consumer_group = 'others' where consumer_group = 'dispatcher' and message_id = ${MOVED}`,
      "a request never reached its topic": `delete from checker.log where message_id = ${MOVED}`,
      "a request reached another topic": `update checker.log set topic = 'north.begin' where message_id = ${MOVED}`,
      "a request reached it under another key": `update checker.log set message_key = 'another' where message_id = ${MOVED}`,
      "a request reached it with another body": `update checker.log set body = '{"output": "another"}' where message_id = ${MOVED}`,
      "a request reached it with other headers": `update checker.log set headers = '{"type": "step.succeeded"}' where message_id = ${MOVED}`,
    },
  "what was written under one saga's lock comes first in the order of its commits": {
    "two commits lie in the wrong order": `with pair as (
        select l.message_id, l."offset", row_number() over (order by l."offset") as n, count(*) over () as all_of_them from checker.log l
        join timeline.event_request r using (message_id)
        where r.correlation_id = ${FAILED} and l.topic = 'timeline' and (r.producer like 'dispatcher@%' or r.producer like 'api@%')
      ) update checker.log l set "offset" = b."offset" from pair a join pair b on b.n = a.all_of_them + 1 - a.n where l.message_id = a.message_id`,
  },
  "a committed offset is not past a message that nobody has worked off": {
    "an offset is past a message without its row": `delete from timeline.event_consumption where consumer_group = 'north' and message_id =
      (select min(message_id) from timeline.event_consumption where consumer_group = 'north')`,
    "an offset is past the end of its topic": `update checker.committed set "offset" = 1000000 where consumer_group = 'north' and topic = 'north.begin'`,
  },
  "whatever lay below an offset when it was first seen had been worked off by then": {
    "an offset was past messages that were worked off only later": `insert into checker.committed_sample values ('north', 'north.begin', 0, 5, now() - interval '1 day', 0)`,
  },
  "while it ran, no committed offset was past a message without its row, or went back unless it was rewound": {
    "an offset went back by itself": `insert into checker.committed_sample values
      ('north', 'north.begin', 0, 1000009, now() + interval '1 hour', 0), ('north', 'north.begin', 0, 1000008, now() + interval '2 hours', 0)`,
    "an offset was once past a message without its row": `insert into checker.committed_sample values ('north', 'north.begin', 0, 0, now() - interval '1 day', 1)`,
  },
  "effect, consumption and answer are of one transaction": {
    "an effect was written in a transaction of its own": `update north.effect set at = at where step_key = ${ONE_DONE}`,
    "an answer was written in a transaction of its own": `update timeline.event_request set xid = pg_current_xact_id()
      where message_type = 'step.succeeded' and step_key = ${ONE_DONE}`,
  },
  "compensation, consumption and answer are of one transaction": {
    "a compensation was written in a transaction of its own": `update north.undone set at = at where step_key = ${ONE_UNDONE}`,
    "a compensation's answer was written in a transaction of its own": `update timeline.event_request set xid = pg_current_xact_id()
      where message_type = 'compensation.succeeded' and step_key = ${ONE_UNDONE}`,
  },
  "a transition's consumption and its requests are of one transaction": {
    "a transition's request was written in a transaction of its own": `update timeline.event_request set xid = pg_current_xact_id() where message_id = ${SENT}`,
  },
  "no more attempts are sent than the policy allows": {
    "a step was sent more often than it may be": Array.from({ length: 6 }, (_, n) =>
      copyOf(`step_key = ${ONE_DONE} and message_type = 'step.requested'`, { attempt: String(n + 2) }),
    ).join(";"),
    "a compensation was sent more often than it may be": Array.from({ length: 10 }, () =>
      copyOf(`step_key = ${ONE_UNDONE} and message_type = 'compensation.requested'`, {}),
    ).join(";"),
  },
  "attempts are numbered one after another": {
    "an attempt was skipped": `update timeline.event_request set attempt = 9 where step_key = ${ONE_DONE} and message_type = 'step.requested'`,
    "two attempts have one number": copyOf(`step_key = ${ONE_DONE} and message_type = 'step.requested'`, {}),
  },
  "what is in error has failed, and nothing has failed but what may": {
    "a message is in error and nothing has failed": `update timeline.event_consumption set error_flag = true, error_code = 'x' where consumer_group = 'north'
      and message_id = (select min(message_id) from timeline.event_consumption where consumer_group = 'north')`,
    "something failed that no fault explains": `insert into timeline.event_consumption_failure (consumer_group, message_id, attempt, topic, consumer, failed_at, code, message)
      values ('dispatcher', ${MOVED}, 1, 'timeline', 'x', now(), 'internal', 'x')`,
  },
  "an operator's action stands in the audit, and what stands there was done": {
    "somebody cancelled without a trace": copyOf("message_type = 'saga.completed'", {
      message_type: "'cancel.requested'",
      producer: "'api@x'",
    }),
    "the audit tells of a cancel that was not": `insert into timeline.audit (id, at, actor, action, target)
      values (timeline.new_ulid(), now(), 'x', 'saga.cancel', ${COMPLETED})`,
  },
  "a timer fires once, and not before its time": {
    "a timer was fired before its time": `update timeline.event_request set requested_at = requested_at - interval '1 hour' where message_id = ${A_TIMER}`,
    "a timer was fired twice": copyOf(`message_id = ${A_TIMER}`, {}),
    "a timer was heard before its time": `update timeline.event_consumption set read = jsonb_build_object('now', '2000-01-01T00:00:00Z')
      where consumer_group = 'dispatcher' and message_id = ${A_TIMER}`,
  },
  "credit granted is that of the completed applications": {
    "a contract is not in the book": `delete from contract.book where id = (select min(id) from contract.book)`,
    "more is to be paid back than was granted": `update contract.instalment set amount = amount + 1 where ctid = (select min(ctid) from contract.instalment)`,
  },
  "goods are on a shelf or promised to an order that completed": {
    "goods were lost": `update stock.shelf set available = available - 1 where sku = 'lamp-3'`,
  },
  "a carrier's room is free or taken by one parcel of each order that completed": {
    "room was lost": `update carrier.carrier set room = room - 1 where name = (select min(name) from carrier.carrier)`,
    "a parcel was not handed over": `update carrier.booking set handed_over_at = null where id = (select min(id) from carrier.booking where handed_over_at is not null)`,
  },
  "money held is captured for what was shipped, and for nothing else": {
    "money is still held": `update payment.authorisation set status = 'held' where id = (select min(id) from payment.authorisation where status = 'released')`,
    "too little was captured": `update payment.authorisation set amount = amount - 1 where id = (select min(id) from payment.authorisation where status = 'captured')`,
  },
  "the books of the bank balance, and say what the transfers say": {
    "an account got more than the house gave": `update bank.entry set amount = amount + 1 where id = (select min(id) from bank.entry where account <> 'house')`,
    "a transfer is not in the books": `delete from bank.entry where reference =
      (select min(input->>'reference') from timeline.saga where definition = 'bank_transfer' and status = 'completed' and parent_id is null)`,
  },
  "what was sold is open, or paid or held by one settlement": {
    "a sale is settled that nobody paid or held": `update sales.sale set settled_by = 'nobody' where id = (select min(id) from sales.sale where settled_by is null)`,
  },
  "who was charged has the year, and nobody else": {
    "a year was given for nothing": `insert into subscription.subscription (subscription_no, paid_until, payment_id, step_key) values ('x', now(), 'x', 'x')`,
    "a card was charged for nothing": `insert into card.payment (id, step_key, subscription_no, amount, paid_at) values ('x', 'x', 'x', 1, now())`,
  },
};

/** By what a law says: what only looks like a violation of it. */
export const ALLOWED: typeof PLANTED = {
  "a saga that has ended sends no command and no compensation": {
    "a completed child is taken back with its parent": `update timeline.saga set parent_id = ${FAILED}, parent_path = 'x' where id = ${COMPLETED};
      ${copyOf(`step_key = ${COMPLETED} || '/second' and message_type = 'step.requested'`, {
        message_type: "'compensation.requested'",
        xid: "pg_current_xact_id()",
      })}`,
  },
  "every request lies in its topic (on Kafka with its key, headers and body), unless a lost slot swallowed it once it had been consumed by whom it is for":
    {
      "a lost slot swallowed a request that had been worked off": LOST,
    },
};
