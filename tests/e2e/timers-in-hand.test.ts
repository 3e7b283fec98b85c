import { afterAll, beforeAll, expect, test } from "bun:test";
import { Timers } from "../../engine/dispatcher/timers.ts";
import { newId } from "../../engine/timeline/ids.ts";
import { eventually, type TestEngine, testEngine } from "../support/engine.ts";
import { holdTurns } from "../support/held-turns.ts";
import { writeRequest } from "../support/kafka.ts";

const start = Timers.prototype.start;
let engine: TestEngine | undefined;
let inHand: () => ReadonlyMap<string, number>;

beforeAll(async () => {
  Timers.prototype.start = function (active, counts) {
    inHand = counts;
    return start.call(this, active, counts);
  };
  engine = await testEngine("embedded");
}, 60_000);
afterAll(async () => {
  Timers.prototype.start = start;
  await engine?.close();
}, 30_000);

test("an engine tells its timers what the dispatcher and each domain have in hand, and nothing of projections", async () => {
  const { sql } = engine as TestEngine;
  expect([...inHand().keys()].toSorted()).toEqual(["dispatcher", "lab"]);
  const release = holdTurns();
  try {
    for (const topic of ["lab.one", "lab.one", "timeline"])
      await writeRequest(sql, { key: newId(), topic, type: "no.one" });
    await eventually("they are in hand", async () => inHand().get("lab") === 2 && inHand().get("dispatcher") === 1);
  } finally {
    release();
  }
  await eventually("they are done", async () => [...inHand().values()].every((count) => count === 0));
}, 60_000);
