import { expect, test } from "bun:test";
import { readdirSync } from "node:fs";
import { DIAGNOSTIC_CODES } from "../../engine/definition/diagnostic-codes.ts";
import { renderDiagnostic } from "../../engine/definition/render-diagnostic.ts";
import { load } from "./definition-source.ts";

const folder = `${import.meta.dir}/fixtures`;
const fixtures = readdirSync(folder)
  .filter((file) => file.endsWith(".yaml"))
  .sort();
/** Made in hostile-sources.test.ts, since nobody wants 256 KiB of fixture, and in open-catalog.test.ts. */
const MADE_ELSEWHERE = ["definition.too-large", "definition.domain-not-loaded"];

/** A fixture is named after the code that it is about: `bad-shape.bounds.yaml` is about `definition.bad-shape`. */
const codeOf = (file: string): string => `definition.${file.split(".")[0]}`;

for (const file of fixtures) {
  test(`${file} is reported with place, line, caret and fix`, async () => {
    const source = await Bun.file(`${folder}/${file}`).text();
    const expected = await Bun.file(`${folder}/${file.replace(/yaml$/, "txt")}`).text();

    const { definition, diagnostics } = load(source);

    expect(`${diagnostics.map((each) => renderDiagnostic(file, source, each)).join("\n\n")}\n`).toBe(expected);
    expect(diagnostics.map((each) => each.code)).toContain(codeOf(file));
    expect(definition === null).toBe(diagnostics.some((each) => each.severity === "error"));
  });
}

test("every diagnostic code has a fixture", () => {
  const covered = new Set([...fixtures.map(codeOf), ...MADE_ELSEWHERE]);

  expect(DIAGNOSTIC_CODES.filter((code) => !covered.has(code))).toEqual([]);
  expect([...covered].filter((code) => !DIAGNOSTIC_CODES.some((known) => known === code))).toEqual([]);
});
