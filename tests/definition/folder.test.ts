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

test("of files that hold a saga of one name none is taken, and each names the others", () => {
  const own = mkdtempSync(join(tmpdir(), "ekiden-same-"));
  const text = "saga: twice\nversion: 1\nsteps:\n  - fail: odd\n";
  for (const name of ["b", "a", "c"]) writeFileSync(join(own, `${name}.saga.yaml`), text);
  writeFileSync(join(own, "other.saga.yaml"), text.replace("twice", "once"));
  try {
    const files = readDefinitions(own, { actions: new Map() });
    expect(files.map(({ definition }) => definition?.name ?? null)).toEqual([null, null, null, "once"]);
    const [first] = files[0]?.diagnostics ?? [];
    expect(first?.message).toMatch(/^saga "twice" stands in .*b\.saga\.yaml, .*c\.saga\.yaml too$/);

    // A mistake in one of them, be it no YAML any more, lets no other take its place.
    writeFileSync(join(own, "b.saga.yaml"), `${text}nonsense: 1\n`);
    writeFileSync(join(own, "a.saga.yaml"), `${text}  - [\n`);
    const after = readDefinitions(own, { actions: new Map() });
    expect(after.map(({ definition }) => definition?.name ?? null)).toEqual([null, null, null, "once"]);

    // What is no name is nobody's.
    writeFileSync(join(own, "draft.saga.yaml"), text.replace("twice", "once upon a time"));
    const once = readDefinitions(own, { actions: new Map() }).find(({ file }) => file.endsWith("other.saga.yaml"));
    expect(once?.definition?.name).toBe("once");
  } finally {
    rmSync(own, { recursive: true, force: true });
  }
});
