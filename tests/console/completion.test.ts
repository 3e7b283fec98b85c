import { expect, test } from "bun:test";

import { completionAt } from "../../engine/console/src/pages/definitions/completion.ts";
import { LANGUAGE } from "../../engine/definition/language.ts";

const WORDS = {
  keys: LANGUAGE.map(({ key, in: places, description }) => ({ key, in: places, description })),
  actions: ["shop.charge", "shop.reserve", "stock.charge"],
  definitions: ["order", "return"],
};

/** What is offered at the `|` of a text; asked for, unless something was typed before it. */
function offered(text: string, asked = true): readonly string[] {
  const caret = text.indexOf("|");
  const completion = completionAt(text.replace("|", ""), caret, WORDS, asked);
  return completion?.options.map((option) => option.text.trim()) ?? [];
}

test("actions after a command, definitions after a child, those that begin as typed first", () => {
  expect(offered("steps:\n  - command: |")).toEqual(WORDS.actions);
  expect(offered("steps:\n  - step: a\n    command: st|", false)).toEqual(["stock.charge"]);
  expect(offered("steps:\n  - step: a\n    compensate: charge|", false)).toEqual(["shop.charge", "stock.charge"]);
  expect(offered("steps:\n  - saga: |")).toEqual(WORDS.definitions);
  expect(offered("steps:\n  - command: shop.charge| # done")).toEqual([]);
  expect(offered("saga: |")).toEqual([]);
});

test("keys of the file, without those that it has", () => {
  expect(offered("saga: a\nde|\nsteps:\n  - step: x", false)).toEqual(
    ["description:", "deadline:", "defaults:"].toSorted(byTable),
  );
  expect(offered("saga: a\nde|\ndefaults:\n  timeout: 1m\n", false)).not.toContain("defaults:");
  expect(offered("saga: a\n|", false)).toEqual([]);
});

test("keys of a step are those of its kind; of one without a kind, those that make one", () => {
  const fresh = offered("steps:\n  - step: a\n    |");
  expect(fresh).toContain("command:");
  expect(fresh).not.toContain("step:");
  expect(fresh).not.toContain("retry:");
  const waits = offered("steps:\n  - step: a\n    wait: paid\n    |\n  - command: b.c");
  expect(waits).toContain("match:");
  expect(waits).not.toContain("pivot:");
  expect(offered("steps:\n  - command: a.b\n  - |")).toContain("step:");
  expect(offered("steps:\n  - choose:\n      - when: input.a\n        then:\n          - c|", false)).toContain(
    "command:",
  );
  expect(offered("steps:\n  - parallel:\n      left:\n        - n|", false)).toContain("notify:");
});

test("maps with keys of their own have theirs, and values have none", () => {
  expect(offered("defaults:\n  t|", false)).toEqual(["timeout:", "retry:"]);
  expect(offered("steps:\n  - choose:\n      - w|", false)).toEqual(["when:"]);
  expect(offered("steps:\n  - step: a\n    command: b.c\n    retry:\n      at|", false)).toEqual(["attempts:"]);
  expect(offered("steps:\n  - step: a\n    each:\n      in: x\n      a|", false)).toEqual(["as:", "max:"]);
  expect(offered("steps:\n  - step: a\n    with:\n      a|", false)).toEqual([]);
  expect(offered("input:\n  a|", false)).toEqual([]);
});

function byTable(one: string, other: string): number {
  const at = (name: string) => LANGUAGE.findIndex(({ key }) => `${key}:` === name);
  return at(one) - at(other);
}
