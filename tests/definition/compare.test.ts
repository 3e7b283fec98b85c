import { expect, test } from "bun:test";

import { changesBetween } from "../../engine/definition/compare.ts";
import { define } from "../core/explorer/model.ts";

const BEFORE = `saga: loan
version: 1
input:
  amount: number(1..)
  name: string?
labels:
  size: \${ input.amount }
steps:
  - step: apply
    command: application.register
    with: \${ input }
    compensate: application.cancel
  - sleep: 1s
  - step: screen
    command: screening.examine
    timeout: 10s
    returns: { result: [approved, rejected] }
  - choose: steps.screen.result
    cases:
      approved: []
      rejected:
        - fail: screening_rejected
  - step: contract
    command: contract.conclude
    pivot: true
`;

function between(change: (before: string) => string) {
  return changesBetween(define(BEFORE), define(change(BEFORE)));
}

test("comments and layout are no difference", () => {
  expect(
    between((before) => `# a comment\n${before.replace("with: ${ input }", "with:   ${ input }   # all of it")}`),
  ).toEqual([]);
});

test("a changed step says what of it is another", () => {
  const changes = between((before) => before.replace("timeout: 10s", "timeout: 2m\n    if: input.amount > 3"));
  expect(changes).toEqual([
    {
      change: "changed",
      subject: "step",
      name: "screen",
      what: "command screening.examine",
      details: [
        { name: "timeout", before: "10s", after: "2m" },
        { name: "if", before: null, after: "input.amount > 3" },
      ],
    },
  ]);
});

test("a step put in before nameless ones is the only difference", () => {
  const changes = between((before) =>
    before.replace("  - sleep: 1s\n", "  - step: check\n    command: screening.check\n  - sleep: 1s\n"),
  );
  expect(changes).toEqual([
    { change: "added", subject: "step", name: "check", what: "command screening.check", details: [] },
  ]);
});

test("a removed block is named once, with how much is in it", () => {
  const changes = between((before) => before.replace(/ {2}- choose[\s\S]*?screening_rejected\n/, ""));
  expect(changes).toEqual([
    { change: "removed", subject: "step", name: "choose3", what: "choose steps.screen.result (+1)", details: [] },
  ]);
});

test("of steps that change places the fewest are named", () => {
  const changes = between((before) =>
    before.replace("  - sleep: 1s\n", "").replace("  - step: contract", "  - sleep: 1s\n  - step: contract"),
  );
  expect(changes).toEqual([{ change: "moved", subject: "step", name: "sleep3", what: "sleep", details: [] }]);
});

test("a step that goes into a branch has moved there", () => {
  const changes = between((before) =>
    before
      .replace("      approved: []", "      approved:\n        - step: contract\n          command: contract.conclude")
      .replace("  - step: contract\n    command: contract.conclude\n    pivot: true\n", ""),
  );
  expect(changes.map(({ change, name }) => `${change} ${name}`)).toEqual([
    "moved choose3/approved/contract",
    "changed choose3/approved/contract",
  ]);
});

test("fields of the input, labels and settings are told apart", () => {
  const changes = between((before) =>
    before
      .replace("version: 1", "version: 2\ndeadline: 1d")
      .replace("  name: string?", "  name: string(1..40)\n  age: integer")
      .replace("  size: ${ input.amount }", "  who: ${ input.amount }"),
  );
  expect(
    changes.map(({ subject, change, name, details }) => [subject, change, name, details[0]?.before, details[0]?.after]),
  ).toEqual([
    ["setting", "changed", "version", "1", "2"],
    ["setting", "added", "deadline", null, "1d"],
    ["input", "changed", "name", "string?", "string(1..40)"],
    ["input", "added", "age", null, "integer"],
    ["label", "removed", "size", "${ input.amount }", null],
    ["label", "added", "who", null, "${ input.amount }"],
  ]);
});
