import { afterAll, afterEach, beforeAll, expect, test } from "bun:test";
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

/** Shorter than the timeout of the step. */
const BUSY_MS = 1_600;

function compute(): void {
  for (const until = performance.now() + BUSY_MS; performance.now() < until; );
}

/** The handlers that the next line of the log names. */
async function namedAfter(work: () => Promise<unknown>): Promise<string> {
  const from = lab.log.length;
  await work();
  const line = await eventually("the log tells of it", async () =>
    lab.log.slice(from).find((one) => one.includes("was held up for")),
  );
  const [held = 0, computed = 0] = [...line.matchAll(/ for (\d+\.\d) s/g)].map(([, seconds]) => Number(seconds));
  expect(computed).toBeLessThanOrEqual(held);
  return /in progress then: (.*?); it computed for/.exec(line)?.[1] ?? line;
}

test("a handler that computes without an await is named, whether it has ended by then or not", async () => {
  for (const when of ["before its first await", "after it", "and goes on"]) {
    let sagaId = "";
    const named = await namedAfter(async () => {
      behave("two", "*", async () => {
        if (when === "after it") await Bun.sleep(20);
        compute();
        if (when === "and goes on") await Bun.sleep(100);
        return undefined;
      });
      ({ sagaId } = await client.start("three", { note: when }));
      await client.settled(sagaId);
    });
    expect(named).toStartWith(`lab.two (step ${sagaId}`);
    expect(named).not.toContain("lab.one");
  }
}, 60_000);

test("readiness and doctor warn of it, and the engine stays ready", async () => {
  const ready = (await client.call("GET", "/health/ready")) as { status: number; json: { parts: { part: string }[] } };
  expect(ready.status).toBe(200);
  expect(ready.json.parts).toContainEqual(
    expect.objectContaining({
      part: "event loop",
      ok: true,
      detail: expect.stringMatching(/held up for \d.* lab\.two/),
    }),
  );
  const doctor = (await client.ok("GET", "/v1/doctor")) as { findings: { check: string }[] };
  expect(doctor.findings).toContainEqual(expect.objectContaining({ check: "event loop", level: "warn" }));
}, 60_000);

test("without a handler in progress it says so, and never that it computed for longer than it was held up", async () => {
  // Wherever between two looks it begins.
  for (const ms of [0, 250, 500, 750]) {
    await Bun.sleep(ms);
    const named = await namedAfter(async () => compute());
    expect(named).toContain("no handler was in progress");
  }
}, 60_000);
