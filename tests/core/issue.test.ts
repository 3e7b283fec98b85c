import { expect, test } from "bun:test";
import * as v from "valibot";

import { issueText } from "../../engine/core/issue.ts";

/** What is said of the first thing that a schema finds. */
function said(schema: v.GenericSchema, value: unknown): string {
  const { issues } = v.safeParse(schema, value);
  return issues === undefined ? "nothing" : issueText(issues[0]);
}

test.each<[v.GenericSchema, unknown, string]>([
  [v.string(), 5, "must be a text"],
  [v.number(), "5", "must be a number"],
  [v.boolean(), null, "must be true or false"],
  [v.array(v.string()), "a | b", "must be a list"],
  [v.strictObject({}), "x", "must be an object"],
  [v.union([v.string(), v.number()]), null, "must be a text or a number"],
  [v.picklist(["return", "reject"]), "foo", "is none of return, reject"],
  [v.picklist([]), "foo", "is not known here"],
  [v.literal("all"), 5, 'must be "all"'],
  [v.literal(true), false, "must be true"],
  [v.pipe(v.number(), v.minValue(1)), 0, "must be at least 1"],
  [v.pipe(v.number(), v.maxValue(5)), 6, "must be at most 5"],
  [v.pipe(v.number(), v.gtValue(0)), 0, "must be more than 0"],
  [v.pipe(v.number(), v.ltValue(5)), 5, "must be less than 5"],
  [v.pipe(v.number(), v.multipleOf(2)), 5, "must be a multiple of 2"],
  [v.pipe(v.number(), v.notValue(5)), 5, "must not be 5"],
  [v.pipe(v.number(), v.integer()), 1.5, "must be a whole number"],
  [
    v.pipe(
      v.number(),
      v.check((value: number) => Number.isInteger(value)),
    ),
    1.5,
    "is not accepted here",
  ],
  [v.literal(5), ["a"], "must be 5"],
  [v.picklist([1, 2]), 3, "must be 1 or 2"],
  [v.pipe(v.string(), v.length(11)), "four", "must have 11 characters"],
  [v.pipe(v.string(), v.notLength(4)), "four", "must not have 4 characters"],
  [v.pipe(v.string(), v.maxBytes(1)), "four", "must have at most 1 byte"],
  [v.pipe(v.string(), v.startsWith("a")), "four", 'must start with "a"'],
  [v.pipe(v.string(), v.excludes("our")), "four", 'must not contain "our"'],
  [v.pipe(v.string(), v.notValues(["four", "five"])), "four", 'must not be "four" or "five"'],
  [v.pipe(v.string(), v.maxLength(3)), "four", "must have at most 3 characters"],
  [v.pipe(v.string(), v.maxLength(1)), "four", "must have at most 1 character"],
  [v.pipe(v.string(), v.minLength(5)), "four", "must have at least 5 characters"],
  [v.pipe(v.array(v.string()), v.maxLength(1)), ["a", "b"], "must have at most 1 entry"],
  [v.pipe(v.array(v.string()), v.minLength(2)), ["a"], "must have at least 2 entries"],
  [v.pipe(v.string(), v.minLength(1)), "", "is empty"],
  [v.pipe(v.array(v.string()), v.nonEmpty()), [], "is empty"],
  [v.pipe(v.string(), v.regex(/^a|b$/)), "x", "has a form that is not accepted here"],
  [v.pipe(v.string(), v.regex(/^a|b$/, "is no a")), "x", "is no a"],
  [v.pipe(v.string(), v.maxLength(3, "is too long")), "four", "is too long"],
  [v.pipe(v.string(), v.isoTimestamp()), "yesterday\nor so", "is no iso timestamp"],
  [v.strictObject({ a: v.string() }), {}, "is missing"],
  [v.strictObject({}), { a: 1 }, "is not known here"],
  // A rule's own words stay.
  [v.string("is no name"), 5, "is no name"],
  [v.pipe(v.string(), v.email("Invalid, we fear")), "x", "Invalid, we fear"],
])("%# a fault is told in our words, without the value", (schema, value, text) => {
  expect(said(schema, value)).toBe(text);
});
