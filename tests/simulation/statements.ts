import type { GuardOutcome, Read } from "../../engine/core/event.ts";
import type { Json } from "../../engine/core/json.ts";
import type { NewAnswer } from "../../engine/timeline/idempotency.ts";
import type { SagaRow } from "../../engine/timeline/saga-row.ts";
import type { NewRequest } from "../../engine/timeline/store.ts";
import type { Bugs } from "./bugs.ts";
import type { Meaning } from "./driver.ts";
import { stepStatements } from "./step-statements.ts";
import { copy, type Locks, type Transaction } from "./store.ts";
import { type ConsumptionRow, consumptionKey, type GuardRow, mayClaim, type Tables } from "./tables.ts";

/** What the statements work on. */
export interface Ground {
  readonly tables: Tables;
  readonly locks: Locks;
  readonly bugs: Bugs;
  now(): number;
}

type Values = readonly unknown[];
type Run = (transaction: Transaction, values: Values) => readonly unknown[];

const NOTHING: readonly unknown[] = [];

/** MODEL: the engine's statements of sagas, timers and requests, by a part of their text that no other has. */
export function statementsOf(ground: Ground): Readonly<Record<string, Meaning>> {
  const nothing: Meaning = { run: () => NOTHING };
  const sagaLocks = (_transaction: Transaction, [ids]: Values) =>
    ground.bugs.unlocked ? [] : (ids as string[]).map((id) => `saga ${id}`);
  return {
    "pg_current_xact_id()": { run: ({ xid }) => [{ xid }] },
    "set_config('lock_timeout'": nothing,
    "timeline.lock_sagas(": { run: () => NOTHING, locks: sagaLocks },
    // MODEL: waited for; that somebody else has one is what tests/e2e/signals-together.test.ts is about.
    "pg_try_advisory_xact_lock(": {
      run: (_transaction, [ids]) => (ids as string[]).map((id) => ({ id })),
      locks: sagaLocks,
    },
    "date_trunc('milliseconds'": { run: () => [{ now: new Date(ground.now()) }] },
    "select clock_timestamp() as now": { run: () => [{ now: new Date(ground.now()) }] },
    "timeline.open_events(": {
      run: openEvents(ground),
      locks: (transaction, [, sagaIds]) => sagaLocks(transaction, [sagaIds]),
    },
    "select timeline.dispatcher_paused()": { run: () => [{ paused: ground.tables.paused }] },
    "select name, revision from timeline.definition": {
      run: (_transaction, [names]) =>
        (names as string[])
          .filter((name) => ground.tables.definitions.has(name))
          .map((name) => ({ name, revision: name })),
    },
    // MODEL: none is ever retired.
    "from timeline.definitions_to_start(": {
      run: (_transaction, [names]) =>
        (names as string[])
          .filter((name) => ground.tables.definitions.has(name))
          .map((name) => ({ name, revision: name, retired_at: null, retired_by: null, retired_reason: null })),
    },
    "select source from timeline.definition_revision": {
      run: (_transaction, [name]) => [{ source: ground.tables.definitions.get(name as string) }],
    },
    "update timeline.event_consumption c set partition": nothing,
    "insert into timeline.event_consumption as c": { run: insertConsumptions(ground) },
    "insert into timeline.event_consumption (": { run: insertFirst(ground) },
    "insert into timeline.event_consumption_failure": nothing,
    "insert into timeline.event_request as r": { run: insertRequests(ground) },
    "timeline.settle_step(": { run: settleStep(ground) },
    "timeline.reopen_step(": {
      run: reopenStep(ground),
      locks: (_transaction, [stepKey]) => [`step ${stepKey as string}`],
    },
    "timeline.keep_step(": { run: keepStep(ground) },
    ...sagaStatements(ground),
    ...stepStatements(ground.tables),
    ...timerStatements(ground),
    ...callStatements(ground),
  };
}

