import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { projectFiles, root } from "../architecture/project-files.ts";
import { copyTree, type Tree } from "../support/tree.ts";
import { blocksOf, missingLines } from "./markdown.ts";

const page = await Bun.file(join(root, "docs/AUTHORS.md")).text();
const blocks = blocksOf(page);
let bin: string;
let tree: Tree;

beforeAll(async () => {
  bin = await mkdtemp(join(tmpdir(), "ekiden-bin-"));
  await symlink(process.execPath, join(bin, "bun"));
  tree = await copyTree();
});

afterAll(async () => {
  await tree.remove();
  await rm(bin, { recursive: true });
});

async function shell(command: string, folder: string): Promise<{ readonly code: number; readonly out: string }> {
  const environment = { ...process.env, PATH: `${bin}:${process.env["PATH"]}` };
  const child = Bun.spawn(["bash", "-c", command], {
    cwd: folder,
    env: environment,
    stdio: ["ignore", "pipe", "inherit"],
  });
  return { out: await new Response(child.stdout).text(), code: await child.exited };
}

const commands = blocks.filter(({ language }) => language === "sh");

test.each(commands.map(({ line, text }) => [line, text] as const))(
  "line %p: %p prints what follows",
  async (line, text) => {
    const { code, out } = await shell(text, tree.path);
    const printed = blocks.find((block) => block.line > line && block.language === "text")?.text ?? "none";

    expect({ missing: missingLines(printed, out), out }).toEqual({ missing: [], out });
    expect(code).toBe(0);
  },
);

test("the scenarios of the page run, and the one that is not as expected is shown as the page shows it", async () => {
  const scenarios = blocks.find(({ language }) => language === "yaml")?.text ?? "";
  const shown = blocks.find(({ text }) => text.startsWith("domains/onboarding.test.yaml:13"))?.text ?? "none";
  await tree.write("domains/onboarding.test.yaml", scenarios);
  const { code, out } = await shell("bun run ekiden test", tree.path);

  expect({ missing: missingLines(shown, out), out }).toEqual({ missing: [], out });
  expect(out).toContain("2 passed, 1 failed");
  expect(code).toBe(1);
});

test("a mistake is shown as the page shows it", async () => {
  const shown = blocks.find(({ text }) => text.includes("the command `screening.examin`"))?.text ?? "none";
  await tree.edit("domains/onboarding.saga.yaml", "command: screening.examine", "command: screening.examin");
  const { out } = await shell("bun run ekiden check", tree.path);

  expect(missingLines(shown.replace(/:\d+:/, ":…:"), out)).toEqual([]);
});

/** The words of a constant `NAME = ["a", "b"]` of a file of scenarios. */
function keysIn(file: string, constant: string): string[] {
  const [source] = projectFiles(`engine/scenario/${file}`);
  const [, list = ""] = new RegExp(`^const ${constant} = \\[(.*?)\\];`, "ms").exec(source?.source ?? "") ?? [];
  return [...list.matchAll(/"(\w+)"/g)].map(([, key = ""]) => key);
}

test("the tables name every key of a file of scenarios, and no other", () => {
  const tables = [...page.matchAll(/^\| key of .*?\n\n/gms)].map(([table]) =>
    [...table.matchAll(/^\| `(\w+)` \|/gm)].map(([, key = ""]) => key).sort(),
  );
  const known = [
    keysIn("parse-scenarios.ts", "TOP_KEYS"),
    keysIn("parse-scenarios.ts", "KEYS"),
    keysIn("parse-expected.ts", "KEYS"),
  ];

  expect(known.every((keys) => keys.length > 2)).toBe(true);
  expect(tables).toEqual(known.map((keys) => keys.sort()));
});
