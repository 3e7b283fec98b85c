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
  code: v.optional(v.pipe(v.string(), v.length(4))),
  seats: v.optional(v.pipe(v.array(v.number()), v.minLength(1))),
  size: v.optional(v.picklist([10, 20])),
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
  { ...fits, code: "1" },
  { ...fits, seats: [] },
  { ...fits, size: 15 },
  { ...fits, age: 121 },
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

test("what is wrong is said in words, not in signs of a language or an expression", () => {
  const said = (value: object) => schemaProblems(jsonSchema, { ...fits, ...value }).map(({ message }) => message);

  expect(said({ name: "Adalbert" })).toEqual(["must have at most 5 characters"]);
  expect(said({ age: 17 })).toEqual(["must be at least 18"]);
  expect(said({ age: 20.5 })).toEqual(["must be a whole number"]);
  expect(said({ age: "20" })).toEqual(["must be a number"]);
  expect(said({ housing: "castle" })).toEqual(["is none of own, rent"]);
  expect(said({ income: 0 })).toEqual(["must be more than 0"]);
  expect(said({ tags: [{ word: "UP" }] })).toEqual(["has a form that is not accepted here"]);
  expect(said({ tags: [{ word: "a" }, { word: "b" }, { word: "c" }] })).toEqual(["must have at most 2 entries"]);
  expect(said({ tags: {} })).toEqual(["must be a list"]);
  expect(said({ more: { a: 1 } })).toEqual(["must be true or false"]);
  expect(said({ code: "1" })).toEqual(["must have 4 characters"]);
  expect(said({ seats: [] })).toEqual(["is empty"]);
  expect(said({ size: 15 })).toEqual(["must be 10 or 20"]);
});

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
    { path: "/next/value", message: "must be a number" },
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
  expect(found({ type: ["string", "null"] }, 1)).toEqual([" must be a text or null"]);
  expect(found({ exclusiveMaximum: 5, multipleOf: 2 }, 5)).toEqual([
    " must be less than 5",
    " must be a multiple of 2",
  ]);
  expect(found({ exclusiveMaximum: 5, multipleOf: 2 }, 4)).toEqual([]);
  expect(found({ anyOf: [{ type: "string" }, { type: "boolean" }] }, 1)).toEqual([" fits none of the allowed forms"]);
  expect(found({ allOf: [{ minimum: 3 }, { maximum: 1 }] }, 2)).toEqual([" must be at least 3", " must be at most 1"]);
  expect(found({ items: { type: "string" } }, [null])).toEqual(["/0 must be a text"]);
  // A reference that leads nowhere says nothing.
  expect(found({ $ref: "other.json#/text" }, 1)).toEqual([]);
  expect(found({ $ref: "#/$defs/text/more", $defs: { text: 5 } }, 1)).toEqual([]);
});
