import { expect, test } from "bun:test";
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { parse } from "yaml";
import { schemaProblems } from "../../engine/core/json-schema.ts";
import { catalogOf } from "../../engine/definition/catalog.ts";
import { readDefinitions } from "../../engine/definition/folder.ts";
import { renderDiagnostic } from "../../engine/definition/render-diagnostic.ts";
import { sagaSchema } from "../../engine/definition/saga-schema.ts";
import { startViolations } from "../../engine/definition/start-violations.ts";
import { loadDomains } from "../../engine/participant/load-domains.ts";
import { root } from "../architecture/project-files.ts";
import { isOwn, OWN_DEFINITIONS } from "../support/own-domains.ts";

/** Folder → the definitions in it. */
const EXAMPLES: Readonly<Record<string, readonly string[]>> = {
  domains: OWN_DEFINITIONS,
  "examples/order": ["order"],
  "examples/settlement": ["bank_transfer", "settlement"],
  "examples/subscription": ["renewal"],
};

for (const [folder, names] of Object.entries(EXAMPLES)) {
  test(`${folder}: its definitions load without a word, for the schema too, and start with the example beside them`, async () => {
    const domains = await loadDomains(join(root, folder));
    const catalog = catalogOf(domains.map(({ domain }) => domain));
    const files = readDefinitions(join(root, folder), catalog).filter(({ file }) => isOwn(relative(root, file)));

    const said = files.flatMap(({ file, source, diagnostics }) =>
      diagnostics.map((each) => renderDiagnostic(file, source, each)),
    );
    expect(said).toEqual([]);
    expect(files.map(({ definition }) => definition?.name)).toEqual([...names]);
    expect(files.flatMap(({ source }) => schemaProblems(sagaSchema(), parse(source)))).toEqual([]);
    const inputs = readdirSync(join(root, folder)).filter(
      (name) => name.endsWith(".example.json") && isOwn(`${folder}/${name}`),
    );
    expect(inputs).toHaveLength(1);
    for (const name of inputs) {
      const definition = files.find((file) => file.definition?.name === name.split(".")[0])?.definition;
      if (!definition) throw new Error(`${name} belongs to no definition`);
      const input: unknown = JSON.parse(readFileSync(join(root, folder, name), "utf8"));
      expect(startViolations(definition, input, catalog)).toEqual([]);
    }
  });
}

test("every folder of examples is loaded here", () => {
  const folders = readdirSync(join(root, "examples")).map((name) => `examples/${name}`);

  expect(folders.filter((folder) => !(folder in EXAMPLES))).toEqual([]);
});
