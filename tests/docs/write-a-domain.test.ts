import { afterAll, beforeAll, expect, test } from "bun:test";
import { chmod, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import postgres from "postgres";

import { projectFiles, root } from "../architecture/project-files.ts";
import { blocksOf, missingLines } from "./markdown.ts";
import { ReadmeShell } from "./readme-shell.ts";

const page = await Bun.file(join(root, "docs/write-a-domain.md")).text();
/** Blocks behind a line that names their file. */
const files = [...page.matchAll(/^`([\w./-]+)`:\n\n```\w+\n(.*?)^```$/gms)].map(([, path = "", text = ""]) => ({
  path,
  text,
}));
const others = blocksOf(page).filter(({ text }) => !files.some((file) => file.text === text));
const steps = others.filter(({ language }) => ["sh", "sql", "text"].includes(language));

let shell: ReadmeShell;
let above: string;

beforeAll(async () => {
  shell = await ReadmeShell.open();
  above = await mkdtemp(join(tmpdir(), "ekiden-domain-"));
  // Run by root, PostgreSQL's own user must be able to enter.
  await chmod(above, 0o755);
  await symlink(shell.tree.path, join(above, "ekiden"));
  for (const { path, text } of files) await Bun.write(join(above, "tickets", path), text);
});

afterAll(async () => {
  await shell.close();
  await rm(above, { recursive: true, force: true });
}, 120_000);

test("the page shows each file of the folder that it draws", () => {
  const [tree] = others.filter(({ text }) => text.startsWith("tickets/"));
  const drawn = [...(tree?.text ?? "").matchAll(/^\s+(?:sql\/)?([\w.]+\.\w+) /gm)].map(([, name]) => name as string);

  expect(drawn.length).toBe(8);
  expect(files.map(({ path }) => path.split("/").at(-1)).sort()).toEqual(drawn.sort());
});

test("every example of the reference has right types, and so have the files of the domain", async () => {
  const examples = others.filter(({ language }) => language === "ts");
  const paths = examples.map((_, index) => join(above, "tickets", `example-${index}.ts`));
  for (const [index, { text }] of examples.entries()) await Bun.write(paths[index] as string, text);
  const types = `bun node_modules/typescript/bin/tsc -p ${join(above, "tickets")}`;

  expect(examples.length).toBe(2);
  expect(await shell.run(types)).toBe("");
  await Bun.write(paths[0] as string, (examples[0]?.text ?? "").replace("context.signal", "context.signals"));
  await expect(shell.run(types)).rejects.toThrow("Property 'signals' does not exist on type 'StepContext'");
  for (const path of paths) await rm(path);
}, 60_000);

// As in the README: `sh` runs, `sql` is asked, and what `text` shows must have been printed before it.
let printed = "";
for (const { language, text, line } of steps.filter((block) => !block.text.startsWith("tickets/"))) {
  test(`write-a-domain.md:${line}: ${text.split("\n")[0]}`, async () => {
    if (language === "sh") printed = await shell.run(text.replaceAll("../tickets", join(above, "tickets")));
    else if (language === "sql") printed = await query(text);
    else expect({ missing: missingLines(text, printed), printed }).toEqual({ missing: [], printed });
  }, 120_000);
}

test("the role of the domain may do what the page says, and no more", async () => {
  const role = (privilege: string) => `has_table_privilege('ekiden_seat', 'seat.reservation', '${privilege}')`;
  const found = await query(`
    select ${["select", "insert", "update", "delete", "truncate", "references"].map(role).join(", ")},
      has_schema_privilege('ekiden_seat', 'seat', 'create'), has_table_privilege('ekiden_seat', 'timeline.saga', 'select')
  `);

  expect(found).toBe("true | true | true | true | false | false | false | false");
});

test("the reference names every field of the context and everything that the package offers", () => {
  const [sdk] = projectFiles("engine/sdk.ts");
  const source = sdk?.source ?? "";
  const [, context = ""] = /interface StepContext \{(.*?)^\}/ms.exec(source) ?? [];
  const fields = [...context.matchAll(/^ {2}(?:readonly )?(\w+)[?(:]/gm)].map(([, name]) => name as string);
  const offered = [...source.matchAll(/^export (?:function|class) (\w+)/gm)].map(([, name]) => name as string);
  const [, table = ""] = /^### `StepContext`$(.*?)^### /ms.exec(page) ?? [];

  expect(fields.length).toBeGreaterThan(9);
  expect(fields.filter((name) => !new RegExp(`^\\| \`${name}[\`(]`, "m").test(table))).toEqual([]);
  expect(offered.length).toBeGreaterThan(4);
  expect(offered.filter((name) => !page.includes(name))).toEqual([]);
});

/** The rows as psql shows them, without the padding. */
async function query(text: string): Promise<string> {
  const sql = postgres(await shell.databaseUrl(), { max: 1 });
  try {
    const rows = await sql.unsafe(text).values();
    return rows.map((row) => row.join(" | ")).join("\n");
  } finally {
    await sql.end({ timeout: 5 });
  }
}
