import { expect, test } from "bun:test";

import { StepWords } from "../../engine/simulate/step-words.ts";
import { define } from "../core/explorer/model.ts";

const words = new StepWords(
  define(`
saga: test
version: 1
steps:
  - step: apply
    command: application.register
    with: {}
    catch:
      rejected:
        - notify: ledger.refused
          with: {}
  - notify: ledger.told
    with: {}
  - notify: ledger.told
    with: {}
  - choose:
      - when: "true"
        then:
          - fail: over
`),
);

test("a step is called by its name, else by its command, else by its path", () => {
  expect(words.all()).toEqual(["apply", "ledger.refused", "notify1", "notify2", "choose3", "choose3/when0/fail0"]);
});

test("a word is found again, and a path as well", () => {
  expect(words.find("apply")?.name).toBe("apply");
  expect(words.find("ledger.refused")).toBe(words.find("apply/catch/rejected/notify0"));
  expect(words.find("ledger.told")).toBeUndefined();
  expect(words.find("notify2")?.kind).toBe("notify");
});

test("an item of a list keeps its index, wherever the path has it", () => {
  expect([words.of("each0[3]/apply"), words.of("each0/[3]/apply"), words.of("apply[3]")]).toEqual([
    "apply[3]",
    "apply[3]",
    "apply[3]",
  ]);
  expect(words.find("apply[3]")?.name).toBe("apply");
});
