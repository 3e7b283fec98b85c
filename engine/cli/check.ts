import { existsSync, readdirSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import type { Command } from "commander";

import { catalogOf } from "../definition/catalog.ts";
import type { Diagnostic } from "../definition/diagnostic.ts";
import { type DefinitionFile, readDefinition, readDefinitions } from "../definition/folder.ts";
import { renderDiagnostic } from "../definition/render-diagnostic.ts";
import { DomainError, type LoadedDomain, loadThoseThatLoad } from "../participant/load-domains.ts";
import { sourceOf } from "../participant/load-failure.ts";
import { readScenarios, type ReadScenarios, SCENARIOS_SUFFIX, scenarioFiles } from "../scenario/scenario-file.ts";
import { againstRunning, type Comparison, runningText } from "./against-running.ts";
import { EXIT } from "./cli-error.ts";
import { definitionsFolder, demandFiles, domainsOf } from "./definition-file.ts";
import { say } from "./write-line.ts";

/** What a check found; `text` is for people. */
interface Finding extends Diagnostic {
  readonly file: string;
  readonly text: string;
}

interface CheckOptions {
  readonly json?: boolean;
  readonly againstRunning?: boolean;
}

interface Checked {
  readonly findings: readonly Finding[];
  readonly definitions: readonly DefinitionFile[];
  /** What was looked at, in words; empty when nothing could be. */
  readonly what: string;
}

const NOTES = `
A file is judged by the domains that lie beside it, else by those of EKIDEN_DOMAINS.
A file that ends in .test.yaml is checked as the scenarios of the definition beside it; \`ekiden test\` runs them.
--against-running asks the engine at EKIDEN_URL, for each definition: is the file another revision than the running one, and
how many sagas have yet to finish on each revision.`;

/** `ekiden check`: definitions, scenarios and domains, without a database and without an engine. */
export function addCheckCommand(program: Command): void {
  program
    .command("check")
    .argument("[files...]", "saga files and files of scenarios; without any, all of EKIDEN_DOMAINS")
    .description("check definitions, scenarios and domains; exit code 1 when there are errors")
    .option("--against-running", "compare with the engine: revisions, and the sagas that still run on them")
    .option("--json", "print the findings as JSON")
    .addHelpText("after", NOTES)
    .action(async (files: string[], options: CheckOptions) => {
      const checked = await check(definitionsFolder(), files);
      const { findings, definitions } = checked;
      if (options.json !== true) report(checked);
      const running =
        options.againstRunning === true ? await againstRunning(definitions, files.length === 0) : undefined;
      if (options.json === true) say(JSON.stringify(asData(findings, running), null, 2));
      else if (running !== undefined) say(`\n${runningText(running)}`);
      if (findings.some(({ severity }) => severity === "error")) process.exitCode = EXIT.refused;
    });
}

function asData(found: readonly Finding[], running: readonly Comparison[] | undefined) {
  const findings = found.map(({ text: _, ...finding }) => finding);
  return running === undefined ? findings : { findings, running };
}

/** Looks at files, each by the domains beside it; without any at all that lies in the folder. */
async function check(folder: string, files: readonly string[]): Promise<Checked> {
  demandFiles(files);
  if (files.length === 0) return summed([await checkFolder(folder, undefined)]);
  const folders = [...new Set(files.map(domainsOf))];
  return summed(
    await Promise.all(
      folders.map((each) =>
        checkFolder(
          each,
          files.filter((file) => domainsOf(file) === each),
        ),
      ),
    ),
  );
}

/** What was found by the domains of one folder; `files` undefined: all that lies there. */
interface Part {
  readonly findings: readonly Finding[];
  readonly definitions: readonly DefinitionFile[];
  readonly scenarios: number;
  readonly domains: number;
}

async function checkFolder(folder: string, files: readonly string[] | undefined): Promise<Part> {
  const domains = await loadThoseThatLoad(folder).catch((error: unknown) => asDomainError(error));
  if (domains instanceof DomainError)
    return { findings: domainFindings(folder, domains), definitions: [], scenarios: 0, domains: 0 };
  const { loaded, broken } = domains;
  const catalog = {
    ...catalogOf(loaded.map(({ domain }) => domain)),
    // Judged against nothing, each command of theirs would be unknown: that they do not load comes first.
    broken: new Set(broken.map(({ name }) => name)),
  };
  const definitions =
    files === undefined
      ? readDefinitions(folder, catalog)
      : files.filter((file) => !isScenarios(file)).map((file) => readDefinition(resolve(file), catalog));
  const tests = files === undefined ? scenarioFiles(folder) : files.filter(isScenarios);
  const scenarios = tests.map((file) => readScenarios(file, catalog));
  const findings = [
    ...broken.flatMap(({ error }) => domainFindings(folder, error)),
    ...loaded.flatMap(misnamedMigrations),
    ...(files === undefined ? misnamedFiles(folder) : []),
    ...[...definitions, ...scenarios].flatMap(findingsOf),
  ];
  return { findings, definitions, scenarios: scenarios.length, domains: loaded.length + broken.length };
}

function summed(parts: readonly Part[]): Checked {
  const sum = (of: (part: Part) => number) => parts.reduce((total, part) => total + of(part), 0);
  const [definitions, scenarios, domains] = [
    parts.flatMap((part) => part.definitions),
    sum((part) => part.scenarios),
    sum((part) => part.domains),
  ];
  const tests = scenarios === 0 ? "" : `, ${count(scenarios, "file")} of scenarios`;
  const nothing = definitions.length + scenarios + domains === 0;
  const what = nothing ? "" : `${count(definitions.length, "definition")}${tests} and ${count(domains, "domain")}`;
  return { findings: parts.flatMap((part) => part.findings), definitions, what };
}

function isScenarios(file: string): boolean {
  return file.endsWith(SCENARIOS_SUFFIX);
}

function findingsOf({ file, source, diagnostics }: DefinitionFile | ReadScenarios): Finding[] {
  return diagnostics.map((each) => ({ ...each, file, text: renderDiagnostic(file, source, each) }));
}

function asDomainError(error: unknown): DomainError {
  if (error instanceof DomainError) return error;
  throw error;
}

/** One for each line at fault; where none is known, one for the domain. */
function domainFindings(folder: string, { code, message, hint, file, faults }: DomainError): Finding[] {
  if (faults.length === 0) return [finding(relative(process.cwd(), file ?? folder), code, message, hint)];
  return faults.map((fault) => {
    const diagnostic = { severity: "error", code, hint, ...fault } as const;
    return { ...diagnostic, text: renderDiagnostic(fault.file, sourceOf(fault.file), diagnostic) };
  });
}

/** A file that the engine would pass over without a word. */
function misnamedMigrations({ sqlFolder }: LoadedDomain): Finding[] {
  const names = existsSync(sqlFolder) ? readdirSync(sqlFolder) : [];
  return names
    .filter((name) => name.endsWith(".sql") && !/^\d{4}_[a-z0-9_]+\.sql$/.test(name))
    .map((name) => {
      const file = relative(process.cwd(), join(sqlFolder, name));
      return finding(
        file,
        "domain.invalid",
        "this name is no migration's, so it would never run",
        "Name it like 0002_subject.sql.",
      );
    });
}

/**
 * The other ending of YAML: nothing of it would run, and nothing would say so. Other programs have files that end in
 * `.test.yml`, too: one of scenarios has its definition beside it.
 */
function misnamedFiles(folder: string): Finding[] {
  const names = readdirSync(folder).filter((name) => !name.startsWith("."));
  const definitions = new Set(names.flatMap((name) => /^(.+)\.saga\.ya?ml$/.exec(name)?.[1] ?? []));
  return names
    .filter((name) => name.endsWith(".saga.yml") || definitions.has(/^(.+)\.test\.yml$/.exec(name)?.[1] ?? ""))
    .sort()
    .map((name) => {
      const file = relative(process.cwd(), join(folder, name));
      const hint = `Name it ${name.replace(/yml$/, "yaml")}.`;
      return finding(file, "definition.bad-name", "nobody reads a file of this name", hint);
    });
}

function finding(file: string, code: string, message: string, hint: string): Finding {
  const place = { severity: "error", code, message, line: 1, column: 1, hint } as const;
  return { ...place, file, text: `${file}:1:1: error: ${message}\n  fix: ${hint}` };
}

function report({ findings, what }: Checked): void {
  for (const { text } of findings) say(`${text}\n`);
  const errors = findings.filter(({ severity }) => severity === "error").length;
  const warnings = findings.length - errors;
  const sum = `${count(errors, "error")}, ${count(warnings, "warning")}`;
  say(what === "" ? sum : `${what}: ${sum}`);
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}
