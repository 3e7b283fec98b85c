import { expect, test } from "bun:test";
import { ExpressionFault } from "../../engine/core/evaluate.ts";
import { expressionsOf, renderTemplate } from "../../engine/core/template.ts";
import { createEvaluator } from "../../engine/definition/expression.ts";
import { definitionFrom, saga } from "./definition-source.ts";

const scope = { input: { amount: 12.5, name: "Ann", tags: ["x"], note: null } };
const rendered = (output: string) => {
  const head = saga("{ amount: number, name: string, tags: list<string>, note: any }", "  []");
  const source = `${head}output:\n${output}\n`;
  const template = definitionFrom(source.replace("steps:\n  []", "steps: []")).output;
  if (template === undefined) throw new Error("the source has no output");
  return { template, value: () => renderTemplate(template, scope, createEvaluator()) };
};

test("a lone expression keeps its type and text is joined", () => {
  const { template, value } = rendered(
    [
      "  amount: ${ input.amount }",
      "  tags: ${input.tags}",
      "  text: Dear ${ input.name }, ${ input.amount } are due",
      "  braces: \"${ {'a': '}'} }\"",
      "  literal: $${ not an expression }",
      '  list: [1, "${ input.name }", { deep: [null, true] }]',
      "  block: |",
      "    ${ input.tags }",
    ].join("\n"),
  );

  expect(value()).toEqual({
    amount: 12.5,
    tags: ["x"],
    text: "Dear Ann, 12.5 are due",
    braces: { a: "}" },
    literal: "${ not an expression }",
    list: [1, "Ann", { deep: [null, true] }],
    block: ["x"],
  });
  expect(expressionsOf(template).map((each) => each.source)).toEqual([
    "input.amount",
    "input.tags",
    "input.name",
    "input.amount",
    "{'a': '}'}",
    "input.name",
    "input.tags",
  ]);
});

test("null and objects cannot be put into text", () => {
  expect(rendered("  text: a ${ input.note } b").value).toThrow(ExpressionFault);
});

test("a template never reaches an object's prototype", () => {
  const entries = JSON.parse('{"__proto__": {"kind": "literal", "value": 1}}');

  expect(() => renderTemplate({ kind: "object", entries }, scope, createEvaluator())).toThrow("__proto__");
});
