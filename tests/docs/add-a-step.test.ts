import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";

import { root } from "../architecture/project-files.ts";
import { blocksOf, missingLines } from "./markdown.ts";
import { ReadmeShell } from "./readme-shell.ts";

const blocks = blocksOf(await Bun.file(join(root, "docs/add-a-step.md")).text());
const changes = blocks.filter(({ language }) => language === "diff");
const commands = blocks.filter(({ language }) => language === "sh");
const printed = blocks.filter(({ language }) => language === "text");

let shell: ReadmeShell;

beforeAll(async () => {
  shell = await ReadmeShell.open();
});

afterAll(() => shell.close(), 120_000);

async function apply(change: string): Promise<void> {
  await shell.tree.write(".ekiden/change.diff", change);
  await shell.run("git apply --unidiff-zero .ekiden/change.diff");
}

test("a step takes four files at most, none in engine/ or sql/", () => {
  const files = changes.map(({ text }) => /^\+\+\+ b\/(\S+)/m.exec(text)?.[1] ?? "no file");

  expect(new Set(files).size).toBe(files.length);
  expect(files.length).toBeLessThanOrEqual(4);
  expect(files.filter((file) => !file.startsWith("domains/"))).toEqual([]);
});

test("the YAML before its handler: the check says what the page says", async () => {
  await apply(changes.at(-1)?.text ?? "");

  const output = await shell.run("bun run ekiden check || true");
  expect({ missing: missingLines(printed[1]?.text ?? "", output), output }).toEqual({ missing: [], output });
});

test("with all changes made, types and definitions are right and the saga runs the new step", async () => {
  for (const { text } of changes.slice(0, -1)) await apply(text);

  await shell.run("bun node_modules/typescript/bin/tsc -p .");
  const [check, engine, start] = commands;
  expect(missingLines(printed[0]?.text ?? "", await shell.run(check?.text ?? ""))).toEqual([]);
  await shell.run(engine?.text ?? "");
  const output = await shell.run(start?.text ?? "");
  expect({ missing: missingLines(printed[2]?.text ?? "", output), output }).toEqual({ missing: [], output });
}, 120_000);
