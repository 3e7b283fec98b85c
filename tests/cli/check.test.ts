import { afterAll, beforeAll, expect, test } from "bun:test";
import { join } from "node:path";

import { copyTree, type Tree } from "../support/tree.ts";
import { ekiden } from "./run-cli.ts";

let tree: Tree;

beforeAll(async () => {
  tree = await copyTree();
});

afterAll(() => tree.remove());

test("the definitions of the tree are clean: exit code 0", async () => {
  const { code, out } = await ekiden(["check"]);

  expect(out).toContain("0 errors, 0 warnings");
  expect(code).toBe(0);
});

test("a mistake is shown with file, line, column, the line, a caret and the fix: exit code 1", async () => {
  const { code, out } = await ekiden(["check", "tests/definition/fixtures/bad-catch.yaml"]);

  expect(out.split("\n").slice(0, 4)).toEqual([
    "tests/definition/fixtures/bad-catch.yaml:7:7: error: `cancelled` cannot be caught",
    "        cancelled: []",
    "        ^",
    "  fix: A cancelled saga compensates: undo in `compensate`.",
  ]);
  expect(code).toBe(1);
});

test("--json gives the findings as data", async () => {
  const { code, out } = await ekiden(["check", "--json", "tests/definition/fixtures/bad-catch.yaml"]);

  expect(JSON.parse(out)).toEqual([
    {
      severity: "error",
      code: "definition.bad-catch",
      message: "`cancelled` cannot be caught",
      line: 7,
      column: 7,
      hint: "A cancelled saga compensates: undo in `compensate`.",
      file: "tests/definition/fixtures/bad-catch.yaml",
    },
  ]);
  expect(code).toBe(1);
});

test("files of scenarios are checked as such, with the definitions and by themselves", async () => {
  await tree.write("domains/ledger.saga.yaml", "saga: ledger\nversion: 1\nsteps: [{ fail: over }]\n");
  await tree.write(
    "domains/ledger.test.yaml",
    "scenarios:\n  - name: one\n    given: { apply: failed }\n    expct: {}\n",
  );
  const all = await ekiden(["check"], { EKIDEN_DOMAINS: join(tree.path, "domains") });
  const one = await ekiden(["check", join(tree.path, "domains/ledger.test.yaml")]);
  await tree.write("domains/ledger.saga.yaml", "saga: ledger\n");
  const broken = await ekiden(["check", join(tree.path, "domains/ledger.test.yaml")]);
  await tree.removeFile("domains/ledger.saga.yaml");
  const alone = await ekiden(["check", join(tree.path, "domains/ledger.test.yaml")]);
  await tree.removeFile("domains/ledger.test.yaml");

  expect(all.out).toContain("ledger.test.yaml:4:5: error: there is no key `expct` here");
  expect(all.out).toContain("2 definitions, 2 files of scenarios and 5 domains");
  expect(one.out).toContain("ledger.test.yaml:3:14: error: the definition has no step `apply`");
  expect(one.code).toBe(1);
  // What is wrong with the definition is said where the definition is checked.
  expect(broken.out).toContain("0 definitions, 1 file of scenarios and 5 domains: 0 errors, 0 warnings");
  expect(alone.out).toContain("ledger.test.yaml:1:1: error: there is no ");
});

test("a domain that does not load, and a migration that would never run, are errors", async () => {
  const domains = join(tree.path, "domains");
  await tree.write("domains/ledger/sql/2_more.sql", "select 1;\n");
  const misnamed = await ekiden(["check"], { EKIDEN_DOMAINS: domains });
  await tree.write("domains/ledger/domain.ts", "export default 1;\n");
  const broken = await ekiden(["check"], { EKIDEN_DOMAINS: domains });

  expect(misnamed.out).toContain("2_more.sql:1:1: error: this name is no migration's");
  expect(misnamed.code).toBe(1);
  expect(broken.out).toContain('does not export the domain "ledger"');
  expect(broken.code).toBe(1);
});

test("a file that nobody reads because of its name is an error", async () => {
  const domains = join(tree.path, "domains");
  for (const name of ["order.saga.yml", "order.test.yml"]) await Bun.write(join(domains, name), "saga: order\n");
  const { code, out } = await ekiden(["check"], { EKIDEN_DOMAINS: domains });
  for (const name of ["order.saga.yml", "order.test.yml"]) await Bun.file(join(domains, name)).delete();

  expect(out).toContain("order.saga.yml:1:1: error: nobody reads a file of this name\n  fix: Name it order.saga.yaml.");
  expect(out).toContain("order.test.yml:1:1: error: nobody reads a file of this name\n  fix: Name it order.test.yaml.");
  expect(code).toBe(1);
});

