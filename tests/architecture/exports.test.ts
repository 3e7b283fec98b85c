import { expect, test } from "bun:test";

import { unusedExports } from "./exports.ts";
import { projectFiles } from "./project-files.ts";

test("whatever is exported is imported somewhere", () => {
  const files = projectFiles("{engine,tests,scripts}/**/*.{ts,tsx}");
  const readers = projectFiles("{engine,domains,examples,tests,scripts,bench}/**/*.{ts,tsx}");

  // The SDK is for people's domains; a type there that no example needs is no mistake.
  expect(unusedExports(files, readers).filter((name) => !name.startsWith("engine/sdk.ts:"))).toEqual([]);
});

const USER = { path: "engine/b/user.ts", source: `import { used, type Used as Other } from "../a.ts";` };

test.each([
  "export const unused = 1;",
  "export async function unused(): Promise<void> {}",
  "export class unused extends Error {}",
  "export interface unused {}",
  "export type unused = string;",
  "/** `unused` in a comment. */\nexport type unused = 'unused';",
])("found: %s", (source) => {
  const file = { path: "engine/a.ts", source };

  expect(unusedExports([file], [file, USER])).toEqual([expect.stringMatching(/^engine\/a\.ts:\d: unused$/)]);
});

test.each([
  "export const used = 1;",
  "export interface Used {}",
  "export interface Parts {}\nexport function used(parts: Parts): void {}",
  "const unused = 1;",
])("left alone: %s", (source) => {
  const file = { path: "engine/a.ts", source };

  expect(unusedExports([file], [file, USER])).toEqual([]);
});

test("an import of everything, also at run time, needs everything", () => {
  const file = { path: "engine/a.ts", source: "export const one = 1;" };
  const all = [`import * as a from "./a.ts";`, `export * from "./a.ts";`, `await import("./a.ts");`];

  expect(all.flatMap((source) => unusedExports([file], [{ path: "engine/b.ts", source }]))).toEqual([]);
});