function openEvents(ground: Ground): Run {
  return (transaction, [, sagaIds, xids, sequences, writer, messageIds]) => {
    const sagas = (sagaIds as string[]).flatMap((id, at): readonly unknown[] => {
      const row = ground.tables.saga.get(transaction, id);
      if (row === undefined) return [];
      const xid = (xids as (string | null)[])[at];
      const sequence = (sequences as (number | null)[])[at];
      const isVersion = row.xid === xid && row.sequence === sequence && row.writer === writer;
      const isSame = ground.bugs.believesMemory ? xid !== null : isVersion;
      return isSame ? [{ id, same: true }] : [row];
    });
    const events = readEvents(ground)(transaction, [messageIds]);
    const now = new Date(ground.now());
    return [{ opened: copy({ events, sagas, now, xid: transaction.xid } as never) }];
  };
}

function readEvents({ tables }: Ground): Run {
  return (transaction, [ids]) =>
    (ids as string[]).flatMap((id) => {
      const row = tables.request.get(transaction, id);
      if (row === undefined) return [];
      const consumption = tables.consumption.get(transaction, consumptionKey("dispatcher", id));
      return [
        {
          message_id: id,
          correlation_id: row.correlationId,
          topic: row.topic,
          message_key: row.correlationId,
          message_type: row.messageType,
          saga: row.saga,
          step_key: row.stepKey,
          attempt: row.attempt,
          traceparent: row.traceparent,
          message_body: row.messageBody,
          done: consumption?.consumed === true && !consumption.error,
          counted: row.messageHeaders?.["applied"] === false,
        },
      ];
    });
}

interface WrittenConsumption {
  readonly message_id: string;
  readonly correlation_id: string;
  readonly error_flag: boolean;
  readonly error_code: string | null;
  readonly sequence: number | null;
  readonly read: Read | null;
}

function insertConsumptions({ tables }: Ground): Run {
  return (transaction, [rows]) => {
    for (const row of rows as WrittenConsumption[]) {
      const key = consumptionKey("dispatcher", row.message_id);
      const before = tables.consumption.get(transaction, key);
      if (!mayClaim(before)) continue;
      const consumption: ConsumptionRow = {
        group: "dispatcher",
        messageId: row.message_id,
        sagaId: row.correlation_id,
        attempts: (before?.attempts ?? 0) + 1,
        consumed: true,
        error: row.error_flag,
        errorCode: row.error_code,
        sequence: row.sequence,
        read: copy(row.read),
        xid: transaction.xid,
      };
      tables.consumption.put(transaction, key, consumption);
    }
    return NOTHING;
  };
}

/** SQLSTATE 23505. */
class Duplicate extends Error {
  readonly code = "23505";
}

function insertFirst(ground: Ground): Run {
  const insert = insertConsumptions(ground);
  return (transaction, values) => {
    for (const { message_id: id } of values[0] as WrittenConsumption[]) {
      const key = consumptionKey("dispatcher", id);
      if (ground.tables.consumption.get(transaction, key) !== undefined) throw new Duplicate("duplicate key");
    }
    return insert(transaction, values);
  };
}

function insertRequests({ tables, now }: Ground): Run {
  return (transaction, [producer, rows]) =>
    (rows as NewRequest[]).map((row) => {
      const requestedAt = new Date(now()).toISOString();
      const messageBody = copy(row.messageBody);
      const written = { ...row, messageBody, producer: producer as string, requestedAt, xid: transaction.xid };
      tables.request.put(transaction, row.messageId, written);
      return {
        message_id: row.messageId,
        requested_at: requestedAt,
        xid: transaction.xid,
        body: JSON.stringify(messageBody),
        headers: row.messageHeaders === null ? null : JSON.stringify(row.messageHeaders),
      };
    });
}

function settleStep(ground: Ground): Run {
  return (transaction, values) => {
    const [stepKey, sagaId, keepStarted] = values as [string, string, boolean];
    return [{ outcome: settled(ground, transaction, stepKey, sagaId, keepStarted) }];
  };
}

