import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { type StepContext, succeeded, type Tx } from "ekiden";
import { Client } from "../support/client.ts";
import { eventually, type TestEngine, testEngine } from "../support/engine.ts";
import { behave, calm } from "../support/lab/lab/behaviour.ts";

let lab: TestEngine;
const client = new Client(() => lab.url);

beforeAll(async () => {
  lab = await testEngine("embedded");
}, 120_000);
afterEach(calm);
afterAll(async () => lab?.close(), 60_000);

const row = (tx: Tx, { sagaId, stepKey }: StepContext, which = "") =>
  tx`insert into lab.effect (step_key, saga_id, action) values (${stepKey + which}, ${sagaId}, 'mine')`;
const rowsOf = (sagaId: string) => lab.sql`select from lab.effect where saga_id = ${sagaId} and action = 'mine'`;

/** Runs a saga whose second step does this instead of its work. */
async function run(note: string, work: (tx: Tx, context: StepContext) => unknown) {
  behave("two", "*", async (context, tx) => {
    await work(tx as Tx, context);
    return succeeded({ note: "done" });
  });
  const { sagaId } = await client.start("three", { note });
  return client.settled(sagaId);
}

/** Names the handler and the saga's step, and what to do. */
async function expectRefused(saga: Awaited<ReturnType<typeof run>>, what: RegExp): Promise<void> {
  expect(saga).toMatchObject({ status: "parked", error: { code: "step.unawaited" } });
  expect(saga.error?.message).toMatch(what);
  expect(saga.error?.message).toMatch(/^lab\.two \(step .*"insert into lab\.effect .*await it/);
  expect(saga.steps.find(({ path }) => path === "second")?.attempts).toBe(1);
  expect(await rowsOf(saga.sagaId)).toHaveLength(0);
}

test("a statement that was made and never sent fails its step", async () => {
  const saga = await run("bare", (tx, context) => {
    row(tx, context);
  });
  await expectRefused(saga, /never sent/);
}, 60_000);

test("a statement that is not answered when the handler returns fails its step, and nothing of it stays", async () => {
  const late: Promise<unknown>[] = [];
  const saga = await run("helper", (tx, context) => {
    const helper = async () => {
      await row(tx, context, "/a");
      await Bun.sleep(300);
      await row(tx, context, "/b");
    };
    late.push(helper().catch((error: unknown) => error));
  });
  await expectRefused(saga, /not answered yet/);
  await Promise.all(late);
  expect(await rowsOf(saga.sagaId)).toHaveLength(0);
}, 60_000);

test("handlers that are sent behind one another are told apart", async () => {
  const ready = await Promise.all(
    Array.from({ length: 20 }, (_, n) => client.start("three", { note: `warm ${n}` }).then(({ sagaId }) => sagaId)),
  );
  for (const sagaId of ready) expect((await client.settled(sagaId)).status).toBe("completed");
  behave("two", "*", async (context, tx) => {
    const statement = row(tx as Tx, context);
    if (Number(context.sagaId.charCodeAt(25)) % 2 === 0) await statement;
    return succeeded({ note: "done" });
  });
  const started = await Promise.all(
    Array.from({ length: 20 }, (_, n) => client.start("three", { note: `many ${n}` }).then(({ sagaId }) => sagaId)),
  );
  for (const sagaId of started) {
    const isGood = sagaId.charCodeAt(25) % 2 === 0;
    expect((await client.settled(sagaId)).status).toBe(isGood ? "completed" : "parked");
    expect(await rowsOf(sagaId)).toHaveLength(isGood ? 1 : 0);
  }
}, 60_000);

test("a query that was made and never sent is warned of, since it may be a part that was not needed", async () => {
  const saga = await run("unread", (tx) => {
    const read = tx`select step_key from lab.effect`;
    expect(read).toBeDefined();
  });
  expect(saga.status).toBe("completed");
  const line = lab.log.find((one) => one.includes("select step_key from lab.effect"));
  expect(line).toMatch(/lab\.two \(step .*never sent .*await it/);
  expect(line).toContain(saga.sagaId);
}, 60_000);

test("it is warned of once: a handler that need not send it at each call must not flood the log", async () => {
  for (const note of ["one", "two", "three"]) {
    const saga = await run(note, (tx) => {
      expect(tx`select saga_id from lab.effect`).toBeDefined();
    });
    expect(saga.status).toBe("completed");
  }
  expect(lab.log.filter((one) => one.includes("select saga_id from lab.effect"))).toHaveLength(1);
}, 60_000);

test("parts of statements, values, statements side by side and a cursor that is left are no forgotten statements", async () => {
  const saga = await run("parts", async (tx, context) => {
    const unused = tx`where action = ${"none"}`;
    const inner = tx`select saga_id from lab.effect where saga_id = ${context.sagaId}`;
    const values = tx({ step_key: `${context.stepKey}/v`, saga_id: context.sagaId, action: "mine" });
    await tx`insert into lab.effect ${values}`;
    await tx`with made as (${row(tx, context, "/cte")} returning 1) select from made`;
    await Promise.all([row(tx, context, "/a"), tx`select from lab.effect where saga_id in (${inner})`]);
    for await (const [first] of tx`select generate_series(1, 100) as n`.cursor(10)) if (first !== undefined) break;
    await tx`select 1`.describe();
    expect(unused).toBeDefined();
  });
  expect(saga).toMatchObject({ status: "completed" });
  expect(await rowsOf(saga.sagaId)).toHaveLength(3);
}, 60_000);

test("a statement that comes when its transaction is over is told which step that was", async () => {
  let late: Promise<unknown> | undefined;
  const saga = await run("late", (tx, context) => {
    late = Bun.sleep(300)
      .then(() => row(tx, context))
      .catch((error: Error) => error.message);
  });
  expect(saga.status).toBe("completed");
  const said = await eventually("the late statement was tried", async () => late);
  expect(said).toMatch(/^lab\.two \(step .*the transaction of this step is over: the handler has returned$/);
  expect(said).toContain(saga.sagaId);
}, 60_000);
