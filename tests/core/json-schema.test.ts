import { expect, test } from "bun:test";
import fc from "fast-check";
import * as v from "valibot";
import type { Json } from "../../engine/core/json.ts";
import { schemaProblems } from "../../engine/core/json-schema.ts";
import { schemaOf } from "../../engine/definition/catalog.ts";

const Applicant = v.strictObject({
  name: v.pipe(v.string(), v.minLength(2), v.maxLength(5)),
  age: v.pipe(v.number(), v.integer(), v.minValue(18), v.maxValue(120)),
  housing: v.picklist(["own", "rent"]),
  income: v.optional(v.nullable(v.pipe(v.number(), v.gtValue(0)))),
  tags: v.optional(v.pipe(v.array(v.strictObject({ word: v.pipe(v.string(), v.regex(/^[a-z]+$/)) })), v.maxLength(2))),
  contact: v.optional(
    v.variant("by", [
      v.strictObject({ by: v.literal("post"), street: v.string() }),
      v.strictObject({ by: v.literal("phone"), number: v.string() }),
    ]),
  ),
  place: v.optional(v.tuple([v.number(), v.number()])),
  more: v.optional(v.record(v.string(), v.boolean())),
});
const fits = { name: "Ada", age: 30, housing: "own" };
const { jsonSchema, parse } = schemaOf(Applicant, "input");

const FAULTY: readonly unknown[] = [
  null,
  "text",
  {},
  { ...fits, name: "A" },
  { ...fits, name: "Adalbert" },
  { ...fits, name: "😀😀😀" },
  { ...fits, age: 17 },
  { ...fits, age: 20.5 },
  { ...fits, age: "20" },
  { ...fits, housing: "castle" },
  { ...fits, income: 0 },
  { ...fits, income: "much" },
  { ...fits, unknown: 1 },
  { ...fits, tags: [{ word: "UP" }] },
  { ...fits, tags: [{ word: "a" }, { word: "b" }, { word: "c" }] },
  { ...fits, tags: {} },
  { ...fits, place: [1, "2"] },
  { ...fits, more: { a: 1 } },
];

test.each(FAULTY.map((value) => [JSON.stringify(value), value] as const))(
  "%s is refused at the places and in the words of the handler's own parser",
  (_text, value) => {
    const parsed = parse(value);
    const own = parsed.ok ? [] : parsed.problems;

    expect(own.length).toBeGreaterThan(0);
    expect(sorted(schemaProblems(jsonSchema, value))).toEqual(sorted(own));
  },
);

const sorted = (problems: readonly { path: string; message: string }[]) =>
  problems.map(({ path, message }) => `${path} ${message}`).sort();

test("an alternative is refused, in whatever words, and taken when it fits", () => {
  expect(schemaProblems(jsonSchema, { ...fits, contact: { by: "post", street: "Main" } })).toEqual([]);
  expect(schemaProblems(jsonSchema, { ...fits, contact: { by: "post" } })).not.toEqual([]);
  expect(schemaProblems(jsonSchema, { ...fits, contact: { by: "pigeon" } })).not.toEqual([]);
});

test("a schema that refers to itself is followed as far as the value goes", () => {
  const list = {
    $ref: "#/$defs/node",
    $defs: {
      node: {
        type: "object",
        required: ["value"],
        properties: { value: { type: "number" }, next: { $ref: "#/$defs/node" } },
      },
    },
  };

  expect(schemaProblems(list, { value: 1, next: { value: 2 } })).toEqual([]);
  expect(schemaProblems(list, { value: 1, next: { value: "2" } })).toEqual([
    { path: "/next/value", message: "must be number" },
  ]);
  expect(schemaProblems({ $ref: "#" }, 1)).toEqual([]);
});

test("whatever the handler's parser takes, this check takes", () => {
  const maybe = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
  const candidate = fc.record({
    name: fc.string({ maxLength: 6 }),
    age: fc.oneof(fc.integer({ min: 10, max: 130 }), fc.double()),
    housing: fc.constantFrom("own", "rent", "castle"),
    income: maybe(fc.option(fc.integer())),
    tags: maybe(fc.array(fc.record({ word: fc.string({ maxLength: 2 }) }), { maxLength: 3 })),
    more: maybe(fc.dictionary(fc.string({ maxLength: 2 }), fc.boolean())),
  });
  fc.assert(
    fc.property(candidate, (value) => {
      const plain = JSON.parse(JSON.stringify(value)) as unknown;
      const { ok } = parse(plain);
      expect({ ok, problems: schemaProblems(jsonSchema, plain).length === 0 }).toEqual({ ok, problems: ok });
    }),
  );
});

test("keywords that no schema of our own has are taken at their word, or let through", () => {
  const found = (schema: Json, value: unknown) =>
    schemaProblems(schema, value).map(({ path, message }) => `${path} ${message}`);

  expect(found({ type: "string" }, undefined)).toEqual([" is missing"]);
  expect(found({ type: "text" }, 1)).toEqual([" must be text"]);
  expect(found({ type: ["string", "null"] }, 1)).toEqual([" must be (string | null)"]);
  expect(found({ exclusiveMaximum: 5, multipleOf: 2 }, 5)).toEqual([" must be <5", " must be %2"]);
  expect(found({ exclusiveMaximum: 5, multipleOf: 2 }, 4)).toEqual([]);
  expect(found({ anyOf: [{ type: "string" }, { type: "boolean" }] }, 1)).toEqual([" fits none of the allowed forms"]);
  expect(found({ allOf: [{ minimum: 3 }, { maximum: 1 }] }, 2)).toEqual([" must be >=3", " must be <=1"]);
  expect(found({ items: { type: "string" } }, [null])).toEqual(["/0 must be string"]);
  // A reference that leads nowhere says nothing.
  expect(found({ $ref: "other.json#/text" }, 1)).toEqual([]);
  expect(found({ $ref: "#/$defs/text/more", $defs: { text: 5 } }, 1)).toEqual([]);
});
