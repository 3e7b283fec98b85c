import { expect, test } from "bun:test";

import { outcomesOf } from "../../engine/simulate/outcome-notation.ts";
import type { Outcome } from "../../engine/simulate/plan.ts";
import { FAILED, SUCCEEDED } from "./simulated.ts";

const READ: readonly (readonly [text: string, outcomes: readonly Outcome[]])[] = [
  ["succeeded", [SUCCEEDED]],
  ["rejected", [{ end: "rejected", code: "rejected" }]],
  ["rejected:too_young", [{ end: "rejected", code: "too_young" }]],
  ["failed", [FAILED]],
  [
    "failed:timeout*2",
    [{ ...FAILED, code: "timeout" } as Outcome, { ...FAILED, code: "timeout" } as Outcome, SUCCEEDED],
  ],
  ["fatal", [{ end: "failed", code: "fatal", retryable: false }]],
  ["unknown", [{ end: "unknown" }]],
  ["silent", [{ end: "silent" }]],
  ["succeeded after 2h", [{ end: "succeeded", afterMs: 7_200_000 }]],
];

test.each(READ)("%p is read", (text, outcomes) => {
  expect(outcomesOf(text)).toEqual(outcomes);
});

test.each(["", "rejct", "succeeded:x", "failed*0", "silent:x", "failed after soon", "rejected:Too Young"])(
  "%p is no outcome",
  (text) => {
    expect(outcomesOf(text)).toBeUndefined();
  },
);
