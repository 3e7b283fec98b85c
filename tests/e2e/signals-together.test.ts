import { afterAll, beforeAll, expect, test } from "bun:test";
import { Client } from "../support/client.ts";
import { eventually, type TestEngine, testEngine } from "../support/engine.ts";
import { holdTurns } from "../support/held-turns.ts";
import { expectVerified } from "../support/verified.ts";

const UNKNOWN = "01JD0000000000000000000000";

let engine: TestEngine | undefined;
const client = new Client(() => (engine as TestEngine).url);

beforeAll(async () => {
  engine = await testEngine("embedded");
}, 60_000);
afterAll(async () => engine?.close(), 30_000);

const signal = (sagaId: string, body: unknown, name = "decided", key?: string) =>
  client.call("POST", `/v1/sagas/${sagaId}/signals/${name}`, body, key === undefined ? {} : { "idempotency-key": key });

async function waitingSagas(count: number): Promise<readonly string[]> {
  const input = { note: "together", patience: "long" };
  const sagas = await Promise.all(Array.from({ length: count }, () => client.start("waiting", input)));
  for (const { sagaId } of sagas)
    await eventually("the saga waits", async () => (await client.saga(sagaId)).waitingFor?.[0]?.signal === "decided");
  return sagas.map(({ sagaId }) => sagaId);
}

/** Until a transaction waits for a saga's lock. */
async function waitsForLock(): Promise<void> {
  const { sql } = engine as TestEngine;
  await eventually("somebody waits for the lock", async () => {
    const rows = await sql`
      select from pg_stat_activity where datname = current_database() and wait_event = 'advisory'
    `;
    return rows.length > 0;
  });
}

/** Sends calls while no group may begin, so that all of them go into the same one. */
async function inOneGroup<Answer>(
  calls: readonly (() => Promise<Answer>)[],
  together = calls.length,
): Promise<readonly Answer[]> {
  const { url } = engine as TestEngine;
  const release = holdTurns();
  try {
    const answers = Promise.all(calls.map((call) => call()));
    await eventually("all of them wait", async () => {
      const metrics = await (await fetch(`${url}/metrics`)).text();
      return new RegExp(`^ekiden_signals_waiting(\\{[^}]*\\})? ${together}$`, "m").test(metrics);
    });
    release();
    return await answers;
  } finally {
    release();
  }
}

test("signals that arrive together share a transaction, and each gets its own answer", async () => {
  const { sql } = engine as TestEngine;
  const [plain, keyed, misfit, unheard, ended, replayed, mistaken] = (await waitingSagas(7)) as [
    string,
    string,
    string,
    string,
    string,
    string,
    string,
  ];
  await client.ok("POST", `/v1/sagas/${ended}/cancel`, { reason: "test" });
  expect((await client.settled(ended)).status).toBe("cancelled");
  const before = await signal(replayed, { ok: true }, "decided", "key-1");
  expect((await signal(mistaken, { ok: true }, "decided", "key-2")).status).toBe(202);

  const answers = await inOneGroup([
    () => signal(plain, { ok: true }),
    () => signal(keyed, { ok: true }, "decided", "key-3"),
    () => signal(misfit, { ok: "yes" }),
    () => signal(unheard, { ok: true }, "unheard"),
    () => signal(ended, { ok: true }),
    () => signal(replayed, { ok: true }, "decided", "key-1"),
    () => signal(mistaken, { ok: false }, "decided", "key-2"),
    () => signal(UNKNOWN, { ok: true }),
  ]);

  expect(answers.map(({ status, json }) => [status, (json as { code?: string }).code ?? null])).toEqual([
    [202, null],
    [202, null],
    [422, "signal.invalid"],
    [422, "signal.invalid"],
    [409, "saga.final"],
    [202, null],
    [422, "saga.idempotency-mismatch"],
    [404, "saga.unknown"],
  ]);
  expect(answers[5]).toEqual(before);
  const transactions = await sql`
    select distinct xid from timeline.event_request
    where message_type = 'signal.received' and correlation_id = any (${[plain, keyed]})
  `;
  expect(transactions).toHaveLength(1);
  for (const sagaId of [plain, keyed, replayed, mistaken])
    expect(await client.settled(sagaId)).toMatchObject({ status: "completed" });
  // The key that a group has kept is one like any other.
  expect(await signal(keyed, { ok: true }, "decided", "key-3")).toEqual(answers[1] as never);
  await expectVerified((engine as TestEngine).url);
}, 60_000);

test("a signal that the database refuses does not take those with it along", async () => {
  const [good] = (await waitingSagas(1)) as [string];
  // Its wait takes any payload; the message around it is larger than a message may be.
  const { sagaId: large } = await client.start("notified", { note: "large" });
  await eventually("the saga waits", async () => (await client.saga(large)).waitingFor?.[0]?.signal === "decided");

  const answers = await inOneGroup([
    () => signal(good, { ok: true }),
    // Short as it is sent, and 300 digits each as the database writes it.
    () => signal(large, { more: Array.from({ length: 1_000 }, () => 1e-300) }),
  ]);

  expect(answers.map(({ status }) => status)).toEqual([202, 413]);
  expect(await client.settled(good)).toMatchObject({ status: "completed" });
}, 60_000);