function settled(
  { tables, locks, bugs, now }: Ground,
  transaction: Transaction,
  stepKey: string,
  sagaId: string,
  keepStarted: boolean,
): GuardOutcome {
  if (!locks.take(transaction, [`step ${stepKey}`])) return { state: "running" };
  const guard = tables.guard.get(transaction, stepKey);
  const put = (row: GuardRow) => tables.guard.put(transaction, stepKey, row);
  if (guard === undefined) {
    if (!bugs.neverCloses) put({ sagaId, state: "closed", calls: 0 });
    return { state: "closed" };
  }
  const calls = guard.state === "started" || guard.state === "compensating";
  if (calls && (guard.untilMs ?? 0) > now()) return { state: "running" };
  switch (guard.state) {
    case "started":
      // A pivot's unknown end is not written down: a retry must still be able to run it (S9).
      if (!keepStarted) put({ ...guard, state: "unknown" });
      return { state: "unknown" };
    case "done":
      return { state: "done", output: guard.output ?? null };
    case "rejected":
      return { state: "rejected", code: guard.code ?? "", message: guard.message ?? "" };
    default:
      return { state: guard.state };
  }
}

function reopenStep({ tables }: Ground): Run {
  return (transaction, [stepKey]) => {
    const found = tables.guard.get(transaction, stepKey as string)?.state === "rejected";
    if (found) tables.guard.delete(transaction, stepKey as string);
    return [{ reopen_step: found }];
  };
}

function keepStep({ tables, locks }: Ground): Run {
  return (transaction, [stepKey]) => {
    if (!locks.take(transaction, [`step ${stepKey as string}`])) return [{ keep_step: false }];
    const guard = tables.guard.get(transaction, stepKey as string);
    if (guard !== undefined && ["done", "unknown", "compensating"].includes(guard.state)) {
      tables.guard.put(transaction, stepKey as string, { ...guard, state: "kept" });
    }
    return [{ keep_step: true }];
  };
}

type WrittenSaga = SagaRow & { readonly uncompensated: Json };

function sagaStatements({ tables }: Ground): Readonly<Record<string, Meaning>> {
  const put = (transaction: Transaction, row: WrittenSaga) =>
    tables.saga.put(transaction, row.id, { ...row, state: copy(row.state), xid: transaction.xid });
  return {
    "parent_path from timeline.saga where id = any": {
      run: (transaction, [ids]) =>
        (ids as string[]).flatMap((id) => {
          const row = tables.saga.get(transaction, id);
          return row === undefined ? [] : [{ ...row }];
        }),
    },
    "select id, status from timeline.saga where id = any": {
      run: (transaction, [ids]) =>
        (ids as string[]).map((id) => ({ id, status: tables.saga.get(transaction, id)?.status })),
    },
    "insert into timeline.saga (": {
      run: (transaction, [rows]) => {
        for (const row of rows as WrittenSaga[]) put(transaction, row);
        return NOTHING;
      },
    },
    "update timeline.saga s set status": {
      run: (transaction, [writer, rows]) => {
        for (const row of rows as WrittenSaga[]) {
          const before = tables.saga.get(transaction, row.id);
          if (before !== undefined) put(transaction, { ...before, ...row, writer: writer as string });
        }
        return NOTHING;
      },
    },
    "update timeline.saga set unapplied": {
      run: (transaction, [ids]) => {
        for (const id of ids as string[]) {
          const row = tables.saga.get(transaction, id);
          if (row !== undefined) put(transaction, { ...row, unapplied: row.unapplied + 1 });
        }
        return NOTHING;
      },
    },
    "insert into timeline.saga_open": {
      run: (_transaction, [rows]) => (rows as { sagaId: string }[]).map(({ sagaId }) => ({ saga_id: sagaId })),
    },
    "delete from timeline.saga_open": { run: () => NOTHING },
    "update timeline.saga_open": { run: () => NOTHING },
  };
}

interface TimerName {
  readonly saga_id: string;
  readonly name: string;
}

