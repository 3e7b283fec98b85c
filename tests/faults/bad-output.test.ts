import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { FatalError, rejected, succeeded } from "ekiden";
import { Client } from "../support/client.ts";
import { eventually, type TestEngine, testEngine } from "../support/engine.ts";
import { calls, returns } from "../support/rough/rough/returns.ts";
import { expectVerified } from "../support/verified.ts";

let engine: TestEngine;
const client = new Client(() => engine.url);
const circular: Record<string, unknown> = {};
circular["self"] = circular;
const nested = (levels: number): unknown => (levels === 0 ? 1 : [nested(levels - 1)]);

beforeAll(async () => {
  engine = await testEngine("embedded", { domains: join(import.meta.dir, "../support/rough") });
}, 120_000);
afterEach(() => {
  returns.clear();
  calls.clear();
});
afterAll(async () => engine?.close(), 60_000);

/** What a handler does wrong, and what its step says then. */
const OUTPUTS: readonly (readonly [what: string, act: () => unknown, code: string, message: string])[] = [
  ["NUL", () => succeeded({ a: "x\u0000" }), "step.output", "/a the text holds a NUL character"],
  ["NUL in a key", () => succeeded({ "\u0000": 1 }), "step.output", "the key holds a NUL character"],
  ["half a surrogate pair", () => succeeded("\ud83d"), "step.output", "half of a surrogate pair"],
  ["2^53 + 1", () => succeeded({ n: 2 ** 53 + 1 }), "step.output", "/n is a number beyond 2^53 - 1"],
  ["a bigint", () => succeeded({ n: 1n }), "step.output", "/n is bigint, which JSON does not have"],
  ["undefined in a list", () => succeeded([undefined]), "step.output", "/0 is undefined"],
  ["a Date", () => succeeded({ at: new Date() }), "step.output", "/at is an object of a class"],
  ["NaN", () => succeeded({ n: Number.NaN }), "step.output", "/n is NaN"],
  ["Infinity", () => succeeded({ n: -Infinity }), "step.output", "/n is -Infinity"],
  ["itself", () => succeeded(circular), "step.output", "is nested deeper than 64 levels"],
  ["65 levels", () => succeeded(nested(65)), "step.output", "is nested deeper than 64 levels"],
  ["300 KB", () => succeeded("x".repeat(300_000)), "step.output", "larger than 262144 bytes"],
  ["one byte too many", () => succeeded("x".repeat(262_130)), "step.output", "a message holds at most 262144"],
  ["200 KB of newlines", () => succeeded("\n".repeat(200_000)), "step.output", "a message holds at most 262144"],
  ["__proto__", () => succeeded(JSON.parse('{"__proto__":{"a":1}}')), "step.output", "/__proto__ is a key that no"],
  ["constructor", () => succeeded({ constructor: 1 }), "step.output", "/constructor is a key that no"],
  ["a getter that throws", () => succeeded(thrower("a")), "step.output", "cannot be read"],
  ["nothing", () => undefined, "step.output", "neither succeeded(…) nor rejected(…)"],
  ["null", () => null, "step.output", "neither succeeded(…) nor rejected(…)"],
  ["a text", () => "done", "step.output", "neither succeeded(…) nor rejected(…)"],
  ["another type", () => ({ type: "done", output: 1 }), "step.output", "neither succeeded(…) nor rejected(…)"],
  ["a code with a line end", () => rejected("no\r\nstock", "no"), "step.code", "a code is lower case"],
  ["a code that is none", () => ({ type: "rejected", code: 5 }), "step.code", 'rejected("5")'],
  ["throws nothing", () => raise(undefined), "exception", "undefined"],
  ["throws a symbol", () => raise(Symbol("s")), "exception", "Symbol(s)"],
  ["throws what is no text", () => raise(Object.create(null)), "exception", "cannot be shown"],
  ["throws an error without a message", () => raise(thrower("message", new Error("x"))), "exception", "undefined"],
  ["throws a NUL code", () => raise(new FatalError("x", { code: "a\u0000b" })), "a\uFFFDb", "x"],
];

function thrower(name: string, on: object = {}): object {
  return Object.defineProperty(on, name, { enumerable: true, get: () => raise(new Error("from a getter")) });
}

function raise(error: unknown): never {
  throw error;
}

/** Starts sagas that wait until all of them stand in one batch. */
async function together(definition: string, notes: readonly string[]): Promise<Map<string, string>> {
  await client.ok("POST", "/v1/consumer-groups/rough/pause", { reason: "test" });
  const started = await Promise.all(
    notes.map(async (note) => [note, (await client.start(definition, { note })).sagaId] as const),
  );
  await client.ok("POST", "/v1/consumer-groups/rough/resume", { reason: "test" });
  return new Map(started);
}

const ends = async (sagaId: string) => {
  const { status, error } = await client.settled(sagaId);
  return { status, code: error?.code, message: error?.message };
};

