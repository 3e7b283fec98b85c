import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import type { Tx } from "ekiden";
import { Client } from "../support/client.ts";
import { eventually, type TestEngine, testEngine } from "../support/engine.ts";
import { behave, calls, calm } from "../support/lab/lab/behaviour.ts";

let lab: TestEngine;
const client = new Client(() => lab.url);

beforeAll(async () => {
  lab = await testEngine("embedded");
}, 120_000);
afterEach(calm);
afterAll(async () => lab?.close(), 60_000);

test("a statement made before the timeout and sent after it writes nothing", async () => {
  let ended = 0;
  behave("two", "*", async (context, tx) => {
    if (context.attempt > 1) return undefined;
    const late = (tx as Tx)`insert into lab.effect (step_key, saga_id, action) values (${`${context.stepKey}/${calls.length}`}, ${context.sagaId}, 'late')`;
    await new Promise((resolve) => context.signal.addEventListener("abort", resolve));
    await Bun.sleep(200);
    await late.catch(() => {});
    ended += 1;
    return undefined;
  });
  const { sagaId } = await client.start("three", { note: "lazy" });
  expect((await client.settled(sagaId)).status).toBe("completed");
  await eventually("the late handlers have ended", async () => ended >= 1);
  expect(await lab.sql`select step_key from lab.effect where saga_id = ${sagaId} and action = 'late'`).toHaveLength(0);
}, 60_000);

test("a statement that a handler sends after it has returned writes nothing", async () => {
  let ended = 0;
  behave("two", "*", async (context, tx) => {
    void (async () => {
      await Bun.sleep(400);
      await (tx as Tx)`insert into lab.effect (step_key, saga_id, action) values (${`${context.stepKey}/stray`}, ${context.sagaId}, 'stray')`.catch(
        () => {},
      );
    })()
      .catch(() => {})
      .finally(() => {
        ended += 1;
      });
    return undefined;
  });
  const { sagaId } = await client.start("three", { note: "stray" });
  expect((await client.settled(sagaId)).status).toBe("completed");
  await eventually("the stray statement was tried", async () => ended >= 1);
  expect(await lab.sql`select step_key from lab.effect where saga_id = ${sagaId} and action = 'stray'`).toHaveLength(0);
}, 60_000);
