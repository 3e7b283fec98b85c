import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { rejected, succeeded } from "ekiden";
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

/** Starts with the dispatcher paused, so that a test can say what this one saga's handlers will do. */
async function startWith(definition: string, input: object, prepare: (sagaId: string) => void): Promise<string> {
  await client.ok("POST", "/v1/consumer-groups/dispatcher/pause", { reason: "test" });
  const { sagaId } = await client.start(definition, input);
  prepare(sagaId);
  await client.ok("POST", "/v1/consumer-groups/dispatcher/resume", { reason: "test" });
  return sagaId;
}

const ends = (sagaId: string) =>
  eventually(
    "the saga is final or parked",
    async () => {
      const saga = await client.saga(sagaId);
      return ["running", "compensating"].includes(saga.status) ? undefined : saga;
    },
    8_000,
  );
const callsOf = (sagaId: string, action: string) =>
  calls.filter((call) => call.sagaId === sagaId && call.action === action).length;

test("a rejection whose message holds NUL ends the step", async () => {
  const sagaId = await startWith("three", { note: "nul" }, (id) =>
    behave("two", id, () => rejected("no_stock", "bin \u0000 dump")),
  );
  expect((await ends(sagaId)).status).toBe("failed");
}, 60_000);

test("an error whose message holds a lone surrogate ends the attempt", async () => {
  const sagaId = await startWith("three", { note: "surrogate" }, (id) =>
    behave("two", id, () => {
      throw new Error("cut in half: \ud83d");
    }),
  );
  expect((await ends(sagaId)).status).toBe("parked");
}, 60_000);

test("an error whose message is larger than a body ends the attempt", async () => {
  const sagaId = await startWith("three", { note: "large error" }, (id) =>
    behave("two", id, () => {
      throw new Error("x".repeat(300_000));
    }),
  );
  expect((await ends(sagaId)).status).toBe("parked");
}, 60_000);

test("an external call whose output cannot be stored is not called for ever", async () => {
  const sagaId = await startWith("outside", { note: "external nul" }, (id) =>
    behave("call", id, () => succeeded({ note: "a\u0000b" })),
  );
  expect((await ends(sagaId)).status).not.toBe("running");
  expect(callsOf(sagaId, "call")).toBeLessThanOrEqual(2);
}, 60_000);

test("an external call whose output is larger than a body is not called for ever", async () => {
  const sagaId = await startWith("outside", { note: "external large" }, (id) =>
    behave("call", id, () => succeeded({ note: "x".repeat(300_000) })),
  );
  expect((await ends(sagaId)).status).not.toBe("running");
  expect(callsOf(sagaId, "call")).toBeLessThanOrEqual(2);
}, 60_000);

test("an external call whose output breaks its schema may have taken effect: it is undone", async () => {
  const sagaId = await startWith("outside", { note: "external schema" }, (id) =>
    behave("call", id, () => succeeded({ noted: "wrong field" }) as never),
  );
  const saga = await ends(sagaId);
  if (saga.status === "parked") await client.ok("POST", `/v1/sagas/${sagaId}/cancel`, { reason: "give up" });
  await ends(sagaId);
  expect(callsOf(sagaId, "call")).toBeGreaterThan(0);
  expect(await lab.sql`select step_key from lab.undone where saga_id = ${sagaId}`).toHaveLength(1);
}, 60_000);

test("what stands in a payload is masked in the log, whatever a handler puts into its error", async () => {
  const sagaId = await startWith("three", { note: "Hanako Yamada" }, (id) =>
    behave("two", id, (_context, _tx, { note }) => {
      throw new Error(`cannot greet ${note} at her house`);
    }),
  );
  expect((await ends(sagaId)).status).toBe("parked");
  const lines = lab.log.filter((line) => line.includes("at her house"));
  expect(lines.length).toBeGreaterThan(0);
  expect(lines[0]).toContain("cannot greet *** at her house");
  expect(lab.log.join("\n")).not.toContain("Hanako");
}, 60_000);