test("in a batch each bad outcome fails its own step, says why and leaves nothing behind; the good ones are done", async () => {
  const notes: string[] = [];
  for (const [index, [what, act]] of OUTPUTS.entries()) {
    returns.set(what, act);
    notes.push(what, `good ${index}`);
  }
  const sagas = await together("batched", notes);

  for (const [what, , code, message] of OUTPUTS)
    expect([what, await ends(sagas.get(what) as string)]).toEqual([
      what,
      { status: "parked", code, message: expect.stringContaining(message) },
    ]);
  const effects = await engine.sql<{ note: string }[]>`select note from rough.effect`;
  expect(effects.map(({ note }) => note).sort()).toEqual(OUTPUTS.map((_, index) => `good ${index}`).sort());
  // Twice: in the batch, and alone to say that it has failed. Never again: a retry would not mend it.
  const often = OUTPUTS.map(([what]) => [what, calls.get(what)]).filter(([, count]) => (count as number) > 3);
  expect(often).toEqual([]);
  const rows = await engine.sql`
    select 1 from timeline.event_consumption where consumer_group = 'rough' and error_flag
  `;
  expect(rows).toHaveLength(OUTPUTS.length);
}, 60_000);

test("one bad outcome among fifty good ones sets nothing but itself aside", async () => {
  returns.set("bad", () => succeeded({ n: Number.NaN }));
  const good = Array.from({ length: 50 }, (_, index) => `quiet ${index}`);
  for (const note of good) returns.set(note, () => succeeded({ note }));
  const sagas = await together("batched", ["bad", ...good]);

  expect((await ends(sagas.get("bad") as string)).status).toBe("parked");
  for (const note of good) expect((await ends(sagas.get(note) as string)).status).toBe("completed");
  // Once, or twice when it stood in the bad one's batch; never alone.
  expect(good.filter((note) => (calls.get(note) ?? 0) > 2)).toEqual([]);
}, 60_000);

test("an external call with a bad outcome is not made again, and counts as one that may have taken effect", async () => {
  for (const [what, act] of OUTPUTS) returns.set(what, act);
  const sagas = await together("shouted", ["fine", ...OUTPUTS.map(([what]) => what)]);

  expect((await ends(sagas.get("fine") as string)).status).toBe("completed");
  for (const [what, , code, message] of OUTPUTS) {
    const sagaId = sagas.get(what) as string;
    expect([what, await ends(sagaId), calls.get(what)]).toEqual([
      what,
      { status: "parked", code, message: expect.stringContaining(message) },
      1,
    ]);
  }
  const cancelled = OUTPUTS.map(async ([what]) => {
    const sagaId = sagas.get(what) as string;
    await client.ok("POST", `/v1/sagas/${sagaId}/cancel`, { reason: "give up" });
    return (await ends(sagaId)).status;
  });
  expect(await Promise.all(cancelled)).toEqual(OUTPUTS.map(() => "cancelled"));
  const undone = await engine.sql`select 1 from rough.undone where step_key like '%/shout'`;
  expect(undone).toHaveLength(OUTPUTS.length);
}, 60_000);

test("what breaks its schema is caught by nothing: the saga parks with the place of its step, and goes on by a retry", async () => {
  const note = "broken, then mended";
  returns.set(note, () => succeeded({ n: Number.NaN }));
  const { sagaId } = await client.start("tolerant", { note });
  const { status, error } = await client.settled(sagaId);
  expect({ status, error, calls: (calls.get(note) ?? 0) <= 2 }).toEqual({
    status: "parked",
    error: {
      code: "step.output",
      message: "the result is no plain JSON: /n is NaN, which JSON does not have",
      step: "work",
      line: 10,
      column: 5,
    } as never,
    calls: true,
  });
  const parked = await client.ok("GET", "/v1/sagas?status=parked&definition=tolerant");
  expect(parked).toMatchObject({ items: [{ sagaId, error: { code: "step.output", line: 10, column: 5 } }] });
  returns.set(note, () => succeeded({ note }));
  await client.ok("POST", `/v1/sagas/${sagaId}/retry`, { reason: "the handler was mended" });
  await eventually("it is completed", async () => (await client.saga(sagaId)).status === "completed");
  await expectVerified(engine.url);
}, 60_000);

test("what is fit to be written is written as it was when the handler returned", async () => {
  const output = { list: [1, 2], text: "é😀 \r\n", gone: undefined, deep: nested(62) };
  returns.set("late", async () => {
    setTimeout(() => output.list.push(3), 0);
    return succeeded(output);
  });
  const sagas = await together("batched", ["late"]);
  const sagaId = sagas.get("late") as string;
  expect((await ends(sagaId)).status).toBe("completed");
  const [step] = await engine.sql`select output from timeline.saga_step where saga_id = ${sagaId}`;
  expect(step?.["output"]).toEqual({ list: [1, 2], text: "é😀 \r\n", deep: nested(62) });
}, 60_000);

test("a projection that swallows an SQL error loses no event: it fails with a reason, and the next one is applied", async () => {
  await client.ok("POST", "/v1/consumer-groups/rough.ended/pause", { reason: "test" });
  const bad = (await client.start("batched", { note: "swallowed" }, "?wait=10s")).sagaId;
  returns.set(`ended ${bad}`, () => undefined);
  const good = (await client.start("batched", { note: "kept" }, "?wait=10s")).sagaId;
  await client.ok("POST", "/v1/consumer-groups/rough.ended/resume", { reason: "test" });

  await eventually("the good saga's end is applied", async () => {
    const rows = await engine.sql`select 1 from rough.ended where saga_id = ${good}`;
    return rows.length > 0;
  });
  const failure = await eventually("the bad one's end is in error", async () => {
    const [row] = await engine.sql`
      select c.error_flag, c.error_code, q.correlation_id as saga_id from timeline.event_consumption c
      join timeline.event_request q using (message_id) where c.consumer_group = 'rough.ended' and c.error_flag
    `;
    return row;
  });
  expect(failure).toEqual({ error_flag: true, error_code: "sql_22012", saga_id: bad });
}, 60_000);
