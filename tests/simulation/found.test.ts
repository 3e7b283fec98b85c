import { expect, test } from "bun:test";
import { SagaChanges } from "../../engine/dispatcher/saga-changes.ts";
import { Timers } from "../../engine/dispatcher/timers.ts";
import { Transitions } from "../../engine/dispatcher/transitions.ts";
import { createEvaluator } from "../../engine/definition/expression.ts";
import { define } from "../core/explorer/model.ts";
import { Coverage } from "./coverage.ts";
import { type Client, connectTo, type Database } from "./driver.ts";
import { Machine } from "./machine.ts";
import type { Plan } from "./plan.ts";
import { run } from "./run.ts";

/** A plan without faults over given sagas; the first one is started. */
function planOf(sources: Readonly<Record<string, string>>, characters: Plan["characters"]): Plan {
  const [root = ""] = Object.keys(sources);
  const definitions = new Map(
    Object.entries(sources).map(([name, steps]) => [name, define(`saga: ${name}\nversion: 1\n${steps}`)]),
  );
  return { seed: 1, root, definitions, faults: [], characters: characters ?? {} };
}

test("a firer of timers takes the sagas' locks before it takes the timers, or two firers fire one timer", async () => {
  const machine = new Machine(planOf({ root: "steps:\n  - sleep: 1s" }, {}), new Coverage());
  const sent: string[] = [];
  const client: Client = { name: "firer", alive: true, cut: undefined, open: new Set() };
  const database: Database = {
    schedule: machine.schedule,
    locks: machine.locks,
    nextXid: () => machine.nextXid(),
    commit: (transaction) => machine.commit(transaction),
    meaningOf: (text) => {
      sent.push(text.join("?"));
      return machine.meaningOf(text);
    },
  };
  const sql = connectTo(database, client);
  const store = { sql, producer: "firer", handOver: () => ({ committed: () => {}, abandoned: () => {} }) };
  machine.tables.timer.apply(new Map([["S t", { saga_id: "S", name: "t", dueAt: "2025-01-01T00:00:00.000Z" }]]));
  machine.tables.saga.apply(new Map([["S", { unapplied: 0 }]]));
  const transitions = new Transitions(machine.revisions, createEvaluator(), "firer");
  const fired = new Timers(store, transitions, new SagaChanges(), () => {}).fire();
  for (let step = 0; step < 50; step += 1) {
    for (const next of machine.schedule.ready()) next();
    await Bun.sleep(0);
  }
  machine.schedule.forget(client);
  void fired;
  expect(sent.join("\n")).toMatch(/lock_sagas[\s\S]*delete from timeline\.timer/);
});

test("a compensation that is parked in a completed child can be tried again, and the parent ends", async () => {
  const plan = planOf(
    {
      root: "steps:\n  - { step: kid, saga: kid, with: {} }\n  - { step: s, command: shop.buy, with: {} }",
      kid: "steps:\n  - { step: x, command: shop.buy, with: {}, compensate: { command: shop.give_back, retry: none } }",
    },
    { s: "refused", x: "well", "x#compensate": "fatal" },
  );

  const { violation, coverage } = await run(plan);

  expect(violation ?? "").toBe("");
  expect(Object.fromEntries(coverage.of("end"))).toEqual({ failed: 1, completed: 1 });
  expect(coverage.of("event").get("retry.requested")).toBe(1);
});
