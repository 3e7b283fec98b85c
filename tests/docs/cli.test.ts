import { expect, test } from "bun:test";
import { join } from "node:path";

import { root } from "../architecture/project-files.ts";
import { ekiden } from "../cli/run-cli.ts";

const PAGE = await Bun.file(join(root, "docs/CLI.md")).text();

test("docs/CLI.md is what `bun run --silent ekiden reference` prints", async () => {
  const { out, code } = await ekiden(["reference"]);
  expect(code).toBe(0);
  expect(PAGE).toBe(out);
}, 30_000);

test("every command is explained, with each of its arguments and options", async () => {
  const rows = PAGE.split("\n").filter((line) => line.startsWith("| `"));
  expect(rows.filter((line) => /^\| `[^`]+` \|\s*\|$/.test(line))).toEqual([]);
  expect(PAGE).not.toMatch(/\n### .*\n\n\.\n/);
  for (const nested of ["redrives show", "redrives continue", "redrives stop", "pipeline restart"])
    expect(PAGE).toContain(`### \`ekiden ${nested}`);
});

test.each([
  ["README.md", "Commands"],
  ["README.ja.md", "コマンド"],
])("%s names every command in its table", async (file, heading) => {
  const readme = await Bun.file(join(root, file)).text();
  const [, table = ""] = new RegExp(`^## ${heading}$(.*?)^## `, "ms").exec(readme) ?? [];
  const commands = new Set([...PAGE.matchAll(/^### `ekiden (\S+?)[` ]/gm)].map(([, name]) => name as string));

  expect(commands.size).toBeGreaterThan(30);
  expect([...commands].filter((name) => !new RegExp(`\`(?:bun run )?(?:ekiden )?${name}[\` ]`).test(table))).toEqual(
    [],
  );
});

test("the help says the exit codes in the same words", async () => {
  const { out } = await ekiden(["--help"]);
  const codes = [...PAGE.matchAll(/^\| (\d+) \| (.+) \|$/gm)];
  expect(codes.length).toBe(6);
  for (const [, code, meaning] of codes) expect(out).toContain(`${String(code).padStart(5)}  ${meaning}`);
}, 30_000);
