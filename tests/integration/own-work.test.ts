import { afterAll, beforeAll, expect, test } from "bun:test";
import type { SagaRow } from "../../engine/timeline/saga-row.ts";
import { consumptionWrites, type DispatcherConsumption } from "../../engine/timeline/consumption-write.ts";
import { newId } from "../../engine/timeline/ids.ts";
import { openEvents } from "../../engine/timeline/saga-row.ts";
import { openOwn } from "../../engine/participant/claimed.ts";
import { type Store, transact, transactOpening, type Unit } from "../../engine/timeline/store.ts";
import type { Delivery } from "../../engine/transport/port.ts";
import { type TimelineDatabase, timelineDatabase } from "../support/kafka.ts";

let database: TimelineDatabase;
let store: Store;
const [ME, OTHER] = [newId(), newId()];

beforeAll(async () => {
  database = await timelineDatabase();
  const handOver = () => ({ committed: () => {}, abandoned: () => {} });
  store = { sql: database.sql as unknown as Store["sql"], producer: "dispatcher@test", handOver };
}, 60_000);

afterAll(async () => database?.drop(), 30_000);

/** Leaves a row of a saga as a transition would; returns the transaction's id. */
async function write(id: string, writer: string, sequence: number): Promise<string> {
  let xid = "";
  await transact(store, async (unit) => {
    await unit.tx`
      insert into timeline.saga (id, definition, version, revision, status, sequence, input, state, writer)
      values (${id}, 'd', 1, 'r', 'running', ${sequence}, '{}', ${JSON.stringify({ at: sequence })}::text::jsonb, ${writer})
      on conflict (id) do update set sequence = excluded.sequence, state = excluded.state, writer = excluded.writer
    `;
    unit.committed((id) => {
      xid = id;
    });
  });
  return xid;
}

/** What a batch is told of a saga that this process believes to have left at some sequence by `xid`. */
function readKnowing(id: string, xid: string, sequence: number): Promise<number | undefined> {
  const remembered = { id, sequence, state: { at: "remembered" } } as unknown as SagaRow;
  const known = { sagas: new Map([[id, { row: remembered, xid }]]), writer: ME };
  return transactOpening(store, async ({ tx }, epoch) => {
    const { sagas, xid } = await openEvents(tx, epoch, [id], [], known);
    return { xid, value: (sagas.get(id)?.state as unknown as { at: number } | undefined)?.at };
  });
}

test("what is remembered of a saga counts while its row is the version that this process wrote, and no longer", async () => {
  const id = newId();
  const first = await write(id, ME, 1);
  const told: unknown[] = [await readKnowing(id, first, 1)];
  await write(id, ME, 2);
  told.push(await readKnowing(id, first, 1));
  const others = await write(id, OTHER, 3);
  told.push(await readKnowing(id, first, 1));
  // As after a failover that gave a transaction's id again: to another process, or to one that leaves the writer alone.
  told.push(await readKnowing(id, others, 3));
  const last = await write(id, ME, 4);
  told.push(await readKnowing(id, last, 5));
  told.push(await readKnowing(id, last, 4));

  expect(told).toEqual(["remembered", 2, 3, 3, 4, "remembered"] as never);
  expect(await readKnowing(newId(), first, 1)).toBeUndefined();
});

test("nothing is remembered of a transaction that was rolled back", async () => {
  const remembered: string[] = [];
  const failing = transact(store, async (unit) => {
    unit.committed((xid) => remembered.push(xid));
    await unit.tx`select 1 / 0`;
  });

  expect(await failing.catch((error: { code: string }) => error.code)).toBe("22012");
  expect(remembered).toEqual([]);
});

test("an event that was consumed meanwhile fails the transaction that takes it for its own", async () => {
  const [messageId, sagaId] = [newId(), newId()];
  const row: DispatcherConsumption = {
    messageId,
    correlationId: sagaId,
    messageKey: sagaId,
    consumer: "test",
    sequence: 1,
    status: "running",
    semantics: 1,
    read: null,
  };
  const consume = (first: boolean) =>
    transact(store, async (unit) => unit.send(consumptionWrites(unit.tx, [{ ...row, first }]))).then(
      () => "committed",
      (error: { code: string }) => error.code,
    );

  expect(await consume(true)).toBe("committed");
  expect(await consume(true)).toBe("23505");
  // By delivery it is known to be done and changes nothing.
  expect(await consume(false)).toBe("committed");
});

/** A command as the process that wrote it hands it to itself. */
function command(stepKey: string, type = "step.requested"): Delivery {
  const sagaId = newId();
  return {
    topic: "north.act",
    partition: 0,
    offset: 0,
    recordedAt: new Date(),
    receivedAt: new Date(),
    key: sagaId,
    headers: { id: newId(), correlation_id: sagaId, type, saga: "d", step_key: stepKey, action: "act", attempt: "2" },
    value: JSON.stringify({ input: { note: "審査" } }),
    own: true,
  };
}

async function openAll(commands: readonly Delivery[]) {
  return transactOpening(store, async (unit: Unit, epoch) => {
    const opened = await openOwn(unit, "north", commands, epoch);
    return { xid: opened[0]?.xid ?? "", value: opened };
  });
}

test("an own command is run as it stands, unless its step has moved or stands earlier in the batch, or it was replaced", async () => {
  const [free, closed, done, nothing, edited] = [newId(), newId(), newId(), newId(), newId()].map(
    (id) => `${id}/a`,
  ) as [string, string, string, string, string];
  const commands = [
    command(free),
    command(closed),
    command(free),
    command(done, "compensation.requested"),
    command(nothing, "compensation.requested"),
    command(edited),
  ];
  for (const { headers, key } of commands)
    await database.sql`
      insert into timeline.topic (name) values ('north.act') on conflict do nothing
    `.then(
      () => database.sql`
        insert into timeline.event_request (message_id, correlation_id, topic, message_key, message_type, saga, step_key, action,
          attempt, message_body, producer)
        values (${headers["id"] as string}, ${key}, 'north.act', ${key}, ${headers["type"] as string}, 'd',
          ${headers["step_key"] as string}, 'act', 2, '{}', 'test')
      `,
    );
  await database.sql`
    insert into timeline.step_guard (step_key, saga_id, state) values (${closed}, 'a', 'closed'), (${done}, 'b', 'done')
  `;
  // As an edit closes what was not delivered yet.
  await database.sql`
    insert into timeline.event_consumption (consumer_group, message_id, topic, consumer, consumed_at, error_code)
    values ('north', ${commands[5]?.headers["id"] as string}, 'north.act', 'test', now(), 'message.superseded')
  `;
  const opened = await openAll(commands);

  expect(opened.map(({ verdict }) => verdict)).toEqual(["run", "claim", "later", "run", "claim", "claim"]);
  expect(opened[0]?.request).toEqual({
    messageId: commands[0]?.headers["id"] as string,
    type: "step.requested",
    sagaId: commands[0]?.key as string,
    saga: "d",
    stepKey: free,
    action: "act",
    attempt: 2,
    traceparent: null,
    headers: null,
    body: { input: { note: "審査" } },
  });
});