function timerStatements({ tables, bugs, now }: Ground): Readonly<Record<string, Meaning>> {
  const key = ({ saga_id, name }: TimerName) => `${saga_id} ${name}`;
  const isFree = (sagaId: string) => tables.saga.committed().get(sagaId)?.unapplied === 0;
  return {
    "insert into timeline.timer": {
      run: (transaction, [rows]) => {
        for (const row of rows as (TimerName & { due_at: string })[]) {
          tables.timer.put(transaction, key(row), { saga_id: row.saga_id, name: row.name, dueAt: row.due_at });
        }
        return NOTHING;
      },
    },
    "where t.due_at <= clock_timestamp() and t.saga_id <> all": {
      run: () =>
        [...tables.timer.committed().values()]
          .filter(({ saga_id, dueAt }) => Date.parse(dueAt) <= now() && isFree(saga_id))
          .map(({ saga_id, name, dueAt }) => ({ saga_id, name, due_at: new Date(dueAt) })),
    },
    "jsonb_to_recordset( ) as w (saga_id text, name text), timeline.saga s": {
      run: (transaction, [rows]) =>
        (rows as TimerName[]).flatMap(({ saga_id, name }) => {
          const row = tables.timer.get(transaction, key({ saga_id, name }));
          if (row === undefined || Date.parse(row.dueAt) > now() || !isFree(saga_id)) return [];
          if (!bugs.timerStays) tables.timer.delete(transaction, key(row));
          return [{ saga_id, name, due_at: new Date(row.dueAt) }];
        }),
    },
    "delete from timeline.timer t using jsonb_to_recordset": {
      run: (transaction, [rows]) => {
        if (bugs.timerStays) return NOTHING;
        for (const row of rows as TimerName[]) tables.timer.delete(transaction, key(row));
        return NOTHING;
      },
    },
  };
}

/** What calls of people write besides: Idempotency-Keys, the mailbox, the audit. */
function callStatements({ tables }: Ground): Readonly<Record<string, Meaning>> {
  return {
    "insert into timeline.signal": { run: () => NOTHING },
    "update timeline.signal s set taken_by": { run: () => NOTHING },
    "insert into timeline.audit": { run: () => NOTHING },
    "delete from timeline.start_key": { run: () => NOTHING },
    "as w (scope text, key text) join timeline.start_key": {
      run: (transaction, [keys]) =>
        (keys as { scope: string; key: string }[]).flatMap(({ scope, key }) => {
          const row = tables.startKey.get(transaction, `${scope} ${key}`);
          return row === undefined ? [] : [{ scope, idempotency_key: key, ...row }];
        }),
    },
    "insert into timeline.start_key as k": {
      run: (transaction, [, answers]) => {
        for (const { scope, key, hash, sagaId, answer } of answers as NewAnswer[])
          tables.startKey.put(transaction, `${scope} ${key}`, { body_hash: hash, saga_id: sagaId, response: answer });
        return NOTHING;
      },
    },
    "insert into timeline.start_key (": {
      run: (transaction, values) => {
        const [key, scope, body_hash, saga_id] = values as [string, string, string, string];
        if (tables.startKey.get(transaction, `${scope} ${key}`) !== undefined) return NOTHING;
        tables.startKey.put(transaction, `${scope} ${key}`, { body_hash, saga_id, response: null });
        return [{ idempotency_key: key }];
      },
    },
    "select body_hash, saga_id, response from timeline.start_key": {
      run: (transaction, [scope, key]) => {
        const row = tables.startKey.get(transaction, `${scope as string} ${key as string}`);
        return row === undefined ? NOTHING : [row];
      },
    },
    "update timeline.start_key": {
      run: (transaction, values) => {
        const [, , response, scope, key] = values as [string, string, Json, string, string];
        const row = tables.startKey.get(transaction, `${scope} ${key}`);
        if (row !== undefined) tables.startKey.put(transaction, `${scope} ${key}`, { ...row, response });
        return NOTHING;
      },
    },
  };
}
