import { expect, test } from "bun:test";

import { FAULTS } from "./harness/catalogue.ts";
import { report } from "./harness/report.ts";
import type { Outcome, Strike } from "./harness/run.ts";
import { notDrawn, vacuous } from "./harness/vacuity.ts";

function strike(fault: string, fired = true): Strike {
  return { fault, at: new Date(0), told: `${fault} was told`, fired, healedMs: null };
}

const STRIKES = [strike("kill-engine"), strike("rewind", false), strike("rewind")];

test("a run with enough sagas whose faults all fired is not vacuous", () => {
  expect(vacuous({ minutes: 0.5, completed: 10, undone: 3, strikes: STRIKES })).toEqual([]);
  expect(vacuous({ minutes: 20, completed: 200, undone: 60, strikes: STRIKES })).toEqual([]);
});

test("a long run must have ended more sagas than a short one", () => {
  const [violation] = vacuous({ minutes: 20, completed: 199, undone: 60, strikes: STRIKES });

  expect(violation?.rows).toEqual([{ completed: 199, undone: 60, least: { completed: 200, undone: 60 } }]);
});

test("a fault that was drawn and never fired, and a run without any, are vacuous", () => {
  const enough = { minutes: 1, completed: 10, undone: 3 };

  expect(vacuous({ ...enough, strikes: [strike("rewind", false)] })[0]?.rows).toEqual([
    { neverFired: "rewind", told: "rewind was told" },
  ]);
  expect(vacuous({ ...enough, strikes: [] })[0]?.rows).toEqual([{ faults: 0 }]);
});

test("the report names the kinds of the mode that were not drawn", () => {
  const all = FAULTS.filter(({ modes }) => modes.includes("single")).map(({ name }) => name);
  const missing = notDrawn("single", STRIKES);
  expect(missing).toEqual(all.filter((name) => name !== "kill-engine" && name !== "rewind"));
  expect(missing).not.toContain("kill-broker");
  const outcome = { mode: "single", strikes: STRIKES, violations: [], figures: { sagas: {} } } as unknown as Outcome;

  expect(report([outcome], 1)).toContain(`Not drawn in \`single\`: ${missing.join(", ")}.`);
});
