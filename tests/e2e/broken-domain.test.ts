import { afterAll, beforeAll, expect, test } from "bun:test";

import { runToEnd } from "../support/engine-process.ts";
import { copyTree, type Tree } from "../support/tree.ts";

let tree: Tree;

beforeAll(async () => {
  tree = await copyTree();
}, 60_000);
afterAll(() => tree?.remove());

test("an engine with a mistake in a handler's file does not start, and shows where it is", async () => {
  await tree.write("domains/ledger/extra.ts", "const price == 3;\n");
  await tree.edit("domains/ledger/domain.ts", /^/, 'import "./extra.ts";\n');

  const { code, output } = await runToEnd(tree.path, {});

  expect(output).toContain(
    [
      "domains/ledger/domain.ts does not load:",
      'domains/ledger/extra.ts:1:13: error: Expected ";" but found "=="',
      "  const price == 3;",
      "              ^",
    ].join("\n"),
  );
  expect(output).toEndWith("Mend the file; `bun run check` shows type errors.\n");
  expect(code).toBe(1);
}, 60_000);
