import { expect, test } from "bun:test";
import { join } from "node:path";

import { root } from "../architecture/project-files.ts";
import { errorCodes } from "./error-codes.ts";

const text = await Bun.file(join(root, "docs/OPERATIONS.md")).text();

/** Codes that have an entry: in a heading, or in the first column of the table of definitions. */
function entries(markdown: string): string[] {
  const headings = [...markdown.matchAll(/^### (.*)$/gm)].flatMap(([, line = ""]) => [...line.matchAll(/`([^`]+)`/g)]);
  const rows = [...markdown.matchAll(/^\| `([a-z.-]+)` \|/gm)];
  return [...headings, ...rows].map(([, code = ""]) => code);
}

test("every error code has an entry", () => {
  const codes = errorCodes();

  expect(codes.length).toBeGreaterThan(100);
  expect(codes.filter((code) => !entries(text).includes(code))).toEqual([]);
});

test("no entry is about a code that does not exist any more", () => {
  const codes = errorCodes();

  expect(entries(text).filter((code) => !codes.includes(code) && code !== "sql_SQLSTATE")).toEqual([]);
});

test("every entry has a symptom, a check to copy, an action, and says how to see that it worked", () => {
  const sections = text
    .split(/^### /m)
    .slice(1)
    .map((section) => section.split(/^## /m)[0] ?? "");
  const parts = ["**Symptom.**", "**Check.**\n\n```text\n", "**Action.**", "**Worked when:**"];

  expect(sections.filter((section) => parts.some((part) => !section.includes(part)))).toEqual([]);
});

test("a code without an entry is found", () => {
  expect(entries(text.replace("### `saga.busy`", "### busy"))).not.toContain("saga.busy");
});
