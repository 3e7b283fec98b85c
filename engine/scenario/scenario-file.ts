import { existsSync, readdirSync, readFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";

import type { DomainCatalog } from "../core/domain.ts";
import type { Json } from "../core/json.ts";
import { type DefinitionFile, readDefinition } from "../definition/folder.ts";
import { renderDiagnostic } from "../definition/render-diagnostic.ts";
import { InputFault, simulate } from "../simulate/simulate.ts";
import type { Run } from "../simulate/story.ts";
import { runText } from "../simulate/story-text.ts";
import { type Mismatch, mismatches } from "./compare.ts";
import { parseScenarios, type Subject } from "./parse-scenarios.ts";
import type { Scenario } from "./scenario.ts";

const SUFFIX = ".test.yaml";

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
    .filter((name) => name.endsWith(SUFFIX))
    .sort()
    .map((name) => join(folder, name));
}

/** Runs the scenarios of a file on the definition beside it: `onboarding.test.yaml` on `onboarding.saga.yaml`. */
export function runScenarioFile(path: string, catalog: DomainCatalog): ScenarioFile {
  const file = relative(process.cwd(), resolve(path));
  const folder = dirname(resolve(path));
  // `onboarding.refunds.test.yaml` is about the onboarding saga too.
  const subject = join(folder, `${basename(path).split(".")[0]}.saga.yaml`);
  if (!existsSync(subject)) {
    const hint = "A file of scenarios is named after the definition beside it.";
    return withFaults(file, [`${file}:1:1: error: there is no ${relative(process.cwd(), subject)}\n  fix: ${hint}`]);
  }
  const read = readDefinition(subject, catalog);
  if (read.definition === null) return withFaults(file, errorsOf(read));
  const readJson = (name: string) => jsonIn(resolve(folder, name));
  return runScenarios(file, readFileSync(path, "utf8"), { definition: read.definition, catalog, readJson });
}

function runScenarios(file: string, source: string, subject: Subject): ScenarioFile {
  const { scenarios, diagnostics } = parseScenarios(source, subject);
  if (diagnostics.length > 0)
    return withFaults(
      file,
      diagnostics.map((each) => renderDiagnostic(file, source, each)),
    );
  return { file, faults: [], results: scenarios.map((scenario) => resultOf(scenario, subject)) };
}

function resultOf(scenario: Scenario, { definition, catalog }: Subject): ScenarioResult {
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

function withFaults(file: string, faults: readonly string[]): ScenarioFile {
  return { file, faults, results: [] };
}

function errorsOf({ file, source, diagnostics }: DefinitionFile): string[] {
  return diagnostics.filter(({ severity }) => severity === "error").map((each) => renderDiagnostic(file, source, each));
}

function jsonIn(path: string): { readonly value: Json } | { readonly problem: string } {
  if (!existsSync(path)) return { problem: "there is no such file" };
  try {
    return { value: JSON.parse(readFileSync(path, "utf8")) as Json };
  } catch (error) {
    return { problem: `it is no JSON: ${error instanceof Error ? error.message : String(error)}` };
  }
}
