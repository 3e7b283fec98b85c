import { expect, test } from "bun:test";

import { floatingQueries } from "./floating-queries.ts";
import { projectFiles } from "./project-files.ts";

test("no query is made and dropped", () => {
  const files = projectFiles("{engine,domains,examples,tests,scripts,bench}/**/*.ts");

  expect(files.flatMap(floatingQueries)).toEqual([]);
});

const OFFENDERS = [
  "await first();\n  tx`insert into a values (1)`;",
  "async () => {\n  sql`select 1`;\n}",
  "if (row === undefined) tx`delete from a`;",
  "else this.#sql`delete from a`;",
  "{ tx<Row[]>`select id from a`; }",
  "void sql`select 1`;",
  "done();\n  sql.begin(async (tx) => {});",
  "done();\n  this.#sql.unsafe(text);",
];

test.each(OFFENDERS)("found: %s", (source) => {
  expect(floatingQueries({ path: "a.ts", source })).toHaveLength(1);
});

const INNOCENT = [
  "await tx`insert into a values (1)`;",
  "const rows = await sql<Row[]>`select id from a`;",
  "const rows = await tx`\n  select ${tx`id`} from a\n`;",
  "return sql`select 1`;",
  "const query = () => sql`select 1`;",
  "closing.add(() => sql.end());",
  "// sql`select 1`;",
];

test.each(INNOCENT)("left alone: %s", (source) => {
  expect(floatingQueries({ path: "a.ts", source })).toEqual([]);
});
