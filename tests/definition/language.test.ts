import { expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { parse } from "yaml";
import { schemaProblems } from "../../engine/core/json-schema.ts";
import { KINDS, keysOf, LANGUAGE } from "../../engine/definition/language.ts";
import { loadDefinition } from "../../engine/definition/load.ts";
import { fileOf, referencePage } from "../../engine/definition/reference.ts";
import { renderDiagnostic } from "../../engine/definition/render-diagnostic.ts";
import { sagaSchema } from "../../engine/definition/saga-schema.ts";
import { root } from "../architecture/project-files.ts";
import { loadExample } from "./reference-domains.ts";

for (const { key, in: places, example } of LANGUAGE) {
  test(`the example of ${key} in ${places.join(", ")} loads without a word and shows the key`, () => {
    const source = fileOf(example);
    const { diagnostics } = loadExample(source);

    expect(diagnostics.map((each) => renderDiagnostic(key, source, each)).join("\n\n")).toBe("");
    expect(example).toMatch(new RegExp(`(?:^|[\\s{])${key}:`, "m"));
    expect(schemaProblems(sagaSchema(), parse(source))).toEqual([]);
  });
}

test("the reference is what the table says", async () => {
  expect(await Bun.file(join(root, "docs/SAGA_YAML.md")).text()).toBe(referencePage());
});

test("every key has its own entry in the reference", () => {
  const page = referencePage();
  const entries = [...page.matchAll(/^### `(\w+)`$/gm)].map(([, key]) => key);

  expect(entries.length).toBe(LANGUAGE.length);
  for (const kind of KINDS) expect(page).toContain(`\n## ${kind}\n`);
});

test.each(["README.md", "README.ja.md"])("%s names every kind of step, and no other", async (file) => {
  const readme = await Bun.file(join(root, file)).text();
  const [, sentence = ""] = /^(?:A step is|ステップの種類は)(.*?)(?:\. Any|です。)/ms.exec(readme) ?? [];
  const named = [...sentence.matchAll(/`(\w+)`/g)].map(([, kind]) => kind as string);

  expect(named.sort()).toEqual([...KINDS].sort());
});

test("the JSON schema beside it is what the table says", async () => {
  expect(await Bun.file(join(root, "docs/saga.schema.json")).text()).toBe(`${JSON.stringify(sagaSchema(), null, 2)}\n`);
});

test("what the parser accepts, the JSON schema accepts", async () => {
  const folder = join(import.meta.dir, "fixtures");
  const names = readdirSync(folder).filter((name) => name.endsWith(".yaml"));
  const sources = await Promise.all(names.map((name) => Bun.file(join(folder, name)).text()));
  const sound = sources.filter(
    (source) => loadDefinition(source, { catalog: null, checks: false }).definition !== null,
  );

  expect(sound.length).toBeGreaterThan(100);
  expect(sound.flatMap((source) => schemaProblems(sagaSchema(), parse(source)))).toEqual([]);
});

test.each([
  "unknown-key",
  "unknown-key.top",
  "unknown-key.retry",
  "misplaced-key.join",
  "missing-key",
  "wrong-type.join",
])("%s is refused by the JSON schema as well", async (name) => {
  const source = await Bun.file(join(import.meta.dir, `fixtures/${name}.yaml`)).text();

  expect(schemaProblems(sagaSchema(), parse(source))).not.toEqual([]);
});

test("a key that no place takes is not in the language", () => {
  expect(keysOf("file")).toContain("steps");
  expect(keysOf("command")).not.toContain("join");
});
