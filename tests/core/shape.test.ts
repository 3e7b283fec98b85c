import { expect, test } from "bun:test";
import type { Shape } from "../../engine/core/definition.ts";
import { violations } from "../../engine/core/shape.ts";

const required = { optional: false } as const;
const found = (shape: Shape, value: unknown) =>
  violations(shape, value).map(({ path, message }) => `${path} ${message}`);

test("a value of another kind is named by its kind, never by what it holds", () => {
  const values = [null, [1], { secret: 1 }, "secret", 42, true];
  const text = values.map((value) => found({ kind: "number", ...required }, value));
  expect(text).toEqual([
    [" must be a number, is null"],
    [" must be a number, is a list"],
    [" must be a number, is an object"],
    [" must be a number, is a string"],
    [],
    [" must be a number, is true"],
  ]);
});

test("every kind of shape refuses what is none of it", () => {
  const kinds: Record<string, Shape> = {
    "a string": { kind: "string", ...required },
    "an integer": { kind: "integer", ...required },
    "true or false": { kind: "boolean", ...required },
    "an ISO 8601 date, or a date-time with its offset": { kind: "date", ...required },
    "one of a, b": { kind: "enum", values: ["a", "b"], ...required },
    "a list": { kind: "list", item: { kind: "any", ...required }, ...required },
    "an object": { kind: "object", ...required },
  };
  for (const [name, shape] of Object.entries(kinds)) {
    // Of a value that is of the kind, as far as JSON goes, it is said that it is another one.
    const number = shape.kind === "integer" ? "another number" : "a number";
    const text = ["date", "enum"].includes(shape.kind) ? "another string" : "a string";
    expect([found(shape, 0.5), found(shape, undefined)]).toEqual([[` must be ${name}, is ${number}`], [" is missing"]]);
    if (shape.kind !== "string") expect(found(shape, "c")).toEqual([` must be ${name}, is ${text}`]);
    expect(found({ ...shape, optional: true }, undefined)).toEqual([]);
  }
});

test("any takes whatever is there", () => {
  const any = { kind: "any", ...required } as const;
  expect([found(any, null), found(any, { a: [1] }), found(any, undefined)]).toEqual([[], [], [" is missing"]]);
});

test("integers are safe, bounds count characters, items and values, and objects are strict", () => {
  expect(found({ kind: "integer", ...required }, 2 ** 53)).toEqual([" must be an integer, is another number"]);
  expect(found({ kind: "integer", min: 2, max: 3, ...required }, 1)).toEqual([" must be at least 2"]);
  expect(found({ kind: "number", min: 2, max: 3, ...required }, 4)).toEqual([" must be at most 3"]);
  expect(found({ kind: "string", min: 2, max: 3, ...required }, "😀😀😀")).toEqual([]);
  const list: Shape = { kind: "list", item: { kind: "string", ...required }, min: 3, ...required };
  expect(found(list, ["a", undefined])).toEqual([" must have at least 3 items", "/1 must be a string, is null"]);
  const object: Shape = { kind: "object", fields: { "a/b": { kind: "any", ...required } }, ...required };
  expect(found(object, { c: 1 })).toEqual(["/a~1b is missing", "/c is not a known field"]);
  expect(found({ kind: "object", ...required }, { c: 1 })).toEqual([]);
});

test("a date is a day that exists, or a time on it with its offset", () => {
  const days = ["2024-02-29", "2024-02-29T10:00Z", "2024-02-29T10:00:00.5+09:00"];
  const none = ["2023-02-29", "2024-13-01", "2024-02-29T10:00", "2024-02-29T24:00Z", "29.2.2024"];
  expect(days.flatMap((day) => found({ kind: "date", ...required }, day))).toEqual([]);
  expect(none.map((day) => found({ kind: "date", ...required }, day).length)).toEqual(none.map(() => 1));
});
