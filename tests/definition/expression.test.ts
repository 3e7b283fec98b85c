import { describe, expect, test } from "bun:test";
import { ExpressionFault } from "../../engine/core/evaluate.ts";
import type { Json, JsonObject } from "../../engine/core/json.ts";
import { createEvaluator } from "../../engine/definition/expression.ts";

const evaluator = createEvaluator();
const scope: JsonObject = {
  input: { amount: 10, months: 7, name: "Zoë", tags: ["a", "b"], lines: [{ n: 1 }, { n: 2 }], note: null },
  steps: { screen: { score: 512 } },
};
const value = (source: string): Json => evaluator.evaluate({ source, at: { line: 1, column: 1 } }, scope);
const fault = (source: string): string => {
  try {
    return `no fault but ${JSON.stringify(value(source))}`;
  } catch (error) {
    if (error instanceof ExpressionFault) return error.message.split(" (in ")[0] ?? "";
    throw error;
  }
};

describe("values", () => {
  const cases: readonly (readonly [string, Json])[] = [
    ["input.amount * 1.5 > 10", true],
    ["input.months / 2", 3.5],
    ["7 / 2", 3.5],
    ["int(input.months / 2)", 3],
    ["-7 % 3", -1],
    ["size(input.tags) + 0.5", 2.5],
    ["input.amount == 10.0 && 10 == input.amount", true],
    ["size(input.name)", 3],
    ["'no. ' + string(input.amount)", "no. 10"],
    ["input.name.lowerAscii().startsWith('z')", true],
    ["input.name.substring(0, 2)", "Zo"],
    ["input.tags + ['c']", ["a", "b", "c"]],
    ["'a' in input.tags && !('z' in input.tags)", true],
    ["input.lines.map(line, line.n * 2)", [2, 4]],
    ["input.lines.map(line, line.n > 1, line.n)", [2]],
    ["{'zebra': 1, 'ä': 1, 'b': 1, '10': 1, '9': 1}.map(key, key)", ["9", "10", "b", "ä", "zebra"]],
    ["input.lines.filter(line, line.n > 1)", [{ n: 2 }]],
    ["input.lines.all(line, line.n > 0) && input.lines.exists_one(line, line.n == 2)", true],
    ["input.lines.exists(line, 1 / (line.n - 1) > 0 || line.n == 2)", true],
    ["{'n': input.lines[1].n, 'list': [1, 'a', null]}", { n: 2, list: [1, "a", null] }],
    ["{'a': [1, {'b': 2}]} == {'a': [1, {'b': 2.0}]}", true],
    ["input.note == null ? 'none' : input.note", "none"],
    ["has(input.missing) ? input.missing : 'absent'", "absent"],
    ["input.missing == 1 || true", true],
    ["has(steps.review) && steps.review.ok", false],
    ["0 * -1", 0],
    ["input['amount']", 10],
    ["'10' == input.amount", false],
    ["'b' > 'a'", true],
  ];
  for (const [source, expected] of cases) test(source, () => expect(value(source)).toEqual(expected));
});

describe("faults", () => {
  const cases: readonly (readonly [string, string])[] = [
    ["input.missing", "there is no field `missing`"],
    ["steps.review.decision", "there is no field `review`"],
    ["nothing", "there is no `nothing` here"],
    ["input.toString", "there is no field `toString`"],
    ["input.constructor", "there is no field `constructor`"],
    ["input.note.text", "null has no field `text`"],
    ["input.tags[2]", "index 2 is outside the list of 2"],
    ["1 / 0", "division by zero"],
    ["1 % 0", "division by zero"],
    ["9007199254740991 + 1", "the result is not exact"],
    ["9007199254740993", "the number is too large to be exact"],
    ["1e308 * 10", "the result is too large for a number"],
    ["'a' + 1", "+ needs numbers, not a string"],
    ["1 < 'a'", "a number < a string cannot be compared"],
    ["input.amount && true", "the left side of && must be true or false, is a number"],
    ["input.name.matches('a')", "there is no function `matches` for these arguments"],
    ["timestamp('2020-01-01T00:00:00Z')", "there is no function `timestamp` for these arguments"],
    ["{'__proto__': 1}", 'the key "__proto__" is not allowed'],
    ["int('x')", "int(…) cannot make an exact integer of this value"],
    ["size(1)", "size(…) takes string or list or object, not a number"],
    ["[1].map(a, [1].map(b, [1].map(c, 1)))", "map(…) is nested more than 2 deep"],
    ["'a\\u0000'", "the text holds a NUL character"],
    ["{'a\\x00': 1}", "the text holds a NUL character"],
    ["'a😀'.substring(0, 2)", "a character outside the BMP (an emoji, say) is cut in half"],
    ["'😀'.split('')", "a character outside the BMP (an emoji, say) is cut in half"],
    ["'😀'.replace('', 'x')", "a character outside the BMP (an emoji, say) is cut in half"],
    ["b'bytes'", "this kind of literal is not available"],
  ];
  for (const [source, message] of cases) test(source, () => expect(fault(source)).toBe(message));
});

test("a fault carries the expression and its place in the file", () => {
  const expression = { source: "input.missing", at: { line: 12, column: 7 } };

  expect(() => evaluator.evaluate(expression, scope)).toThrow("(in `input.missing` at 12:7)");
});

test("a short expression cannot hold up the dispatcher with long data", () => {
  const list = Array.from({ length: 5000 }, (_, index) => index);
  const run = (source: string) => () => evaluator.evaluate({ source, at: { line: 1, column: 1 } }, { list });

  expect(run("list.all(a, list.exists(b, a == b))")).toThrow("works too long");
  expect(run("list.map(a, list + list)")).toThrow("works too long");
  expect(run("list.filter(a, a in list)")).toThrow("works too long");
  expect(run("size(list.filter(a, a % 2 == 0))")()).toBe(2500);
});

test("evaluating leaves the scope as it was and answers the same again", () => {
  const before = JSON.stringify(scope);

  expect([value("input.tags + ['x']"), value("input.tags + ['x']")]).toEqual([
    ["a", "b", "x"],
    ["a", "b", "x"],
  ]);
  expect(JSON.stringify(scope)).toBe(before);
});
