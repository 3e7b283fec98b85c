import { expect, test } from "bun:test";

import { projectFiles, root } from "../architecture/project-files.ts";
import { runbookOf } from "../support/runbook.ts";

const markdown = await Bun.file(`${root}/docs/OPERATIONS.md`).text();
const drills = projectFiles("tests/drills/*.ts");

/** Titles of entries that a drill turns to. */
function drilled(): string[] {
  return drills.flatMap(({ source }) => [...source.matchAll(/\.turnTo\("([^"]+)"\)/g)].map(([, title = ""]) => title));
}

test("each entry of the runbook is performed by a drill, and no drill is without its entry", () => {
  const titles = runbookOf(markdown).map(({ title }) => title);

  expect(titles.length).toBeGreaterThan(7);
  expect(titles.toSorted()).toEqual(drilled().toSorted());
});

test("each entry says what to check and how to see that it worked, with a command for both", () => {
  const bare = runbookOf(markdown).filter(
    ({ commands: { check, worked } }) => check.length === 0 || worked.length === 0,
  );

  expect(bare).toEqual([]);
});

test("the table of what you see leads to each entry", () => {
  const anchor = (title: string) => `#${title.toLowerCase().replaceAll(" ", "-")}`;
  const missing = runbookOf(markdown).filter(({ title }) => !markdown.includes(`[${title}](${anchor(title)})`));

  expect(missing).toEqual([]);
});

test("the commands of an entry are found in their order, part by part", () => {
  const text =
    "## Runbook\n\n### One\n\n**Check.**\n\n```text\na\nb\n```\n\nIt says.\n\n**Action.** Do.\n\n```text\nc\n```\n\n**Worked when:** so.\n";

  expect(runbookOf(`${text}\n## Next\n\n### Two\n`)).toEqual([
    { title: "One", commands: { check: ["a", "b"], action: ["c"], worked: [] } },
  ]);
});
