import { expect, test } from "bun:test";
import { violations } from "../../engine/core/shape.ts";
import { durationMs } from "../../engine/definition/duration.ts";
import { parseShapeNotation, ShapeNotationError } from "../../engine/definition/shape-notation.ts";

const problems = (notation: string, value: unknown) => violations(parseShapeNotation(notation), value);

test("a value is compared strictly and each fault has its JSON pointer", () => {
  const shape =
    "{ name: string(1..3), age: integer(18..), home: [own, rent]?, tags: list<string(1..)>(..2), born: date }";

  expect(problems(shape, { name: "Zoë", age: 18, tags: [], born: "2000-02-29" })).toEqual([]);
  expect(
    problems(shape, { name: "", age: 17.5, home: "tent", tags: ["", 1, "c"], born: "2001-02-29", "a/b": 1 }),
  ).toEqual([
    { path: "/name", message: "must have at least 1 characters" },
    { path: "/age", message: "must be an integer, is another number" },
    { path: "/home", message: "must be one of own, rent, is another string" },
    { path: "/tags", message: "must have at most 2 items" },
    { path: "/tags/0", message: "must have at least 1 characters" },
    { path: "/tags/1", message: "must be a string, is a number" },
    { path: "/born", message: "must be an ISO 8601 date, or a date-time with its offset, is another string" },
    { path: "/a~1b", message: "is not a known field" },
  ]);
});

test("nothing is coerced and nothing inherited counts", () => {
  expect(problems("integer", "1")).toHaveLength(1);
  expect(problems("integer", 2 ** 53)).toHaveLength(1);
  expect(problems("number", Number.NaN)).toHaveLength(1);
  expect(problems("boolean", 1)).toHaveLength(1);
  expect(problems("string?", null)).toHaveLength(1);
  expect(problems("{ toString: any }", {})).toEqual([{ path: "/toString", message: "is missing" }]);
  expect(problems("object", { any: "thing" })).toEqual([]);
  expect(problems("object", [])).toHaveLength(1);
});

test("dates, and date-times with their offset, of ISO 8601 only", () => {
  const fits = ["2024-01-31", "2024-01-31T23:59:59Z", "2024-01-31T10:00:00.123+09:00", "2024-01-31T10:00Z"];
  const faults = ["2024-1-31", "31.01.2024", "2024-13-01", "2024-01-31T24:00:00Z", "2024-01-31 10:00:00Z", ""];
  const elsewhereAnother = ["2024-01-31T10:00", "2024-01-31T10:00:00.5"];

  expect(fits.filter((each) => problems("date", each).length > 0)).toEqual([]);
  expect([...faults, ...elsewhereAnother].filter((each) => problems("date", each).length === 0)).toEqual([]);
});

test("shape notation reads bounds, enums, lists and optional marks", () => {
  expect(parseShapeNotation("list<integer(0..)?>(..100)?")).toEqual({
    kind: "list",
    optional: true,
    max: 100,
    item: { kind: "integer", optional: true, min: 0 },
  });
  expect(parseShapeNotation("[own, for free]")).toEqual({ kind: "enum", optional: false, values: ["own", "for free"] });
  expect(parseShapeNotation("number(-1.5..1.5)")).toEqual({ kind: "number", optional: false, min: -1.5, max: 1.5 });
  expect(parseShapeNotation("string(8)")).toEqual({ kind: "string", optional: false, min: 8, max: 8 });
});

test("bad shape notation is refused", () => {
  const bad = [
    "",
    "text",
    "string(",
    "string()",
    "string(-1..)",
    "integer(1.5..)",
    "integer(5..1)",
    "list",
    "list<string",
    "[]",
    "[a, a]",
    "string x",
    "{ a }",
    "boolean(1..2)",
  ];

  expect(bad.filter((each) => refusal(each) === undefined)).toEqual([]);
});

function refusal(notation: string): ShapeNotationError | undefined {
  try {
    parseShapeNotation(notation);
    return undefined;
  } catch (error) {
    if (error instanceof ShapeNotationError) return error;
    throw error;
  }
}

test("durations become milliseconds", () => {
  const pairs = {
    "300ms": 300,
    "30s": 30_000,
    "1.5m": 90_000,
    "3h": 10_800_000,
    "1d": 86_400_000,
    PT30S: 30_000,
    P1DT2H: 93_600_000,
    P1W: 604_800_000,
  };

  expect(Object.fromEntries(Object.keys(pairs).map((text) => [text, durationMs(text)]))).toEqual(pairs);
  expect(
    ["", "0s", "30", "-1s", "1y", "P1M", "P", "PT", "P1DT", "3 d", "99999d", "0.1ms"].filter(
      (text) => durationMs(text) !== undefined,
    ),
  ).toEqual([]);
});

test.each([
  ["bool", "Did you mean `boolean`?"],
  ["text", "Did you mean `string`?"],
  ["int", "Did you mean `integer`?"],
  ["float?", "Did you mean `number`?"],
  ["list<Str>", "Did you mean `string`?"],
  ["array", "Did you mean `list`?"],
  ["map", "Did you mean `object`?"],
  ["timestamp", "Did you mean `date`?"],
  ["integr", "Did you mean `integer`?"],
])("who writes the shape %s as another language does is told ours", (notation, hint) => {
  expect(faultOf(notation)?.hint).toBe(hint);
});

test("bounds that are the wrong way round are told so, and how to write them", () => {
  expect(faultOf("integer(30..1)")).toMatchObject({
    message: "`(30..1)` has its bounds the wrong way round",
    hint: "Write (1..30).",
  });
  expect(faultOf("string(-3..1)")?.message).toBe("`(-3..1)` are no bounds");
});

function faultOf(notation: string): ShapeNotationError | undefined {
  try {
    parseShapeNotation(notation);
    return undefined;
  } catch (error) {
    return error as ShapeNotationError;
  }
}
