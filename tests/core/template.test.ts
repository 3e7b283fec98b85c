import { expect, test } from "bun:test";
import type { Template } from "../../engine/core/definition.ts";
import { expressionsOf, renderTemplate } from "../../engine/core/template.ts";
import { createEvaluator } from "../../engine/definition/expression.ts";

const read = (source: string) => ({ source, at: { line: 1, column: 1 } });
const template: Template = {
  kind: "object",
  entries: {
    plain: { kind: "literal", value: [1] },
    typed: { kind: "expression", expression: read("input.n") },
    joined: { kind: "text", parts: ["n is ", read("input.n + 1"), ", ", read("input.name")] },
    listed: { kind: "list", items: [{ kind: "expression", expression: read("input.name") }] },
  },
};

test("a template is filled in: an expression keeps its type, text is joined", () => {
  expect(renderTemplate(template, { input: { n: 1, name: "Ada" } }, createEvaluator())).toEqual({
    plain: [1],
    typed: 1,
    joined: "n is 2, Ada",
    listed: ["Ada"],
  });
});

test("the expressions of a template are told in reading order", () => {
  expect(expressionsOf(template).map(({ source }) => source)).toEqual([
    "input.n",
    "input.n + 1",
    "input.name",
    "input.name",
  ]);
});

test("a key that would reach a prototype is refused even in a definition that was built by hand", () => {
  const entries = JSON.parse('{ "__proto__": { "kind": "literal", "value": 1 } }');

  expect(() => renderTemplate({ kind: "object", entries }, {}, createEvaluator())).toThrow("__proto__");
});
