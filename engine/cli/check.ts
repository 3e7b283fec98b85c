import { existsSync, readdirSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import type { Command } from "commander";

import type { DomainCatalog } from "../core/domain.ts";
import { catalogOf } from "../definition/catalog.ts";
import type { Diagnostic } from "../definition/diagnostic.ts";
import { type DefinitionFile, readDefinition, readDefinitions } from "../definition/folder.ts";
import { renderDiagnostic } from "../definition/render-diagnostic.ts";
import { DomainError, type LoadedDomain, loadDomains } from "../participant/load-domains.ts";
import { CliError, EXIT } from "./cli-error.ts";
import { definitionsFolder } from "./definition-file.ts";

/** What a check found; `text` is for people. */
interface Finding extends Diagnostic {
  readonly file: string;
  readonly text: string;
}

/** `ekiden check`: definitions and domains, without a database and without an engine. */
export function addCheckCommand(program: Command): void {
  program
    .command("check")
    .argument("[files...]", "saga files; without any, every *.saga.yaml of EKIDEN_DOMAINS")
    .description("check definitions and domains; exit code 1 when there are errors")
    .option("--json", "print the findings as JSON")
    .action(async (files: string[], options: { json?: boolean }) => {
      const folder = definitionsFolder();
      const { findings, checked } = await check(folder, files);
      if (options.json === true)
        console.log(
          JSON.stringify(
            findings.map(({ text: _, ...finding }) => finding),
            null,
            2,
          ),
        );
      else report(findings, checked);
      if (findings.some(({ severity }) => severity === "error")) process.exitCode = EXIT.refused;
    });
}

async function check(folder: string, files: readonly string[]): Promise<{ findings: Finding[]; checked: string }> {
  const missing = files.find((file) => !existsSync(file));
  if (missing !== undefined) throw new CliError(EXIT.usage, `there is no file ${missing}`);
  const domains = await loadDomains(folder).catch((error: unknown) => asDomainError(error));
  // Judged against nothing, every command would be unknown: a domain that does not load comes first.
  if (domains instanceof DomainError) return { findings: [domainFinding(folder, domains)], checked: "" };
  const catalog = catalogOf(domains.map(({ domain }) => domain));
  const read = readFiles(folder, files, catalog);
  const findings = [...domains.flatMap(misnamedMigrations), ...read.flatMap(findingsOf)];
  return { findings, checked: `${count(read.length, "definition")} and ${count(domains.length, "domain")}` };
}

function readFiles(folder: string, files: readonly string[], catalog: DomainCatalog): DefinitionFile[] {
  return files.length === 0
    ? readDefinitions(folder, catalog)
    : files.map((file) => readDefinition(resolve(file), catalog));
}

function findingsOf({ file, source, diagnostics }: DefinitionFile): Finding[] {
  return diagnostics.map((each) => ({ ...each, file, text: renderDiagnostic(file, source, each) }));
}

function asDomainError(error: unknown): DomainError {
  if (error instanceof DomainError) return error;
  throw error;
}

function domainFinding(folder: string, error: DomainError): Finding {
  return finding(relative(process.cwd(), folder), error.code, error.message, error.hint);
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

function finding(file: string, code: string, message: string, hint: string): Finding {
  const place = { severity: "error", code, message, line: 1, column: 1, hint } as const;
  return { ...place, file, text: `${file}:1:1: error: ${message}\n  fix: ${hint}` };
}

function report(findings: readonly Finding[], checked: string): void {
  for (const { text } of findings) console.log(`${text}\n`);
  const errors = findings.filter(({ severity }) => severity === "error").length;
  const warnings = findings.length - errors;
  const sum = `${count(errors, "error")}, ${count(warnings, "warning")}`;
  console.log(checked === "" ? sum : `${checked}: ${sum}`);
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}
