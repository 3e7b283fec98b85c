import { expect, test } from "bun:test";
import fc from "fast-check";

import { simulate } from "../../engine/simulate/simulate.ts";
import type { Run } from "../../engine/simulate/story.ts";
import { define } from "../core/explorer/model.ts";
import { randomSaga } from "./random-sagas.ts";

const FINAL = ["completed", "failed", "cancelled"];

/** What no saga may do, in words; told by its story alone. */
function faultsOf({ entries, status, ended, uncompensated, waitingFor }: Run, source: string): string[] {
  const silent = entries.some(({ text }) => text === "no answer comes");
  const done = entries
    .filter(({ kind, text }) => kind === "answered" && text.startsWith("succeeded"))
    .map(({ step = "" }) => step);
  const undone = entries
    .filter(({ text }) => text.startsWith("undone") || text === "nothing to undo")
    .map(({ step = "" }) => step);
  const listed = new Set(uncompensated.map(({ step }) => step));
  const left = done.filter(
    (step) =>
      source.includes(`shop.undo_${step.replace(/\[.*/, "")}"`) &&
      !undone.includes(`undo ${step}`) &&
      !listed.has(step),
  );
  const backwards = status === "failed" || status === "cancelled";
  return [
    ...(ended === "at-rest" ? [] : ["it never comes to rest"]),
    ...(FINAL.includes(status) || status === "parked" || silent || waitingFor.length > 0
      ? []
      : [`it stands still as ${status}`]),
    ...(backwards ? left.map((step) => `${step} is done and not undone`) : []),
    ...undone.filter((step, index) => undone.indexOf(step) !== index).map((step) => `${step} twice`),
    ...done.filter((step, index) => done.indexOf(step) !== index).map((step) => `${step} is done twice`),
    ...entries
      .filter(({ step, text }) => step?.startsWith("undo ") && text.startsWith("refused"))
      .map(({ step }) => `${step} is refused`),
  ];
}

test("whatever a saga looks like and whatever happens to it, it ends, and a failure leaves nothing behind", () => {
  const ends = new Map<string, number>();
  fc.assert(
    fc.property(randomSaga, ({ source, plan }) => {
      const run = simulate(define(source), plan, null);
      ends.set(run.status, (ends.get(run.status) ?? 0) + 1);
      expect({ faults: faultsOf(run, source) }).toEqual({ faults: [] });
    }),
    { numRuns: 400, seed: 7 },
  );

  // Too few of one kind, and the rest would prove little.
  for (const status of FINAL) expect(ends.get(status) ?? 0).toBeGreaterThan(20);
}, 60_000);

test("a story in which something is left behind, done twice, or never ends is found", () => {
  const answered = { atMs: 0, kind: "answered", step: "s0", text: "succeeded" } as const;
  const run: Run = {
    entries: [answered, answered],
    steps: ["s0"],
    states: [],
    status: "failed",
    uncompensated: [],
    waitingFor: [],
    ended: "too-long",
    endedAtMs: 0,
    unused: [],
  };

  expect(faultsOf({ ...run, entries: [answered] }, '"shop.undo_s0"')).toEqual([
    "it never comes to rest",
    "s0 is done and not undone",
  ]);
  expect(faultsOf({ ...run, ended: "at-rest", status: "running" }, "")).toEqual([
    "it stands still as running",
    "s0 is done twice",
  ]);
});