test("a file that only ends like one of scenarios is another program's affair", async () => {
  const other = await copyTree();
  for (const name of ["docker-compose.test.yml", "._onboarding.saga.yml", "._onboarding.test.yml"])
    await other.write(`domains/${name}`, "services: {}\n");
  const { code, out } = await ekiden(["check"], { EKIDEN_DOMAINS: join(other.path, "domains") });
  await other.remove();

  expect(out).toContain("0 errors, 0 warnings");
  expect(code).toBe(0);
});

test("what is wrong in a handler's file is shown with its place, and everything else is checked all the same", async () => {
  const other = await copyTree();
  await other.write("domains/ledger/extra.ts", "const first = 1;\nconst price == 3;\nconst 二 = = first;\n");
  await other.edit("domains/ledger/domain.ts", /^/, 'import "./extra.ts";\n');
  await other.write("domains/mistyped.saga.yaml", "saga: mistyped\nversion: 1\nsteps: [{ command: mailr.send }]\n");
  await other.write("domains/needs.saga.yaml", "saga: needs\nversion: 1\nsteps: [{ command: ledger.anything }]\n");
  const { code, out } = await ekiden(["check"], { EKIDEN_DOMAINS: join(other.path, "domains") });
  await other.remove();

  const blocks = out.split("\n\n").map((block) => block.replaceAll(/^\S*\/domains/g, "domains").split("\n"));
  expect(blocks[0]).toEqual([
    'domains/ledger/extra.ts:2:13: error: Expected ";" but found "=="',
    "  const price == 3;",
    "              ^",
    "  fix: Mend the file; `bun run check` shows type errors.",
  ]);
  expect(out).toContain("domains/ledger/extra.ts:3:");
  expect(out).toContain("domains/mistyped.saga.yaml:3:20: error: no domain has the command `mailr.send`");
  // Nobody can say what a domain that does not load has.
  expect(out).not.toContain("needs.saga.yaml");
  expect(out).not.toContain("onboarding.saga.yaml");
  expect(out).toMatch(/3 definitions, 1 file of scenarios and 5 domains: \d errors, 0 warnings/);
  expect(code).toBe(1);
});

test("a domain that throws while it is loaded, and an import that is not there, have a place too", async () => {
  const other = await copyTree();
  const check = () => ekiden(["check"], { EKIDEN_DOMAINS: join(other.path, "domains") });
  await other.write("domains/ledger/extra.ts", '\nthrow new Error("no rates");\n');
  await other.edit("domains/ledger/domain.ts", /^/, 'import "./extra.ts";\n');
  const thrown = await check();
  await other.write("domains/ledger/extra.ts", '\nimport "./nowhere.ts";\n');
  const absent = await check();
  await other.remove();

  expect(thrown.out).toContain("domains/ledger/extra.ts:2:");
  expect(thrown.out).toContain("error: Error: no rates");
  expect(absent.out).toContain("domains/ledger/extra.ts:2:9: error: Cannot find module './nowhere.ts'");
});

test.each(["dispatcher", "timeline", "api", "start", "pg_mine"])("a domain cannot be called %s", async (name) => {
  const other = await copyTree();
  await other.write(`domains/${name}/domain.ts`, `export default { name: "${name}", steps: {}, projections: {} };\n`);
  const { code, out } = await ekiden(["check"], { EKIDEN_DOMAINS: join(other.path, "domains") });
  await other.remove();

  expect(out).toContain(
    `error: ${join(other.path, "domains", name, "domain.ts")}: a domain cannot be called "${name}"`,
  );
  expect(out).toContain("keeps timeline, dispatcher, start, api, public, information_schema and pg_… for itself");
  expect(code).toBe(1);
});

test("a file is judged by the domains that lie beside it", async () => {
  const other = await copyTree();
  const onboarding = join(other.path, "domains/onboarding.saga.yaml");
  const { code, out } = await ekiden(["check", "examples/order/order.saga.yaml", onboarding]);
  await other.remove();

  expect(out).toContain("2 definitions and 8 domains: 0 errors, 0 warnings");
  expect(code).toBe(0);
});

test("a file that is not there is wrong usage: exit code 2", async () => {
  const { code, err } = await ekiden(["check", "nowhere.saga.yaml"]);

  expect(err).toBe("there is no file nowhere.saga.yaml\n");
  expect(code).toBe(2);
});

test("a folder in place of a file is wrong usage: exit code 2", async () => {
  const { code, err } = await ekiden(["check", "domains"]);

  expect(err).toBe("domains is a folder: name its files, or set EKIDEN_DOMAINS to it\n");
  expect(code).toBe(2);
});
