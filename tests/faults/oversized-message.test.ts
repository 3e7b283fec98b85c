import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { rejected } from "ekiden";
import { Client } from "../support/client.ts";
import { eventually, type TestEngine, testEngine } from "../support/engine.ts";
import { behave, calm } from "../support/lab/lab/behaviour.ts";

let lab: TestEngine;
const client = new Client(() => lab.url);
/** Fits every message but a compensation, which carries the input twice and the output. */
const LARGE = "x".repeat(110_000);

beforeAll(async () => {
  lab = await testEngine("embedded");
}, 120_000);
afterEach(calm);
afterAll(async () => lab?.close(), 60_000);

const settles = (sagaId: string, withinMs = 8_000) =>
  eventually(
    `saga ${sagaId} is final or parked`,
    async () => {
      const saga = await client.saga(sagaId);
      return ["running", "compensating"].includes(saga.status) ? undefined : saga.status;
    },
    withinMs,
  );

test("a saga whose compensation is too large says that it is parked", async () => {
  behave("two", "*", () => rejected("no", "no"));
  const { sagaId } = await client.start("pivoted", { note: LARGE });
  expect(["parked", "failed"]).toContain(await settles(sagaId));
}, 60_000);

test("a saga that waits with a large input can be cancelled", async () => {
  const { sagaId } = await client.start("waiting", { note: LARGE, patience: "long" });
  await eventually("the saga waits", async () => (await client.saga(sagaId)).waitingFor !== null);
  expect((await client.call("POST", `/v1/sagas/${sagaId}/cancel`, { reason: "stop" })).status).toBe(202);
}, 60_000);

test("a timer whose transition cannot be written does not hold up the timers of other sagas", async () => {
  const large = await client.start("waiting", { note: LARGE, patience: "short" });
  await eventually("the large saga's deadline is due", async () => {
    const rows =
      await lab.sql`select 1 from timeline.timer where saga_id = ${large.sagaId} and due_at < clock_timestamp()`;
    return rows.length > 0 || (await client.saga(large.sagaId)).status !== "running";
  });
  const small = await client.start("waiting", { note: "small", patience: "short" });
  expect(await settles(small.sagaId)).toBe("failed");
}, 60_000);
