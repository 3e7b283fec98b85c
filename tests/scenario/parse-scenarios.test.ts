import { expect, test } from "bun:test";

import { define } from "../core/explorer/model.ts";
import { findingsIn } from "./read.ts";

/** A scenario with these lines in place of its own. */
function scenario(lines: string): string {
  return `scenarios:\n  - name: one\n${lines.replaceAll(/^/gm, "    ")}\n`;
}

const EXPECT = "expect: { status: completed }";

const WRONG: readonly (readonly [source: string, says: string])[] = [
  ["", "it:1:1: error: the file is empty  fix: Begin with `scenarios:`."],
  ["scenario: []\n", "it:1:1: error: there is no key `scenario` here  fix: Did you mean `scenarios`?"],
  ["input: { no: 1 }\n", "it:1:1: error: there are no `scenarios`  fix: Write `scenarios:`"],
  ["scenarios:\n  - expect: { status: failed }\n", "it:2:5: error: the scenario has no `name`"],
  ["scenarios:\n  - name: one\n", "it:2:5: error: the scenario has no `expect`"],
  [scenario("expect: {}"), "it:3:13: error: `expect` expects nothing"],
  [scenario(`expct: 1\n${EXPECT}`), "it:3:5: error: there is no key `expct` here  fix: Did you mean `expect`?"],
  [scenario(`given: { aply: failed }\n${EXPECT}`), "no step `aply`  fix: Did you mean `apply`?"],
  [scenario(`given: { apply: fails }\n${EXPECT}`), "it:3:21: error: `fails` is no outcome"],
  [scenario(`given: { review: failed }\n${EXPECT}`), "`review` is a wait: no participant answers it"],
  [scenario(`given: { undo pay: failed }\n${EXPECT}`), "`pay` has no compensation"],
  [scenario(`given: { undo apply: { a: 1 } }\n${EXPECT}`), "the compensation of `apply` has no output"],
  [
    scenario(`signals: [rewiewed]\n${EXPECT}`),
    "no step waits for the signal `rewiewed`  fix: Did you mean `reviewed`?",
  ],
  [scenario(`signals: [{ at: 1d }]\n${EXPECT}`), "it:3:15: error: a signal needs its name"],
  [scenario(`signals: [{ signal: reviewed, payload: { decision: maybe } }]\n${EXPECT}`), "/decision must be one of"],
  [scenario(`signals: [{ signal: reviewed, at: soon }]\n${EXPECT}`), "`soon` is no duration"],
  [scenario(`cancel: 5\n${EXPECT}`), "it:3:13: error: `5` is no duration  fix: Add a unit: 5s."],
  [scenario(`start: soon\n${EXPECT}`), "it:3:12: error: `soon` is no date"],
  [scenario(`input: nowhere.json\n${EXPECT}`), "nowhere.json: there is no such file"],
  [scenario(`input: list.json\n${EXPECT}`), "list.json: it holds no object"],
  [scenario(`input: { no: 10 }\n${EXPECT}`), "it:3:12: error: the input: /no must be at most 9"],
  [scenario(`change: { no: x }\n${EXPECT}`), "the input: /no must be an integer"],
  [scenario("expect: { steps: [aply] }"), "no step `aply`  fix: Did you mean `apply`?"],
  [scenario("expect: { steps: apply }"), "`steps` must be a list"],
  [scenario("expect: { status: done }"), "there is no status `done`"],
  [scenario("expect: { error: { stp: apply } }"), "there is no key `stp` here  fix: Did you mean `step`?"],
  [scenario("expect: { sent: { aply: {} } }"), "no step `aply`"],
  [scenario("expect: { sent: { apply: 1 } }"), "write the fields that are sent"],
  [`${scenario(EXPECT)}  - name: one\n    ${EXPECT}\n`, 'it:4:11: error: two scenarios are called "one"'],
  ["scenarios:\n\t- name: one\n", "it:2:1: error:"],
];

test.each(WRONG)("a mistake in a file of scenarios is shown with its place and the fix: %p", (source, says) => {
  expect(findingsIn(source).join("\n")).toContain(says);
});

const BLOCKS = define(`
saga: test
version: 1
input: { shops: "list<{ no: string }>" }
steps:
  - step: both
    parallel:
      one: [{ step: apply, command: application.register }]
      two: [{ step: pay, command: bank.pay }]
  - step: transfers
    each:
      in: input.shops
      steps: [{ step: transfer, command: bank.pay, with: { no: "\${ item.no }" } }]
  - set: { done: true }
`);

test.each([
  ["set2", "`set2` is a set, which is not told  fix: Leave it out."],
  ["both", "`both` is a parallel, which is not told  fix: Name its steps."],
  ["transfers", "`transfers` is an each, which is not told  fix: Name its steps."],
  ["transfer", "`transfer` runs once for each item  fix: Write `transfer[0]` for the first one."],
  ["undo transfer", "`transfer` runs once for each item  fix: Write `undo transfer[0]` for the first one."],
])("what is never told among the steps cannot be expected there: %p", (word, says) => {
  expect(findingsIn(scenario(`expect: { steps: [${word}] }`), BLOCKS).join("\n")).toContain(says);
});

test("an item's step and a branch's can be expected, and a step's outcome be given for all items", () => {
  const source = scenario(
    'given: { transfer: failed }\nexpect: { steps: [apply, pay, "transfer[0]", "undo transfer[1]"] }',
  );
  expect(findingsIn(source, BLOCKS)).toEqual([]);
});

test("no outcome can be given to a block", () => {
  expect(findingsIn(scenario(`given: { transfers: failed }\n${EXPECT}`), BLOCKS).join()).toContain(
    "`transfers` is an each: no participant answers it",
  );
});

test("a file without mistakes has no findings", () => {
  const source = `
description: Of one saga.
input: one.json
scenarios:
  - name: everything
    description: All keys.
    change: { more.city: Kyoto }
    given:
      apply: [failed, { applicationId: A-1 }]
      undo apply: failed*2 after 1m
    signals:
      - reviewed
      - { signal: reviewed, payload: { decision: approve }, at: 0s }
    cancel: 1h
    until: 3d
    start: 2026-03-01
    expect:
      steps: [apply, review, undo apply]
      status: failed
      output: { a: 1 }
      error: { code: a, step: apply, message: b }
      uncompensated: []
      waiting: [reviewed]
      after: 3d
      sent: { apply: { no: 1 }, undo apply: { no: 1 } }
`;

  expect(findingsIn(source)).toEqual([]);
});
