import { expect, test } from "bun:test";

import { longFunctions } from "./function-length.ts";
import { ownFiles } from "./project-files.ts";

const LINES_MAX = 70;

test(`no function is longer than ${LINES_MAX} lines`, () => {
  const files = ownFiles("{engine,domains,examples,tests,scripts,bench}/**/*.{ts,tsx}");

  expect(files.length).toBeGreaterThan(300);
  expect(files.flatMap((file) => longFunctions(file, LINES_MAX))).toEqual([]);
});

const BODY = "  act();\n".repeat(LINES_MAX - 1);

test.each([
  ["a function", `export async function act(): Promise<void> {\n${BODY}}`],
  ["a function with a type of an object", `function act(): { readonly a: number } | undefined {\n${BODY}}`],
  ["a method", `class A {\n  async #act(a: string, b = f(1)): Promise<Map<string, number>> {\n${BODY}}\n}`],
  ["an arrow function", `const act = async (a: string) => {\n${BODY}};`],
  ["an arrow function with a type", `const act = (a: string): readonly string[] => {\n${BODY}};`],
  ["an arrow function of one name", `list.map(one => {\n${BODY}});`],
  ["a test", `test("does it", async () => {\n${BODY}});`],
  ["a long parameter list", `function act(\n${"  a: string,\n".repeat(LINES_MAX)}): void {\n}`],
])("found: %s", (_, source) => {
  expect(longFunctions({ path: "engine/a.ts", source }, LINES_MAX)).toEqual([
    expect.stringMatching(/^engine\/a\.ts:\d+: \d+ lines$/),
  ]);
});

test.each([
  ["just short enough", `function act(): void {\n${BODY.slice(9)}}`],
  ["a class", `class A {\n${"  a = 1;\n".repeat(LINES_MAX)}}`],
  ["a table", `const a = {\n${"  a: 1,\n".repeat(LINES_MAX)}};`],
  ["a group of tests", `describe.each([...TRANSPORTS])("on %s", (kind) => {\n${BODY}});`],
  ["a loop", `for (const a of f(1)) {\n${BODY}}`],
  ["braces of a text", `function act(): string {\n  return \`{\n${BODY}}\`;\n}`.replace(BODY, "{\n".repeat(9))],
])("left alone: %s", (_, source) => {
  expect(longFunctions({ path: "engine/a.ts", source }, LINES_MAX)).toEqual([]);
});
