import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";

import type { Definition } from "../core/definition.ts";
import type { DomainCatalog } from "../core/domain.ts";
import type { Json } from "../core/json.ts";
import type { Diagnostic } from "../definition/diagnostic.ts";
import { type DefinitionFile, readDefinition } from "../definition/folder.ts";
import { renderDiagnostic } from "../definition/render-diagnostic.ts";
import { InputFault, simulate } from "../simulate/simulate.ts";
import type { Run } from "../simulate/story.ts";
import { runText } from "../simulate/story-text.ts";
import { type Mismatch, mismatches } from "./compare.ts";
import { parseScenarios } from "./parse-scenarios.ts";
import type { Scenario } from "./scenario.ts";

/** How names of files of scenarios end. */
export const SCENARIOS_SUFFIX = ".test.yaml";

/** What came of one scenario; without mismatches it is as expected. */
export interface ScenarioResult {
  readonly name: string;
  readonly line: number;
  readonly mismatches: readonly Mismatch[];
  /** Absent: the saga did not start. */
  readonly run?: Run;
}

/** A `*.test.yaml` and what came of it. */
export interface ScenarioFile {
  /** Path as a person types it, from the working directory. */
  readonly file: string;
  /** What is wrong with the file itself or with its definition, for people; none of its scenarios has run then. */
  readonly faults: readonly string[];
  readonly results: readonly ScenarioResult[];
}

/** Every `*.test.yaml` of a folder. */
export function scenarioFiles(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith(SCENARIOS_SUFFIX))
    .sort()
    .map((name) => join(folder, name));
}

/** A `*.test.yaml`, read against its definition. */
export interface ReadScenarios {
  readonly file: string;
  readonly source: string;
  readonly scenarios: readonly Scenario[];
  /** What is wrong with this file; nothing is said of it while its definition has errors. */
  readonly diagnostics: readonly Diagnostic[];
  /** The definition beside it: `onboarding.saga.yaml`; absent when there is none. */
  readonly definition?: DefinitionFile;
}

/** Reads a file of scenarios against the definition beside it, without running them. */
export function readScenarios(path: string, catalog: DomainCatalog): ReadScenarios {
  const folder = dirname(resolve(path));
  const read = { file: relative(process.cwd(), resolve(path)), source: readFileSync(path, "utf8"), scenarios: [] };
  // `onboarding.refunds.test.yaml` is about the onboarding saga too.
  const subject = join(folder, `${basename(path).split(".")[0]}.saga.yaml`);
  if (!existsSync(subject)) return { ...read, diagnostics: [withoutDefinition(subject)] };
  const definition = readDefinition(subject, catalog);
  if (definition.definition === null) return { ...read, diagnostics: [], definition };
  const readJson = (name: string) => jsonIn(resolve(folder, name));
  return {
    ...read,
    ...parseScenarios(read.source, { definition: definition.definition, catalog, readJson }),
    definition,
  };
}

/** Runs the scenarios of a file. */
export function runScenarioFile(path: string, catalog: DomainCatalog): ScenarioFile {
  const { file, source, scenarios, diagnostics, definition } = readScenarios(path, catalog);
  const faults = [...(definition === undefined ? [] : errorsOf(definition)), ...rendered(file, source, diagnostics)];
  const subject = definition?.definition ?? null;
  if (faults.length > 0 || subject === null) return { file, faults, results: [] };
  return { file, faults, results: scenarios.map((scenario) => resultOf(scenario, subject, catalog)) };
}

function withoutDefinition(path: string): Diagnostic {
  return {
    severity: "error",
    code: "scenario.no-definition",
    message: `there is no ${relative(process.cwd(), path)}`,
    line: 1,
    column: 1,
    hint: "A file of scenarios is named after the definition beside it.",
  };
}

function rendered(file: string, source: string, diagnostics: readonly Diagnostic[]): string[] {
  return diagnostics.map((each) => renderDiagnostic(file, source, each));
}

function resultOf(scenario: Scenario, definition: Definition, catalog: DomainCatalog): ScenarioResult {
  const { name, at } = scenario;
  try {
    const run = simulate(definition, scenario.plan, catalog);
    return { name, line: at.line, mismatches: mismatches(scenario, run), run };
  } catch (error) {
    if (!(error instanceof InputFault)) throw error;
    const fault: Mismatch = { at, message: `the saga would not start: ${error.message}`, lines: [] };
    return { name, line: at.line, mismatches: [fault] };
  }
}

/** What went wrong in a scenario: each mismatch with its place, then the whole story. */
export function failureText(file: string, { name, mismatches: found, run }: ScenarioResult): string {
  const told = found.flatMap(({ at, message, lines }) => [
    `${file}:${at.line}:${at.column}: ${name}: ${message}`,
    ...lines.map((line) => `    ${line}`),
  ]);
  const story = run === undefined ? [] : ["  what happened:", ...runText(run).split("\n").map(indented)];
  return [...told, ...story].join("\n");
}

function indented(line: string): string {
  return line === "" ? "" : `    ${line}`;
}

function errorsOf({ file, source, diagnostics }: DefinitionFile): string[] {
  return rendered(
    file,
    source,
    diagnostics.filter(({ severity }) => severity === "error"),
  );
}

function jsonIn(path: string): { readonly value: Json } | { readonly problem: string } {
  if (!existsSync(path)) return { problem: "there is no such file" };
  try {
    return { value: JSON.parse(readFileSync(path, "utf8")) as Json };
  } catch (error) {
    return { problem: `it is no JSON: ${error instanceof Error ? error.message : String(error)}` };
  }
}
