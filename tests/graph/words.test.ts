import { expect, test } from "bun:test";

import { loadDefinition } from "../../engine/definition/load.ts";
import { pictureOf } from "../../engine/api/graph-routes.ts";

/** An author's names that read like words of the engine's. */
const SOURCE = `saga: completed
version: 1
steps:
  - step: yes
    parallel:
      else: [{ step: optional, command: shop.charge }]
      no: [{ step: pivot, command: shop.ship }]
`;

test("what the author named like a word of the engine's is no word of the engine's", () => {
  const { definition } = loadDefinition(SOURCE, { catalog: null, checks: false });
  if (definition === null) throw new Error("the definition is unsound");
  const { boxes, labels } = pictureOf(definition);

  expect(boxes.map(({ lines, words }) => lines.map((line, at) => [line, words[at]?.word ?? null]))).toEqual([
    [
      ["completed", null],
      ["version 1", "version"],
    ],
    [
      ["yes", null],
      ["parallel", "parallel"],
    ],
    [
      ["optional", null],
      ["shop.charge", null],
    ],
    [
      ["pivot", null],
      ["shop.ship", null],
    ],
    [["all", "all"]],
    [["completed", "completed"]],
  ]);
  expect(labels.map(({ text, words }) => [text, words])).toEqual([
    ["else", null],
    ["no", null],
  ]);
});
