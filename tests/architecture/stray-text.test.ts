import { expect, test } from "bun:test";

import { ownFiles } from "./project-files.ts";
import { straysIn } from "./stray-text.ts";

/** It holds the patterns and the offenders themselves. */
const ITSELF = /^tests\/architecture\/stray-text/;

test("no file names a registry or a path of one machine, or was left unfinished", () => {
  const files = ownFiles(
    "{engine,domains,examples,sql,tests,bench,scripts,docs,patches}/**/*.{ts,tsx,sql,yaml,yml,md,json,xml,patch,Dockerfile}",
    "*.{md,json,yaml,toml,lock}",
    ".*ignore",
    ".ci/*",
  ).filter(({ path }) => !ITSELF.test(path));

  expect(files.length).toBeGreaterThan(400);
  expect(files.flatMap(straysIn)).toEqual([]);
});

test.each([
  "// TODO: later",
  "/* FIXME */",
  "FROM sample-docker.io/library/postgres:18".replace("sample-", ""),
  "image: samplecr.io/somebody/thing:1",
  '"resolved": "https://registry.example.org/a.tgz"',
  "cd /home/somebody/ekiden",
  'const folder = "/Users/somebody";',
  "path=/home/.cache",
  "console.debug(row);",
  "  debugger;",
  "test.only('this one', () => {});",
  "describe.skip('these', () => {});",
  "<<<<<<< HEAD",
])("found: %s", (source) => {
  expect(straysIn({ path: "a.ts", source })).toHaveLength(1);
});

test.each(["/var/lib/postgresql", "postgres:18.4", "/v1/root/things", "a todo list", "read only()", "===="])(
  "left alone: %s",
  (source) => {
    expect(straysIn({ path: "a.ts", source })).toEqual([]);
  },
);
