import { expect, test } from "bun:test";

import type { Shape } from "../../engine/core/definition.ts";
import { violations } from "../../engine/core/shape.ts";
import { sampleOfSchema, sampleOfShape } from "../../engine/simulate/sample.ts";
import { define } from "../core/explorer/model.ts";

test("the sample of a shape is the plainest value, and fits it", () => {
  const shape: Shape = define(`
saga: test
version: 1
input:
  name: string(2..5)
  age: integer(18..120)
  debt: number(..-0.5)
  open: boolean
  day: date
  colour: [red, green]
  items: list<integer(1..)>(2..)
  note?: string
  more: { deep: string }
steps: [{ fail: over }]
`).input;
  const sample = sampleOfShape(shape);

  expect(sample).toEqual({
    name: "xx",
    age: 18,
    debt: -0.5,
    open: false,
    day: "2026-01-01",
    colour: "red",
    items: [1, 1],
    more: { deep: "" },
  });
  expect(violations(shape, sample)).toEqual([]);
});

test("the sample of a JSON schema follows references, choices and bounds", () => {
  const schema = {
    type: "object",
    properties: {
      id: { $ref: "#/$defs/id" },
      kind: { enum: ["b", "a"] },
      fixed: { const: 7 },
      either: { anyOf: [{ type: "null" }, { type: "string" }] },
      count: { type: "integer", exclusiveMinimum: 2 },
      low: { type: "number", maximum: -3 },
      list: { type: "array", items: { type: "string", minLength: 1 }, minItems: 1 },
      flag: { type: ["boolean", "null"] },
      left: { type: "string" },
    },
    required: ["id", "kind", "fixed", "either", "count", "low", "list", "flag"],
    $defs: { id: { type: "string", minLength: 3 } },
  };

  expect(sampleOfSchema(schema)).toEqual({
    id: "xxx",
    kind: "b",
    fixed: 7,
    either: null,
    count: 3,
    low: -3,
    list: ["x"],
    flag: false,
  });
});

test("a schema that contains itself ends", () => {
  const schema = { type: "object", properties: { next: { $ref: "#" } }, required: ["next"] };

  expect(JSON.stringify(sampleOfSchema(schema)).length).toBeLessThan(1_000);
});
