/** A violation of one invariant: a few words of SQL against the database of a run in which nothing was wrong. */
export interface Planted {
  readonly invariant: string;
  readonly what: string;
  readonly plant: string;
}

const ONE_DONE = `(select step_key from timeline.step_guard g join north.effect e using (step_key) where g.state = 'done' order by 1 limit 1)`;
const ONE_UNDONE = `(select step_key from north.undone order by 1 limit 1)`;
const COMPLETED = `(select id from timeline.saga where status = 'completed' and definition = 'relay' order by 1 limit 1)`;
const FAILED = `(select id from timeline.saga where status = 'failed' and definition = 'relay' order by 1 limit 1)`;
/** A message of the dispatcher that moved a saga on. */
const MOVED = `(select c.message_id from timeline.event_consumption c join timeline.event_request r using (message_id)
  where c.consumer_group = 'dispatcher' and r.message_type = 'step.succeeded' and c.correlation_id = ${COMPLETED} order by 1 limit 1)`;

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

/** At least one for each invariant. */
export const PLANTED: readonly Planted[] = [
  {
    invariant: "I1",
    what: "a transition has no number",
    plant: `update timeline.event_consumption set sequence = null where consumer_group = 'dispatcher' and message_id = ${MOVED}`,
  },
  {
    invariant: "I1",
    what: "a saga ends twice",
    plant: copyOf("message_type = 'saga.completed'", { message_type: "'saga.failed'" }),
  },
  {
    invariant: "I1",
    what: "a saga is parked for no reason",
    plant: `update timeline.saga set status = 'parked' where id = ${FAILED}`,
  },
  {
    invariant: "I2",
    what: "a step took effect twice",
    plant: `insert into north.effect (step_key, saga_id, action, at) select step_key, saga_id, action, at from north.effect where step_key = ${ONE_DONE}`,
  },
  {
    invariant: "I2",
    what: "a compensation without its effect",
    plant: `delete from north.effect where step_key = ${ONE_UNDONE}`,
  },
  {
    invariant: "I3",
    what: "what failed still stands",
    plant: `delete from north.undone where step_key = ${ONE_UNDONE}`,
  },
  {
    invariant: "I3",
    what: "a step of a completed saga was taken back",
    plant: `update timeline.step_guard set state = 'compensated' where step_key = ${ONE_DONE};
      insert into north.undone (step_key, saga_id) select step_key, saga_id from north.effect where step_key = ${ONE_DONE}`,
  },
  {
    invariant: "I4",
    what: "the first step was taken back before the second",
    plant: `update timeline.event_request a set causation_id = b.causation_id from timeline.event_request b
      where a.step_key = ${FAILED} || '/first' and a.message_type = 'compensation.requested'
        and b.step_key = ${FAILED} || '/second' and b.message_type = 'compensation.requested'`,
  },
  {
    invariant: "I4",
    what: "a command was sent after the failure",
    plant: copyOf(`step_key = ${FAILED} || '/first' and message_type = 'step.requested'`, {
      causation_id: `(select max(message_id) from timeline.event_request where correlation_id = ${FAILED} and message_type = 'compensation.succeeded')`,
      attempt: "2",
    }),
  },
  {
    invariant: "I4",
    what: "a compensation was sent after the pivot",
    plant: copyOf("message_type = 'step.requested' and topic = 'screening.examine'", {
      message_type: "'compensation.requested'",
      correlation_id: "(select id from timeline.saga where definition = 'onboarding' and status = 'completed' limit 1)",
      step_key:
        "(select id from timeline.saga where definition = 'onboarding' and status = 'completed' limit 1) || '/screen'",
      causation_id:
        "(select message_id from timeline.event_request where message_type = 'step.succeeded' and step_key = (select id from timeline.saga where definition = 'onboarding' and status = 'completed' limit 1) || '/contract')",
    }),
  },
  {
    invariant: "I5",
    what: "an effect after its compensation",
    plant: `update north.effect e set at = u.at + interval '1 second' from north.undone u where u.step_key = e.step_key`,
  },
  {
    invariant: "I6",
    what: "an accepted saga is gone",
    plant: `delete from timeline.saga where id = ${COMPLETED}`,
  },
  {
    invariant: "I6",
    what: "a saga was started twice",
    plant: copyOf("message_type = 'saga.started'", {}),
  },
  {
    invariant: "I6",
    what: "one key named two sagas",
    plant: `update checker.call set saga_ids = saga_ids || ${FAILED} where key = (select key from checker.call where kind = 'start' and outcome = 'accepted' order by key limit 1)`,
  },
  {
    invariant: "I7",
    what: "a command was consumed by nobody",
    plant: `delete from timeline.event_consumption where consumer_group = 'south' and message_id = (select min(message_id) from timeline.event_consumption where consumer_group = 'south')`,
  },
  {
    invariant: "I7",
    what: "something was consumed that nobody requested",
    plant: `insert into timeline.event_consumption (consumer_group, message_id, topic, consumer, consumed_at) values ('south', timeline.new_ulid(), 'south.pass', 'x', now())`,
  },
  {
    invariant: "I7",
    what: "a request was taken for foreign",
    plant: `insert into timeline.event_consumption (consumer_group, message_id, foreign_id, topic, consumer, consumed_at)
      values ('south', timeline.new_ulid(), ${MOVED}, 'timeline', 'x', now())`,
  },
  {
    invariant: "I8",
    what: "a request never reached its topic",
    plant: `delete from checker.log where message_id = ${MOVED}`,
  },
  {
    invariant: "I8",
    what: "a request reached it with another body",
    plant: `update checker.log set body = '{"output": "another"}' where message_id = ${MOVED}`,
  },
  {
    invariant: "I9",
    what: "two commits lie in the wrong order",
    plant: `with pair as (
        select l.message_id, l."offset", row_number() over (order by l."offset") as n, count(*) over () as all_of_them from checker.log l
        join timeline.event_request r using (message_id)
        where r.correlation_id = ${FAILED} and l.topic = 'timeline' and (r.producer like 'dispatcher@%' or r.producer like 'api@%')
      ) update checker.log l set "offset" = b."offset" from pair a join pair b on b.n = a.all_of_them + 1 - a.n where l.message_id = a.message_id`,
  },
  {
    invariant: "I10",
    what: "an offset is past a message without its row",
    plant: `delete from timeline.event_consumption where consumer_group = 'north' and message_id = (select min(message_id) from timeline.event_consumption where consumer_group = 'north')`,
  },
  {
    invariant: "I10",
    what: "an offset went back by itself",
    plant: `insert into checker.committed_sample values ('north', 'north.begin', 0, 9, now() + interval '1 hour', 0), ('north', 'north.begin', 0, 8, now() + interval '2 hours', 0)`,
  },
  {
    invariant: "I10",
    what: "an offset was past messages that were worked off only later",
    plant: `insert into checker.committed_sample values ('north', 'north.begin', 0, 5, now() - interval '1 day', 0)`,
  },
  {
    invariant: "I11",
    what: "an effect was written in a transaction of its own",
    plant: `update north.effect set at = at where step_key = ${ONE_DONE}`,
  },
  {
    invariant: "I11",
    what: "an answer was written in a transaction of its own",
    plant: `update timeline.event_request set xid = pg_current_xact_id() where message_type = 'step.succeeded' and step_key = ${ONE_DONE}`,
  },
  {
    invariant: "I12",
    what: "a step was sent more often than it may be",
    plant: Array.from({ length: 6 }, (_, n) =>
      copyOf(`step_key = ${ONE_DONE} and message_type = 'step.requested'`, { attempt: String(n + 2) }),
    ).join(";"),
  },
  {
    invariant: "I12",
    what: "a message is in error and nothing has failed",
    plant: `update timeline.event_consumption set error_flag = true, error_code = 'x' where consumer_group = 'north' and message_id = (select min(message_id) from timeline.event_consumption where consumer_group = 'north')`,
  },
  {
    invariant: "I12",
    what: "somebody cancelled without a trace",
    plant: copyOf("message_type = 'saga.completed'", { message_type: "'cancel.requested'", producer: "'api@x'" }),
  },
  {
    invariant: "I13",
    what: "a timer fired before its time",
    plant: `update timeline.event_request set requested_at = requested_at - interval '1 hour' where message_type = 'timer.fired'`,
  },
  {
    invariant: "I13",
    what: "a timer fired twice",
    plant: copyOf("message_type = 'timer.fired'", {}),
  },
  {
    invariant: "I14",
    what: "goods were lost",
    plant: `update stock.shelf set available = available - 1 where sku = 'lamp-3'`,
  },
  {
    invariant: "I14",
    what: "a contract is not in the book",
    plant: `delete from contract.book where id = (select min(id) from contract.book)`,
  },
];
