import { expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";

const page = readFileSync("docs/SEMANTICS.md", "utf8");

interface Named {
  readonly file: string;
  readonly name: string;
}

/** The tests that a page names: `- `file`: name`. */
function namedIn(markdown: string): Named[] {
  return [...markdown.matchAll(/^- `([^`]+)`: (.+)$/gm)].map(([, file = "", name = ""]) => ({ file, name }));
}

function isThere({ file, name }: Named): boolean {
  return existsSync(file) && readFileSync(file, "utf8").includes(`"${name}"`);
}

test("every rule from S1 to S19 is stated and held by a test", () => {
  const rules = page.split(/^## /m).slice(1);
  expect(rules.map((rule) => rule.slice(0, rule.indexOf(" ")))).toEqual(
    Array.from({ length: 19 }, (_one, index) => `S${index + 1}`),
  );
  expect(rules.filter((rule) => namedIn(rule).length === 0)).toEqual([]);
});

test("the tests that the page names exist", () => {
  expect(namedIn(page).filter((named) => !isThere(named))).toEqual([]);
});

test("a test that is not there is found missing", () => {
  const planted = "- `tests/core/laws.test.ts`: nobody wrote this\n- `tests/nowhere.test.ts`: nor this\n";
  expect(namedIn(planted).filter(isThere)).toEqual([]);
  expect(namedIn(planted)).toHaveLength(2);
});
