import { expect, test } from "bun:test";

import { ownFiles } from "./project-files.ts";

const LINES_MAX = 400;

test(`no source file is longer than ${LINES_MAX} lines`, () => {
  expect(tooLong(ownFiles("{engine,domains,examples,tests,scripts,bench}/**/*.{ts,tsx}"))).toEqual([]);
});

test("a file of one line too many is found", () => {
  const source = "const a = 1;\n".repeat(LINES_MAX + 1);

  expect(tooLong([{ path: "engine/long.ts", source }])).toEqual(["engine/long.ts"]);
});

function tooLong(files: readonly { path: string; source: string }[]): string[] {
  return files.filter(({ source }) => source.trimEnd().split("\n").length > LINES_MAX).map(({ path }) => path);
}
