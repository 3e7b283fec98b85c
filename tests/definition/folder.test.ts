import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { readDefinition, readDefinitions } from "../../engine/definition/folder.ts";

const folder = mkdtempSync(join(tmpdir(), "ekiden-folder-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const write = (name: string, steps: string): void =>
  writeFileSync(
    join(folder, `${name}.saga.yaml`),
    `saga: ${name}\nversion: 1\ninput: { no: string }\nsteps:\n${steps}`,
  );

test("a saga is checked against those beside it, whatever else is wrong in them", () => {
  write("parent", "  - saga: child\n    with: { number: x }\n");
  write("child", "  - if: input.nothing\n    fail: odd\n");
  const found = (files: ReturnType<typeof readDefinitions>) =>
    files.flatMap(({ diagnostics }) => diagnostics.map(({ code }) => code));

  const ofParent = ["definition.input-missing", "definition.input-extra"];
  expect(found(readDefinitions(folder, { actions: new Map() }))).toEqual(["definition.unknown-field", ...ofParent]);
  expect(found([readDefinition(join(folder, "parent.saga.yaml"), { actions: new Map() })])).toEqual(ofParent);
});