test("what would make the others wait for the outbox goes alone: a large signal, a saga that another process wrote for", async () => {
  const { sql } = engine as TestEngine;
  const [good, foreign] = (await waitingSagas(2)) as [string, string];
  const { sagaId: large } = await client.start("notified", { note: "large" });
  await eventually("the saga waits", async () => (await client.saga(large)).waitingFor?.[0]?.signal === "decided");
  await sql`update timeline.saga set writer = 'another process' where id = ${foreign}`;
  // While it is open, the outbox is not read beyond it.
  const holder = await sql.reserve();
  await holder`begin`;
  try {
    await holder`select pg_current_xact_id()`;

    const answers = await inOneGroup(
      [
        () => signal(good, { ok: true }),
        () => signal(foreign, { ok: true }),
        () => signal(large, { more: "x".repeat(262_120) }),
      ],
      2,
    );

    expect(answers.map(({ status }) => status)).toEqual([202, 202, 413]);
    expect(await client.settled(good)).toMatchObject({ status: "completed" });
  } finally {
    await holder`rollback`;
    holder.release();
  }
  expect(await client.settled(foreign)).toMatchObject({ status: "completed" });
}, 60_000);

test("a signal that goes alone is not overtaken by the next one for its saga", async () => {
  const { sql } = engine as TestEngine;
  const [sagaId] = (await waitingSagas(1)) as [string];
  const holder = await sql.reserve();
  await holder`begin`;
  await holder`select timeline.lock_sagas(array[${sagaId}]::text[])`;
  const first = signal(sagaId, { ok: true });
  await waitsForLock();
  const second = signal(sagaId, { ok: false });
  await holder`rollback`;
  holder.release();

  expect((await first).status).toBe(202);
  await second;
  expect(await client.settled(sagaId)).toMatchObject({ status: "completed" });
  const [taken] = await sql`select payload from timeline.signal where saga_id = ${sagaId} and taken_by is not null`;
  expect(taken?.["payload"]).toEqual({ ok: true });
}, 60_000);

test("a saga that somebody moves just now holds up its own signal alone", async () => {
  const { sql } = engine as TestEngine;
  const [held, ...free] = (await waitingSagas(4)) as [string, ...string[]];
  const { promise: letGo, resolve: release } = Promise.withResolvers<void>();
  const locked = Promise.withResolvers<void>();
  const holder = sql.begin(async (tx) => {
    await tx`select timeline.lock_sagas(${tx.array([held])}::text[])`;
    locked.resolve();
    await letGo;
  });
  try {
    await locked.promise;
    let isAnswered = false;
    const late = signal(held, { ok: true }).then((answer) => {
      isAnswered = true;
      return answer;
    });
    await waitsForLock();

    const answers = await inOneGroup(free.map((sagaId) => () => signal(sagaId, { ok: true })));

    expect(answers.map(({ status }) => status)).toEqual([202, 202, 202]);
    expect(isAnswered).toBe(false);
    release();
    expect((await late).status).toBe(202);
    expect(await client.settled(held)).toMatchObject({ status: "completed" });
  } finally {
    release();
    await holder;
  }
}, 60_000);

test("while the dispatcher is paused, signals are recorded together and applied later", async () => {
  const sagas = await waitingSagas(3);
  await client.ok("POST", "/v1/consumer-groups/dispatcher/pause", { reason: "test" });

  const answers = await inOneGroup(sagas.map((sagaId) => () => signal(sagaId, { ok: true })));

  expect(answers.map(({ json }) => (json as { applied: boolean }).applied)).toEqual([false, false, false]);
  await client.ok("POST", "/v1/consumer-groups/dispatcher/resume", { reason: "test" });
  for (const sagaId of sagas) expect(await client.settled(sagaId)).toMatchObject({ status: "completed" });
}, 60_000);

test("a signal that goes alone is answered as one of a group is", async () => {
  const { sagaId } = await client.start("notified", { note: "alone" });
  const large = { more: "x".repeat(40_000) };

  expect(await signal(UNKNOWN, large)).toMatchObject({ status: 404 });
  expect(await signal(sagaId, large, "unheard", "alone-1")).toMatchObject({ status: 422 });
  const answer = await signal(sagaId, large, "decided", "alone-2");
  expect(answer).toMatchObject({ status: 202, json: { sagaId, applied: true } });
  expect(await signal(sagaId, large, "decided", "alone-2")).toEqual(answer);
  expect(await signal(sagaId, { more: "y".repeat(40_000) }, "decided", "alone-2")).toMatchObject({
    json: { code: "saga.idempotency-mismatch" },
  });
  expect(await client.settled(sagaId)).toMatchObject({ status: "completed" });
  expect(await signal(sagaId, large)).toMatchObject({ status: 409 });
}, 60_000);
