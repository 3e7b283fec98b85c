import { expect, test } from "bun:test";

import { difference } from "../../engine/scenario/compare.ts";
import { mismatchesIn } from "./read.ts";

test("what comes as expected has no mismatch", () => {
  const found = mismatchesIn(`
  - name: one
    input: { no: 2 }
    signals: [{ signal: reviewed, payload: { decision: reject }, at: 2h }]
    expect:
      steps: [apply, review, pay]
      status: completed
      output: { decision: reject }
      after: 2h
      uncompensated: []
      sent: { apply: { no: 2 }, pay: { decision: reject } }
`);

  expect(found).toEqual([]);
});

test("each thing that comes otherwise is told with its place, the steps as a difference", () => {
  const found = mismatchesIn(`
  - name: one
    given: { pay: "rejected:too_much" }
    signals: [reviewed]
    expect:
      steps: [apply, pay, review]
      status: completed
      output: { decision: approve }
      error: { code: too_little, step: pay }
      uncompensated: [apply]
      waiting: reviewed
      after: 1h
      sent: { pay: { decision: reject }, undo apply: { no: 1 } }
`);

  expect(found).toEqual([
    "8: status is not as expected",
    "- completed",
    "+ failed",
    "7: steps: - is expected, + has come",
    "  apply",
    "- pay",
    "  review",
    "+ pay",
    "+ undo apply",
    "10: error is not as expected",
    '- {"code":"too_little","step":"pay"}',
    '+ {"code":"too_much","step":"pay"}',
    "9: output is not as expected",
    '- {"decision":"approve"}',
    "+ none",
    "11: uncompensated: - is expected, + has come",
    "- apply",
    "12: waiting: - is expected, + has come",
    "- reviewed",
    "13: after is not as expected",
    "- 1h",
    "+ 0s",
    "14: what was sent to pay is not as expected",
    '- {"decision":"reject"}',
    '+ {"decision":"approve"}',
  ]);
});

test("an error that does not come, a message that is not sent, and what is given and never happens", () => {
  const found = mismatchesIn(`
  - name: one
    given: { pay: failed }
    expect:
      error: too_much
      sent: { pay: { decision: approve } }
`);

  expect(found).toEqual([
    "6: error is not as expected",
    '- {"code":"too_much"}',
    '+ {"code":"deadline"}',
    "7: nothing was sent to pay",
    "3: pay is given and never happens",
  ]);
});

test("the difference of two lists keeps what they share in place", () => {
  expect(difference(["a", "b", "c"], ["a", "c", "d"])).toEqual(["  a", "- b", "  c", "+ d"]);
  expect(difference([], ["a"])).toEqual(["+ a"]);
  expect(difference(["a"], [])).toEqual(["- a"]);
  expect(difference(["a", "b"], ["a", "b"])).toEqual(["  a", "  b"]);
});
