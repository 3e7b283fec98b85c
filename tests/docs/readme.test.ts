import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import postgres from "postgres";

import { projectFiles, root } from "../architecture/project-files.ts";
import { type Block, blocksOf, missingLines } from "./markdown.ts";
import { ReadmeShell } from "./readme-shell.ts";

const english = blocksOf(await Bun.file(join(root, "README.md")).text());
const japanese = blocksOf(await Bun.file(join(root, "README.ja.md")).text());
const RUN = ["sh", "sql", "text"];

let shell: ReadmeShell;

beforeAll(async () => {
  shell = await ReadmeShell.open();
});

afterAll(() => shell.close(), 180_000);

test("both READMEs have the same blocks, so that what runs for one runs for the other", () => {
  const texts = (blocks: readonly Block[]) => blocks.map(({ language, text }) => `${language}\n${text}`);

  expect(texts(japanese)).toEqual(texts(english));
});

// `sh` runs in the shell, `sql` on the engine's database; the lines of a `text` block must occur, in their order, in
// what the block before it printed.
let printed = "";
for (const { language, text, line } of english.filter((block) => RUN.includes(block.language))) {
  test(`README.md:${line}: ${text.split("\n")[0]}`, async () => {
    if (language === "sh") printed = await shell.run(text);
    else if (language === "sql") printed = await query(text);
    else expect({ missing: missingLines(text, printed), printed }).toEqual({ missing: [], printed });
  }, 300_000);
}

test("after the walkthrough no saga is left behind: each is completed, or failed because its application was turned down", async () => {
  expect(
    await rowsOf(`
      select id, status, error from timeline.saga
      where status <> 'completed'
        and not (status = 'failed' and error->>'code' in ('screening_rejected', 'review_rejected'))
    `),
  ).toEqual([]);
});

test("a command that fails, a line that is not printed, a program that does not start: each is found", async () => {
  await expect(shell.run("false\ntrue")).rejects.toThrow("exit code 1");
  await expect(shell.run("true | false | true")).rejects.toThrow("exit code 1");
  expect(missingLines("status  completed\nstatus  parked", "status  completed\nstatus  running\n")).toEqual([
    "status  parked",
  ]);
  await expect(shell.run("HOST=0.0.0.0 bun run engine")).rejects.toThrow("HOST 0.0.0.0 is not a loopback address");
}, 300_000);

test("the configuration table names every variable that the engine reads", async () => {
  const readme = await Bun.file(join(root, "README.md")).text();
  const [config] = projectFiles("engine/config.ts");
  const variables = [...(config?.source ?? "").matchAll(/^ {2}([A-Z_]+): v\./gm)].map(([, name]) => name as string);

  expect(variables.length).toBeGreaterThan(10);
  expect(variables.filter((name) => !readme.includes(`\`${name}\``))).toEqual([]);
});

async function query(text: string): Promise<string> {
  return (await rowsOf(text)).map((row) => JSON.stringify(row)).join("\n");
}

async function rowsOf(text: string): Promise<unknown[]> {
  const sql = postgres(await shell.databaseUrl(), { max: 1 });
  try {
    return [...(await sql.unsafe(text))];
  } finally {
    await sql.end({ timeout: 5 });
  }
}
